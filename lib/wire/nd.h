// Neighbour discovery messages of ICMPv6 (RFC 4861).
#pragma once

#include <cstdint>
#include <span>

#include "weir/address.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/frame.h"

namespace weir::wire {

// ICMPv6 types.
inline constexpr uint8_t kNdRouterSolicitation = 133;
inline constexpr uint8_t kNdRouterAdvertisement = 134;
inline constexpr uint8_t kNdNeighborSolicitation = 135;
inline constexpr uint8_t kNdNeighborAdvertisement = 136;
inline constexpr uint8_t kNdRedirect = 137;

inline constexpr uint8_t kNdHopLimit = 255;  // proves that no router forwarded the message

// Octets of a message with and without its one link-layer address option.
inline constexpr uint16_t kNdNeighborSize = 24;
inline constexpr uint16_t kNdRouterSolicitationSize = 8;
inline constexpr uint16_t kNdLinkLayerOptionSize = 8;
inline constexpr uint16_t kNdMessageSizeMax = kNdNeighborSize + kNdLinkLayerOptionSize;

// A prefix information option (RFC 4861 4.6.2); lifetimes in seconds, 0xffffffff = forever.
struct NdPrefix {
  IpAddress prefix;
  uint8_t bits = 0;
  bool on_link = false;
  bool autonomous = false;
  uint32_t valid_lifetime_s = 0;
  uint32_t preferred_lifetime_s = 0;
};

// Any of the five messages; fields behind `type` are meaningful as far as the type has them.
struct NdMessage {
  static constexpr int kPrefixesMax = 4;  // what comes beyond is ignored

  uint8_t type = 0;
  bool router = false;     // advertisement: R
  bool solicited = false;  // advertisement: S
  bool override = false;   // advertisement: O
  IpAddress target;        // neighbour messages and redirect
  IpAddress redirected;    // redirect: the destination that has a better first hop
  bool has_source_mac = false;
  bool has_target_mac = false;
  MacAddress source_mac;  // source link-layer address option
  MacAddress target_mac;  // target link-layer address option

  // Router advertisement; 0 means "unspecified" in all of them.
  uint8_t hop_limit = 0;
  bool managed = false;
  bool other = false;
  uint16_t router_lifetime_s = 0;
  uint32_t reachable_time_ms = 0;
  uint32_t retransmit_timer_ms = 0;
  uint32_t mtu = 0;
  int prefix_count = 0;
  NdPrefix prefixes[kPrefixesMax];
};

// True for the ICMPv6 types of neighbour discovery.
constexpr bool IsNd(uint8_t type) { return type >= kNdRouterSolicitation && type <= kNdRedirect; }

// Reads a message of kind kIcmpv6 whose type IsNd: `message` is the frame's l4_size octets from its
// l4_offset. Applies every validity check of RFC 4861 6.1, 7.1 and 8.1 and RFC 6980; returns the
// reason to drop the message, or kNoDrop. Unknown options are skipped.
[[nodiscard]] Counter ParseNd(std::span<const uint8_t> message, const Frame& frame, NdMessage& nd);

// Writes a neighbour solicitation or advertisement, or a router solicitation, with its link-layer
// address option if the message has that (source for solicitations, target for advertisements), and
// with its checksum for these two addresses. Returns its size, at most kNdMessageSizeMax octets. It
// must be sent with hop limit kNdHopLimit.
uint16_t WriteNd(uint8_t* out, const NdMessage& nd, const IpAddress& source,
                 const IpAddress& destination);

}  // namespace weir::wire
