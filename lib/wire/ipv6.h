// The IPv6 header and the extension headers in front of a transport (RFC 8200).
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "weir/address.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"

namespace weir::wire {

inline constexpr uint8_t kHeaderHopByHop = 0;
inline constexpr uint8_t kHeaderRouting = 43;
inline constexpr uint8_t kHeaderFragment = 44;
inline constexpr uint8_t kHeaderDestinationOptions = 60;
inline constexpr uint8_t kNoNextHeader = 59;

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

// What the walk over extension headers has found so far.
struct ExtensionChain {
  uint8_t next = 0;       // the header at `at`
  uint16_t at = 0;        // octets walked over
  bool routing = false;   // there was a routing header
  bool fragment = false;  // there was the header of an atomic fragment
};

constexpr bool IsExtensionHeader(uint8_t header) {
  return header == kHeaderHopByHop || header == kHeaderRouting || header == kHeaderFragment ||
         header == kHeaderDestinationOptions;
}

// Walks from chain.next on to the first header that is no extension: hop-by-hop only first,
// destination options, routing headers that have nothing left to visit (never type 0, RFC 5095),
// and the header of an atomic fragment; real fragments are dropped.
[[nodiscard]] Counter WalkExtensions(std::span<const uint8_t> payload, ExtensionChain& chain);

// Reads the header at the start of `packet` and walks the extension headers. Octets behind the
// payload length are padding. Returns the reason to drop the packet, or kNoDrop. Inline for the
// same reason as ParseIpv4.
[[nodiscard]] inline Counter ParseIpv6(std::span<const uint8_t> packet, Ipv6Header& header) {
  if (packet.size() < kIpv6HeaderSize) return Counter::kDropIpv6Header;
  const uint8_t* p = packet.data();
  const uint32_t first = LoadBe32(p);
  if (first >> 28 != 6) return Counter::kDropIpv6Header;
  const uint16_t payload_size = LoadBe16(p + 4);
  if (payload_size > packet.size() - kIpv6HeaderSize) return Counter::kDropIpv6Length;
  ExtensionChain chain{.next = p[6]};
  if (IsExtensionHeader(chain.next)) {
    const Counter bad = WalkExtensions(packet.subspan(kIpv6HeaderSize, payload_size), chain);
    if (bad != kNoDrop) return bad;
  }
  header.dscp_ecn = static_cast<uint8_t>(first >> 20);
  header.flow_label = first & 0xfffff;
  header.hop_limit = p[7];
  header.source = IpAddress::FromV6Octets(p + 8);
  header.destination = IpAddress::FromV6Octets(p + 24);
  header.protocol = chain.next;
  header.header_size = static_cast<uint16_t>(kIpv6HeaderSize + chain.at);
  header.payload_size = static_cast<uint16_t>(payload_size - chain.at);
  header.has_routing_header = chain.routing;
  header.has_fragment_header = chain.fragment;
  return kNoDrop;
}

// The reason why nothing may be answered to this source (MUST-63, RFC 4291 2.5.2, 2.7), or kNoDrop.
[[nodiscard]] Counter CheckIpv6Source(const IpAddress& address);

// Writes kIpv6HeaderSize octets and returns that size.
uint16_t WriteIpv6(uint8_t* out, const Ipv6Header& header);

// ff02::1:ffXX:XXXX for an address (RFC 4291 2.7.1), and the Ethernet address of an IPv6 group
// (RFC 2464 7).
[[nodiscard]] IpAddress SolicitedNodeAddress(const IpAddress& address);
[[nodiscard]] MacAddress MulticastMac(const IpAddress& group);

}  // namespace weir::wire
