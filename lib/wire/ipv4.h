// The IPv4 header (RFC 791, RFC 1122 3.2.1).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "weir/address.h"
#include "wire/checksum.h"
#include "wire/drop.h"

namespace weir::wire {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;
inline constexpr uint8_t kProtocolIcmpv6 = 58;

inline constexpr uint16_t kIpv4HeaderSize = 20;     // without options
inline constexpr uint16_t kIpv4HeaderSizeMax = 60;  // with 40 octets of options
inline constexpr uint8_t kTtlDefault = 64;
inline constexpr uint8_t kIpv4Plain = 0x45;  // version 4, no options

// In the octets of flags and fragment offset.
inline constexpr uint16_t kIpv4DontFragment = 0x4000;
inline constexpr uint16_t kIpv4FragmentMask = 0x3fff;  // more fragments, or an offset

// One header in host order. What is built has no options, and by default DF set and identification
// 0: an atomic datagram, whose identification means nothing (RFC 6864 4.1).
struct Ipv4Header {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;
  uint8_t ttl = kTtlDefault;
  uint8_t dscp_ecn = 0;
  uint16_t payload_size = 0;  // octets behind the header, padding of the frame excluded
  bool df = true;
  uint16_t id = 0;
  uint16_t header_size = kIpv4HeaderSize;  // as parsed; WriteIpv4 ignores it
};

// Reads four octets in network order.
inline IpAddress LoadIpv4Address(const uint8_t* p) { return IpAddress::V4(LoadBe32(p)); }

// The checksum's sum over a whole header, nearly always five words.
inline uint64_t Ipv4HeaderSum(std::span<const uint8_t> header) {
  if (header.size() != kIpv4HeaderSize) return SumOctets(header);
  uint64_t sum = 0;
  for (size_t at = 0; at < kIpv4HeaderSize; at += 4) sum += LoadBe32(&header[at]);
  return sum;
}

// Walks the option octets of a header: source routes are refused, anything else is ignored
// (MUST-50).
[[nodiscard]] Counter CheckIpv4Options(std::span<const uint8_t> options);

// Reads the header at the start of `packet` and checks version, IHL, total length, checksum (unless
// the device has found it good), fragmentation and options. Octets behind the total length are
// padding. Returns the reason to drop the packet, or kNoDrop.
//
// Inline, so that on the path of every frame the values stay in registers: as a call it took twice
// the time, most of it waiting for stores to be read back.
[[nodiscard]] inline Counter ParseIpv4(std::span<const uint8_t> packet, bool checksum_good,
                                       Ipv4Header& header) {
  if (packet.size() < kIpv4HeaderSize) return Counter::kDropIpv4Header;
  const uint8_t* p = packet.data();
  uint16_t header_size = kIpv4HeaderSize;
  if (p[0] != kIpv4Plain) [[unlikely]] {
    header_size = static_cast<uint16_t>((p[0] & 0xf) * 4);
    if (p[0] >> 4 != 4 || header_size < kIpv4HeaderSize || header_size > packet.size()) {
      return Counter::kDropIpv4Header;
    }
  }
  const uint16_t total_size = LoadBe16(p + 2);
  if (total_size < header_size || total_size > packet.size()) return Counter::kDropIpv4Length;
  if (!checksum_good && Fold(Ipv4HeaderSum(packet.first(header_size))) != 0xffff) {
    return Counter::kDropIpv4Checksum;
  }
  const uint16_t fragment = LoadBe16(p + 6);
  if ((fragment & kIpv4FragmentMask) != 0) return Counter::kDropIpv4Fragment;
  if (header_size != kIpv4HeaderSize) {
    const Counter bad =
        CheckIpv4Options(packet.subspan(kIpv4HeaderSize, header_size - kIpv4HeaderSize));
    if (bad != kNoDrop) return bad;
  }
  header.dscp_ecn = p[1];
  header.id = LoadBe16(p + 4);
  header.df = (fragment & kIpv4DontFragment) != 0;
  header.ttl = p[8];
  header.protocol = p[9];
  header.source = LoadIpv4Address(p + 12);
  header.destination = LoadIpv4Address(p + 16);
  header.header_size = header_size;
  header.payload_size = static_cast<uint16_t>(total_size - header_size);
  return kNoDrop;
}

// Of an address's first octet: neither "this network", nor loopback, nor a group, nor reserved.
inline bool IsOrdinaryIpv4(uint8_t first_octet) {
  return static_cast<uint8_t>(first_octet - 1) < 223 && first_octet != 127;
}

// The reason why nothing may be answered to this source (MUST-63, RFC 1122 3.2.1.3), or kNoDrop.
[[nodiscard]] Counter CheckIpv4Source(uint32_t address);

// Writes kIpv4HeaderSize octets, checksum included, and returns that size. The checksum is summed
// from the values: reading back octets that were just stored would stall. It is summed as they lie
// in memory, which gives the checksum as it lies there, too (RFC 1071 2 (B)).
inline uint16_t WriteIpv4(uint8_t* out, const Ipv4Header& header) {
  const uint32_t words[5] = {
      __builtin_bswap32(uint32_t{0x4500u | header.dscp_ecn} << 16 |
                        static_cast<uint16_t>(kIpv4HeaderSize + header.payload_size)),
      __builtin_bswap32(uint32_t{header.id} << 16 | (header.df ? kIpv4DontFragment : 0)),
      uint32_t{header.protocol} << 8 | header.ttl, header.source.raw_v4(),
      header.destination.raw_v4()};
  const uint16_t checksum =
      ChecksumOf(uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4]);
  const uint32_t third = words[2] | uint32_t{checksum} << 16;
  std::memcpy(out, &words[0], 4);
  std::memcpy(out + 4, &words[1], 4);
  std::memcpy(out + 8, &third, 4);
  std::memcpy(out + 12, &words[3], 4);
  std::memcpy(out + 16, &words[4], 4);
  return kIpv4HeaderSize;
}

}  // namespace weir::wire
