// Messages: building and sending ARP, neighbour discovery and MLD frames.
#include "ip/messages.h"

#include <algorithm>

#include "wire/ipv6.h"
#include "wire/mld.h"

namespace weir::ip {
namespace {

// Room that any of these frames but a listener report needs behind the headroom.
constexpr uint16_t kControlFrameMax = 128;
// Groups in one report: what fits the least MTU of IPv6 (RFC 8200 5).
constexpr size_t kGroupsPerReport = (1280 - wire::kMldReportOverhead) / wire::kMldRecordSize;

IpAddress AllNodes() {
  return IpAddress::V6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

}  // namespace

void Messages::Solicit(const Interface& nic, const IpAddress& source, const IpAddress& target,
                       const wire::MacAddress* mac, FrameList& out) {
  counters_.Add(Counter::kNeighbourRequests);
  if (target.is_v4()) {
    const wire::ArpPacket arp{.sender_mac = nic.mac(), .sender = source, .target = target};
    SendArp(nic, arp, mac != nullptr ? *mac : wire::kBroadcastMac, Blank({}), out);
    return;
  }
  wire::NdMessage nd{.type = wire::kNdNeighborSolicitation, .target = target};
  nd.has_source_mac = true;
  nd.source_mac = nic.mac();
  const IpAddress group = wire::SolicitedNodeAddress(target);
  if (mac != nullptr) {
    SendNd(nic, nd, source, target, *mac, Blank({}), out);
  } else {
    SendNd(nic, nd, source, group, wire::MulticastMac(group), Blank({}), out);
  }
}

void Messages::Announce(const Interface& nic, const IpAddress& source, FrameList& out) {
  counters_.Add(Counter::kAddressAnnouncements);
  if (source.is_v4()) {
    // RFC 5227 2.3: a request for our own address, from it.
    const wire::ArpPacket arp{.sender_mac = nic.mac(), .sender = source, .target = source};
    SendArp(nic, arp, wire::kBroadcastMac, Blank({}), out);
    return;
  }
  wire::NdMessage nd{.type = wire::kNdNeighborAdvertisement, .override = true, .target = source};
  nd.has_target_mac = true;
  nd.target_mac = nic.mac();
  SendNd(nic, nd, source, AllNodes(), wire::MulticastMac(AllNodes()), Blank({}), out);
}

void Messages::ProbeDuplicate(const Interface& nic, const IpAddress& tentative, FrameList& out) {
  counters_.Add(Counter::kNeighbourRequests);
  const wire::NdMessage nd{.type = wire::kNdNeighborSolicitation, .target = tentative};
  const IpAddress group = wire::SolicitedNodeAddress(tentative);
  SendNd(nic, nd, IpAddress(), group, wire::MulticastMac(group), Blank({}), out);
}

void Messages::AnswerArp(const Interface& nic, const wire::ArpPacket& request, Packet received,
                         FrameList& out) {
  counters_.Add(Counter::kNeighbourAnswers);
  const wire::ArpPacket arp{.operation = wire::kArpReply,
                            .sender_mac = nic.mac(),
                            .sender = request.target,
                            .target_mac = request.sender_mac,
                            .target = request.sender};
  SendArp(nic, arp, request.sender_mac, Blank(std::move(received)), out);
}

void Messages::AnswerNd(const Interface& nic, const IpAddress& target, const IpAddress& asker,
                        const wire::MacAddress& asker_mac, Packet received, FrameList& out) {
  counters_.Add(Counter::kNeighbourAnswers);
  // RFC 4861 7.2.4: whoever checks for duplicates has no address; all nodes are told then.
  const bool to_all = asker.is_unspecified();
  wire::NdMessage nd{.type = wire::kNdNeighborAdvertisement,
                     .solicited = !to_all,
                     .override = true,
                     .target = target};
  nd.has_target_mac = true;
  nd.target_mac = nic.mac();
  const IpAddress destination = to_all ? AllNodes() : asker;
  SendNd(nic, nd, target, destination, to_all ? wire::MulticastMac(destination) : asker_mac,
         Blank(std::move(received)), out);
}

void Messages::ReportGroups(const Interface& nic, const IpAddress& source, uint8_t record_type,
                            std::span<const IpAddress> groups, FrameList& out) {
  while (!groups.empty()) {
    const auto part = groups.first(std::min(groups.size(), kGroupsPerReport));
    groups = groups.subspan(part.size());
    counters_.Add(Counter::kMldReports);
    const size_t size = wire::kMldReportOverhead + wire::kMldRecordSize * part.size();
    Packet frame = Blank({});
    uint8_t* p = nullptr;
    if (frame) p = frame.Append(static_cast<uint16_t>(nic.link_header_size() + size));
    if (p == nullptr) {
      counters_.Add(Counter::kDropIpNoBuffer);
      continue;
    }
    p += wire::WriteEthernet(p, wire::MulticastMac(wire::MldRouters()), nic.mac(), nic.vlan(),
                             wire::kEtherTypeIpv6);
    (void)wire::WriteMldReport(p, source, record_type, part);
    Push(nic, std::move(frame), out);
  }
}

// An empty packet: the received one's buffer when nobody else looks at it, or a fresh one.
Packet Messages::Blank(Packet received) {
  if (received && received.contiguous() && received.unique()) {
    const int buffer = received.headroom() + received.first_size() + received.tailroom();
    if (buffer >= Packet::kHeadroom + kControlFrameMax) {
      received.ClearOffloads();
      received.SetData(Packet::kHeadroom, 0);
      return received;
    }
  }
  return AllocatePacket(pool_);
}

void Messages::SendArp(const Interface& nic, const wire::ArpPacket& arp, const wire::MacAddress& to,
                       Packet frame, FrameList& out) {
  uint8_t* p = nullptr;
  const uint16_t size = nic.link_header_size() + wire::kArpSize;
  if (frame) p = frame.Append(size);
  if (p == nullptr) {
    counters_.Add(Counter::kDropIpNoBuffer);
    return;
  }
  p += wire::WriteEthernet(p, to, nic.mac(), nic.vlan(), wire::kEtherTypeArp);
  wire::WriteArp(p, arp);
  Push(nic, std::move(frame), out);
}

void Messages::SendNd(const Interface& nic, const wire::NdMessage& nd, const IpAddress& source,
                      const IpAddress& destination, const wire::MacAddress& to, Packet frame,
                      FrameList& out) {
  uint8_t* p = nullptr;
  const uint16_t headers = nic.link_header_size() + wire::kIpv6HeaderSize;
  if (frame) p = frame.Append(headers + wire::kNdMessageSizeMax);
  if (p == nullptr) {
    counters_.Add(Counter::kDropIpNoBuffer);
    return;
  }
  p += wire::WriteEthernet(p, to, nic.mac(), nic.vlan(), wire::kEtherTypeIpv6);
  const uint16_t size = wire::WriteNd(p + wire::kIpv6HeaderSize, nd, source, destination);
  (void)wire::WriteIpv6(p, {.source = source,
                            .destination = destination,
                            .protocol = wire::kProtocolIcmpv6,
                            .hop_limit = wire::kNdHopLimit,
                            .payload_size = size});
  frame.TrimBack(wire::kNdMessageSizeMax - size);
  Push(nic, std::move(frame), out);
}

void Messages::Push(const Interface& nic, Packet frame, FrameList& out) {
  frame.set_port(nic.port());
  if (!out.Push(std::move(frame))) counters_.Add(Counter::kDropIpTxFull);
}

}  // namespace weir::ip
