// The IPv4 header (RFC 791, RFC 1122 3.2.1).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "weir/address.h"
#include "wire/drop.h"

namespace weir::wire {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;
inline constexpr uint8_t kProtocolIcmpv6 = 58;

inline constexpr uint16_t kIpv4HeaderSize = 20;     // without options
inline constexpr uint16_t kIpv4HeaderSizeMax = 60;  // with 40 octets of options
inline constexpr uint8_t kTtlDefault = 64;

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
inline IpAddress LoadIpv4Address(const uint8_t* p) {
  uint32_t raw;
  std::memcpy(&raw, p, sizeof raw);
  const uint64_t words[2] = {0,
                             uint64_t{raw} << 32 | 0xffff0000u};  // ::ffff:a.b.c.d, little-endian
  uint8_t octets[16];
  std::memcpy(octets, words, sizeof octets);
  return IpAddress::FromV6Octets(octets);
}

// Reads the header at the start of `packet` and checks version, IHL, total length, checksum (unless
// the device has found it good), fragmentation and options. Octets behind the total length are
// padding. Returns the reason to drop the packet, or kNoDrop.
[[nodiscard]] Counter ParseIpv4(std::span<const uint8_t> packet, bool checksum_good,
                                Ipv4Header& header);

// The reason why nothing may be answered to this source (MUST-63, RFC 1122 3.2.1.3), or kNoDrop.
[[nodiscard]] Counter CheckIpv4Source(uint32_t address);

// Writes kIpv4HeaderSize octets, checksum included, and returns that size.
uint16_t WriteIpv4(uint8_t* out, const Ipv4Header& header);

}  // namespace weir::wire
