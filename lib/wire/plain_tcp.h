// The shape that nearly all frames have: untagged, IPv4 without options, whole, TCP, between hosts.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

namespace weir::wire {

// Reads a frame of that shape with nothing wrong in it but perhaps TCP's checksum, as ParseFrame
// would have read it, and returns true. False for all others: whatever is in `frame` then,
// ParseFrame has to read it.
[[nodiscard]] inline bool ReadPlainTcp(std::span<const uint8_t> octets, const FrameHints& hints,
                                       Frame& frame) {
  constexpr uint16_t kIp = kEthernetHeaderSize, kTcp = kIp + kIpv4HeaderSize;
  constexpr uint16_t kHeaders = kIpv4HeaderSize + kTcpHeaderSize;
  constexpr uint32_t kIsIpv4 = uint32_t{kEtherTypeIpv4} << 8 | kIpv4Plain;
  if (octets.size() < kIp + kHeaders || hints.vlan_stripped) return false;
  const uint8_t* const p = octets.data();
  const uint8_t* const ip = p + kIp;
  const uint32_t type_to_tos = LoadBe32(p + 12);
  if (type_to_tos >> 8 != kIsIpv4 || ((p[0] | p[6]) & kGroupBit) != 0) return false;
  const uint32_t total_size = LoadBe16(ip + 2);
  if (total_size < kHeaders || total_size > octets.size() - kIp) return false;
  const uint32_t fragment_to_protocol = LoadBe32(ip + 6);
  if ((fragment_to_protocol & (kIpv4FragmentMask << 16 | 0xff)) != kProtocolTcp) return false;
  if (!hints.ip_checksum_good && Fold(Ipv4HeaderSum({ip, kIpv4HeaderSize})) != 0xffff) return false;
  if (!IsOrdinaryIpv4(ip[12]) || !IsOrdinaryIpv4(ip[16])) return false;

  frame.kind = FrameKind::kTcp;
  frame.v4 = true;
  frame.l2_multicast = false;
  frame.has_routing_header = false;
  frame.has_fragment_header = false;
  frame.ttl = static_cast<uint8_t>(fragment_to_protocol >> 8);
  frame.dscp_ecn = static_cast<uint8_t>(type_to_tos);
  frame.drop = kNoDrop;
  frame.vlan = 0;
  frame.outer_vlan = 0;
  frame.l3_offset = kIp;
  frame.l4_offset = kTcp;
  std::memcpy(frame.destination_mac.octets.data(), p, 6);
  std::memcpy(frame.source_mac.octets.data(), p + 6, 6);
  frame.source = LoadIpv4Address(ip + 12);
  frame.destination = LoadIpv4Address(ip + 16);
  const auto segment = octets.subspan(kTcp, total_size - kIpv4HeaderSize);
  const uint16_t header_size = ParseTcp(segment, frame.tcp);
  if (header_size == 0) return false;
  if (!hints.l4_checksum_good &&
      TransportChecksum(frame.source, frame.destination, kProtocolTcp, segment) != 0) {
    frame.kind = FrameKind::kDropped;
    frame.drop = Counter::kDropTcpChecksum;
    return true;
  }
  frame.l4_size = static_cast<uint16_t>(segment.size());
  frame.text_offset = static_cast<uint16_t>(kTcp + header_size);
  frame.text_size = static_cast<uint16_t>(segment.size() - header_size);
  return true;
}

}  // namespace weir::wire
