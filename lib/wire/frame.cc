// One pass over a received frame: Ethernet, tags, ARP or IP, transport header, checksums.
#include "wire/frame.h"

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace weir::wire {
namespace {

constexpr int kVlanTagsMax = 2;

bool IsVlanTag(uint16_t ether_type) {
  return ether_type == kEtherTypeVlan || ether_type == kEtherTypeQinQ;
}

// Reads the tags that the device left in the frame, outermost first, behind the one that it took
// off.
[[gnu::noinline]] Counter ReadTags(std::span<const uint8_t> octets, const FrameHints& hints,
                                   Frame& frame, uint16_t& ether_type) {
  int tag_count = 0;
  if (hints.vlan_stripped) {
    frame.vlan = hints.vlan_tci & kVlanIdentifierMask;
    ++tag_count;
  }
  while (IsVlanTag(ether_type)) {
    if (++tag_count > kVlanTagsMax) return Counter::kDropVlanTags;
    if (octets.size() < size_t{frame.l3_offset} + kVlanTagSize) return Counter::kDropFrameShort;
    frame.outer_vlan = frame.vlan;
    frame.vlan = LoadBe16(&octets[frame.l3_offset]) & kVlanIdentifierMask;
    ether_type = LoadBe16(&octets[frame.l3_offset + 2]);
    frame.l3_offset += kVlanTagSize;
  }
  return kNoDrop;
}

Counter ReadEthernet(std::span<const uint8_t> octets, const FrameHints& hints, Frame& frame,
                     uint16_t& ether_type) {
  if (octets.size() < kEthernetHeaderSize) return Counter::kDropFrameShort;
  std::memcpy(frame.destination_mac.octets.data(), octets.data(), 6);
  std::memcpy(frame.source_mac.octets.data(), octets.data() + 6, 6);
  // Asked of the frame itself: what was just stored by words is slow to read back by octets.
  frame.l2_multicast = (octets[0] & kGroupBit) != 0;
  ether_type = LoadBe16(octets.data() + 12);
  if ((octets[6] & kGroupBit) != 0) return Counter::kDropEthernetSource;
  if (!hints.vlan_stripped && !IsVlanTag(ether_type)) return kNoDrop;
  return ReadTags(octets, hints, frame, ether_type);
}

[[gnu::noinline]] Counter ReadArp(std::span<const uint8_t> packet, Frame& frame) {
  ArpPacket arp;
  if (!ParseArp(packet, arp)) return Counter::kDropArpMalformed;
  frame.kind = FrameKind::kArp;
  frame.l4_offset = frame.l3_offset;
  frame.l4_size = kArpSize;
  frame.source = arp.sender;
  frame.destination = arp.target;
  return kNoDrop;
}

// What an IP header says of the transport behind it.
struct Transport {
  uint8_t protocol = 0;
  bool to_group = false;
};

bool TransportChecksumGood(std::span<const uint8_t> segment, uint8_t protocol, const Frame& frame) {
  return TransportChecksum(frame.source, frame.destination, protocol, segment) == 0;
}

Counter ReadTcp(std::span<const uint8_t> segment, bool to_group, const FrameHints& hints,
                Frame& frame) {
  // MUST-57: no segment to a group is TCP's, whichever layer says so.
  if (to_group || frame.l2_multicast) return Counter::kDropTcpMulticast;
  const uint16_t header_size = ParseTcp(segment, frame.tcp);
  if (header_size == 0) return Counter::kDropTcpHeader;
  if (!hints.l4_checksum_good && !TransportChecksumGood(segment, kProtocolTcp, frame)) {  // MUST-3
    return Counter::kDropTcpChecksum;
  }
  frame.kind = FrameKind::kTcp;
  frame.text_offset = static_cast<uint16_t>(frame.l4_offset + header_size);
  frame.text_size = static_cast<uint16_t>(segment.size() - header_size);
  return kNoDrop;
}

// A device's word about layer 4 is not taken for ICMP: few devices mean it.
[[gnu::noinline]] Counter ReadIcmp(std::span<const uint8_t> message, Frame& frame) {
  if (message.size() < kIcmpHeaderSize) return Counter::kDropIcmpMalformed;
  if (Fold(SumOctets(message)) != 0xffff) return Counter::kDropIcmpChecksum;
  frame.kind = FrameKind::kIcmp;
  return kNoDrop;
}

[[gnu::noinline]] Counter ReadIcmpv6(std::span<const uint8_t> message, Frame& frame) {
  if (message.size() < kIcmpHeaderSize) return Counter::kDropIcmpv6Malformed;
  if (!TransportChecksumGood(message, kProtocolIcmpv6, frame)) return Counter::kDropIcmpv6Checksum;
  frame.kind = FrameKind::kIcmpv6;
  return kNoDrop;
}

Counter ReadIpv4(std::span<const uint8_t> packet, const FrameHints& hints, Frame& frame,
                 Transport& transport) {
  Ipv4Header ip;
  const Counter bad = ParseIpv4(packet, hints.ip_checksum_good, ip);
  if (bad != kNoDrop) return bad;
  frame.v4 = true;
  frame.ttl = ip.ttl;
  frame.dscp_ecn = ip.dscp_ecn;
  frame.source = ip.source;
  frame.destination = ip.destination;
  frame.l4_offset = static_cast<uint16_t>(frame.l3_offset + ip.header_size);
  frame.l4_size = ip.payload_size;
  const uint32_t source = ip.source.v4(), destination = ip.destination.v4();
  const Counter bad_source = CheckIpv4Source(source);
  if (bad_source != kNoDrop) return bad_source;
  if (destination >> 24 == 127) return Counter::kDropDestinationInvalid;
  transport = {ip.protocol, destination >> 28 == 0xe || destination == 0xffffffffu};
  return kNoDrop;
}

// Who has no address yet may ask whether one is taken (RFC 4862 5.4.2), look for routers (RFC 4861
// 4.1) and report groups (RFC 3590); nothing else comes from "::".
bool MayBeUnspecified(uint8_t protocol, std::span<const uint8_t> payload) {
  if (protocol != kProtocolIcmpv6 || payload.empty()) return false;
  const uint8_t type = payload[0];
  return type == kNdNeighborSolicitation || type == kNdRouterSolicitation || type == kMldReport ||
         type == kMldDone || type == kMldv2Report;
}

[[gnu::noinline]] Counter ReadIpv6(std::span<const uint8_t> packet, Frame& frame,
                                   Transport& transport) {
  Ipv6Header ip;
  const Counter bad = ParseIpv6(packet, ip);
  if (bad != kNoDrop) return bad;
  frame.ttl = ip.hop_limit;
  frame.dscp_ecn = ip.dscp_ecn;
  frame.has_routing_header = ip.has_routing_header;
  frame.has_fragment_header = ip.has_fragment_header;
  frame.source = ip.source;
  frame.destination = ip.destination;
  frame.l4_offset = static_cast<uint16_t>(frame.l3_offset + ip.header_size);
  frame.l4_size = ip.payload_size;
  const auto payload = packet.subspan(ip.header_size, ip.payload_size);
  const Counter bad_source = CheckIpv6Source(ip.source);
  if (bad_source != kNoDrop &&
      !(bad_source == Counter::kDropSourceUnspecified && MayBeUnspecified(ip.protocol, payload))) {
    return bad_source;
  }
  if (ip.destination.is_loopback() || ip.destination.is_v4()) {
    return Counter::kDropDestinationInvalid;
  }
  transport = {ip.protocol, ip.destination.octets()[0] == 0xff};
  return kNoDrop;
}

Counter ReadFrame(std::span<const uint8_t> octets, const FrameHints& hints, Frame& frame) {
  uint16_t ether_type = 0;
  Counter bad = ReadEthernet(octets, hints, frame, ether_type);
  if (bad != kNoDrop) return bad;
  const auto packet = octets.subspan(frame.l3_offset);
  if (ether_type == kEtherTypeArp) return ReadArp(packet, frame);
  Transport transport;
  if (ether_type == kEtherTypeIpv4) {
    bad = ReadIpv4(packet, hints, frame, transport);
  } else if (ether_type == kEtherTypeIpv6) {
    bad = ReadIpv6(packet, frame, transport);
  } else {
    return Counter::kDropEtherType;
  }
  if (bad != kNoDrop) return bad;
  const auto payload = octets.subspan(frame.l4_offset, frame.l4_size);
  if (transport.protocol == kProtocolTcp) {
    return ReadTcp(payload, transport.to_group, hints, frame);
  }
  if (transport.protocol == (frame.v4 ? kProtocolIcmp : kProtocolIcmpv6)) {
    return frame.v4 ? ReadIcmp(payload, frame) : ReadIcmpv6(payload, frame);
  }
  return Counter::kDropIpProtocol;
}

// Addresses and the TCP header are left alone: they are written by the kinds that have them.
void Clear(Frame& frame) {
  frame.kind = FrameKind::kDropped;
  frame.v4 = false;
  frame.l2_multicast = false;
  frame.ttl = 0;
  frame.dscp_ecn = 0;
  frame.has_routing_header = false;
  frame.has_fragment_header = false;
  frame.vlan = 0;
  frame.outer_vlan = 0;
  frame.l3_offset = kEthernetHeaderSize;
  frame.l4_offset = 0;
  frame.l4_size = 0;
  frame.text_offset = 0;
  frame.text_size = 0;
}

}  // namespace

void ParseFrame(std::span<const uint8_t> octets, const FrameHints& hints, Frame& frame) {
  Clear(frame);
  frame.drop = ReadFrame(octets, hints, frame);
}

}  // namespace weir::wire
