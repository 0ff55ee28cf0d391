// One received frame as a value: everything the stack wants to know of it, read once, in host
// order.
#pragma once

#include <cstdint>
#include <span>

#include "weir/address.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/tcp.h"

namespace weir::wire {

enum class FrameKind : uint8_t { kDropped, kTcp, kArp, kIcmp, kIcmpv6 };

// What ParseFrame found. Offsets count from the first octet of the frame. Fields behind `kind` are
// meaningful as far as the kind has them.
struct Frame {
  FrameKind kind = FrameKind::kDropped;
  bool v4 = false;
  bool l2_multicast = false;         // group destination address, broadcast included
  bool has_routing_header = false;   // IPv6 only
  bool has_fragment_header = false;  // IPv6 only: an atomic fragment (RFC 6946)
  uint8_t ttl = 0;                   // or hop limit
  uint8_t dscp_ecn = 0;              // TOS or traffic class
  Counter drop = kNoDrop;  // why, when kDropped; kDropIpProtocol: addresses and offsets are set
  uint16_t vlan = 0;       // innermost VLAN identifier, 0 = untagged (or tagged with priority only)
  uint16_t outer_vlan = 0;  // identifier of the tag around it (QinQ), 0 = none: to belong to a
                            // plain VLAN a frame must have 0 here
  uint16_t l3_offset = 0;
  uint16_t l4_offset = 0;    // ARP: the ARP packet; TCP and ICMP: their header
  uint16_t l4_size = 0;      // octets from l4_offset to the end by the IP header (padding excluded)
  uint16_t text_offset = 0;  // TCP: first octet of text
  uint16_t text_size = 0;    // TCP: octets of text
  MacAddress source_mac;
  MacAddress destination_mac;
  IpAddress source;
  IpAddress destination;
  TcpHeader tcp;
};

// What the device already knows about the frame.
struct FrameHints {
  bool ip_checksum_good = false;
  bool l4_checksum_good = false;
  bool vlan_stripped = false;
  uint16_t vlan_tci = 0;
};

// Reads one whole contiguous frame and verifies lengths and checksums (IPv4 header, TCP, ICMP,
// ICMPv6) that the hints do not vouch for; the hint about layer 4 is believed for TCP only.
// Addresses that must not be answered are refused here (MUST-57, MUST-63); whether the destination
// is ours is for others to say. An accepted ARP packet, ICMP or ICMPv6 header can be parsed without
// failing; what comes behind an ICMPv6 header is not looked at. Never fails otherwise than by kind
// kDropped with a reason; accepts any octets whatever, and `frame` may hold another frame's values.
void ParseFrame(std::span<const uint8_t> octets, const FrameHints& hints, Frame& frame);

}  // namespace weir::wire
