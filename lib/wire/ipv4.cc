// The IPv4 header, octets to values and back.
#include "wire/ipv4.h"

#include "base/bytes.h"
#include "wire/checksum.h"

namespace weir::wire {
namespace {

// Option types (RFC 791 3.1), copied flag and class included.
constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNoOperation = 1;
constexpr uint8_t kOptionLooseSourceRoute = 131;
constexpr uint8_t kOptionStrictSourceRoute = 137;

}  // namespace

Counter CheckIpv4Options(std::span<const uint8_t> options) {
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

Counter CheckIpv4Source(uint32_t address) {
  const uint32_t network = address >> 24;
  if (network != 0 && network != 127 && network < 224) return kNoDrop;
  if (network == 0) return Counter::kDropSourceUnspecified;
  if (network == 127) return Counter::kDropSourceLoopback;
  if (network < 240) return Counter::kDropSourceMulticast;
  return address == 0xffffffffu ? Counter::kDropSourceBroadcast : Counter::kDropSourceReserved;
}

uint16_t WriteIpv4(uint8_t* out, const Ipv4Header& header) {
  const uint32_t first = uint32_t{0x4500u | header.dscp_ecn} << 16 |
                         static_cast<uint16_t>(kIpv4HeaderSize + header.payload_size);
  const uint32_t second = uint32_t{header.id} << 16 | (header.df ? kIpv4DontFragment : 0);
  const uint32_t third = uint32_t{header.ttl} << 24 | uint32_t{header.protocol} << 16;
  const uint32_t source = header.source.v4(), destination = header.destination.v4();
  // Summed from the values: reading back octets that were just stored would stall.
  const uint16_t checksum = ChecksumOf(uint64_t{first} + second + third + source + destination);
  StoreBe32(out, first);
  StoreBe32(out + 4, second);
  StoreBe32(out + 8, third | checksum);
  StoreBe32(out + 12, source);
  StoreBe32(out + 16, destination);
  return kIpv4HeaderSize;
}

}  // namespace weir::wire
