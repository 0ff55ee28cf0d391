// The IPv4 header, octets to values and back.
#include "wire/ipv4.h"

#include "base/bytes.h"
#include "wire/checksum.h"

namespace weir::wire {
namespace {

constexpr uint16_t kDontFragment = 0x4000;
constexpr uint16_t kMoreFragmentsAndOffset = 0x3fff;

// Option types (RFC 791 3.1), copied flag and class included.
constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNoOperation = 1;
constexpr uint8_t kOptionLooseSourceRoute = 131;
constexpr uint8_t kOptionStrictSourceRoute = 137;

// Source routes are refused; anything else is walked over and ignored (MUST-50).
Counter CheckOptions(std::span<const uint8_t> options) {
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t type = options[at];
    if (type == kOptionEnd) break;
    if (type == kOptionNoOperation) {
      ++at;
      continue;
    }
    if (type == kOptionLooseSourceRoute || type == kOptionStrictSourceRoute) {
      return Counter::kDropIpv4SourceRoute;
    }
    if (options.size() - at < 2) return Counter::kDropIpv4Options;
    const uint8_t size = options[at + 1];
    if (size < 2 || size > options.size() - at) return Counter::kDropIpv4Options;
    at += size;
  }
  return kNoDrop;
}

}  // namespace

Counter ParseIpv4(std::span<const uint8_t> packet, bool checksum_good, Ipv4Header& header) {
  if (packet.size() < kIpv4HeaderSize) return Counter::kDropIpv4Header;
  const uint8_t* p = packet.data();
  const uint16_t header_size = static_cast<uint16_t>((p[0] & 0xf) * 4);
  if (p[0] >> 4 != 4 || header_size < kIpv4HeaderSize || header_size > packet.size()) {
    return Counter::kDropIpv4Header;
  }
  const uint16_t total_size = LoadBe16(p + 2);
  if (total_size < header_size || total_size > packet.size()) return Counter::kDropIpv4Length;
  if (!checksum_good && Fold(SumOctets(packet.first(header_size))) != 0xffff) {
    return Counter::kDropIpv4Checksum;
  }
  const uint16_t fragment = LoadBe16(p + 6);
  if ((fragment & kMoreFragmentsAndOffset) != 0) return Counter::kDropIpv4Fragment;
  if (header_size != kIpv4HeaderSize) {
    const Counter bad =
        CheckOptions(packet.subspan(kIpv4HeaderSize, header_size - kIpv4HeaderSize));
    if (bad != kNoDrop) return bad;
  }
  header.dscp_ecn = p[1];
  header.id = LoadBe16(p + 4);
  header.df = (fragment & kDontFragment) != 0;
  header.ttl = p[8];
  header.protocol = p[9];
  header.source = LoadIpv4Address(p + 12);
  header.destination = LoadIpv4Address(p + 16);
  header.header_size = header_size;
  header.payload_size = static_cast<uint16_t>(total_size - header_size);
  return kNoDrop;
}

Counter CheckIpv4Source(uint32_t address) {
  const uint32_t network = address >> 24;
  if (network != 0 && network != 127 && network < 224) return kNoDrop;
  if (network == 0) return Counter::kDropSourceUnspecified;
  if (network == 127) return Counter::kDropSourceLoopback;
  if (network < 240) return Counter::kDropSourceMulticast;
  return address == 0xffffffffu ? Counter::kDropSourceBroadcast : Counter::kDropSourceReserved;
}

uint16_t WriteIpv4(uint8_t* out, const Ipv4Header& header) {
  const uint16_t words[10] = {
      static_cast<uint16_t>(0x4500 | header.dscp_ecn),
      static_cast<uint16_t>(kIpv4HeaderSize + header.payload_size),
      header.id,
      header.df ? kDontFragment : uint16_t{0},
      static_cast<uint16_t>(header.ttl << 8 | header.protocol),
      0,
      static_cast<uint16_t>(header.source.v4() >> 16),
      static_cast<uint16_t>(header.source.v4()),
      static_cast<uint16_t>(header.destination.v4() >> 16),
      static_cast<uint16_t>(header.destination.v4()),
  };
  // Summed from the values: reading back octets that were just stored would stall.
  uint64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    StoreBe16(out + 2 * i, words[i]);
    sum += words[i];
  }
  StoreBe16(out + 10, ChecksumOf(sum));
  return kIpv4HeaderSize;
}

}  // namespace weir::wire
