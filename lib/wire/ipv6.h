// The IPv6 header and the extension headers in front of a transport (RFC 8200).
#pragma once

#include <cstdint>
#include <span>

#include "weir/address.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"

namespace weir::wire {

inline constexpr uint8_t kHeaderHopByHop = 0;
inline constexpr uint8_t kHeaderRouting = 43;
inline constexpr uint8_t kHeaderFragment = 44;
inline constexpr uint8_t kHeaderDestinationOptions = 60;

inline constexpr uint16_t kIpv6HeaderSize = 40;
inline constexpr uint16_t kFragmentHeaderSize = 8;
// Bounds of the walk; a chain beyond them is dropped, whatever it carries.
inline constexpr int kExtensionHeadersMax = 8;
inline constexpr uint16_t kExtensionOctetsMax = 256;

// One header in host order. As parsed, `protocol` is what comes behind the extension headers and
// `payload_size` does not count them; as written, there are none.
struct Ipv6Header {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;
  uint8_t hop_limit = kTtlDefault;
  uint8_t dscp_ecn = 0;
  uint32_t flow_label = 0;  // 20 bits
  uint16_t payload_size = 0;
  uint16_t header_size = kIpv6HeaderSize;  // extension headers included; WriteIpv6 ignores it
  bool has_routing_header = false;
  bool has_fragment_header = false;  // an atomic fragment: processed as if whole (RFC 6946)
};

// Reads the header at the start of `packet` and walks the extension headers: hop-by-hop only first,
// destination options, routing headers that have nothing left to visit (never type 0, RFC 5095),
// and the header of an atomic fragment; real fragments are dropped. Octets behind the payload
// length are padding. Returns the reason to drop the packet, or kNoDrop.
[[nodiscard]] Counter ParseIpv6(std::span<const uint8_t> packet, Ipv6Header& header);

// The reason why nothing may be answered to this source (MUST-63, RFC 4291 2.5.2, 2.7), or kNoDrop.
[[nodiscard]] Counter CheckIpv6Source(const IpAddress& address);

// Writes kIpv6HeaderSize octets and returns that size.
uint16_t WriteIpv6(uint8_t* out, const Ipv6Header& header);

// ff02::1:ffXX:XXXX for an address (RFC 4291 2.7.1), and the Ethernet address of an IPv6 group
// (RFC 2464 7).
[[nodiscard]] IpAddress SolicitedNodeAddress(const IpAddress& address);
[[nodiscard]] MacAddress MulticastMac(const IpAddress& group);

}  // namespace weir::wire
