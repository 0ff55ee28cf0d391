// Ip: frames for this host, ARP and neighbour discovery.
#include <utility>

#include "ip/ip.h"
#include "wire/arp.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace weir::ip {

bool Ip::Admits(const wire::Frame& frame, uint16_t port) {
  const Counter reason = Refusal(frame, port);
  return reason == wire::kNoDrop || Drop(reason);
}

std::optional<QuotedError> Ip::Receive(const wire::Frame& frame, Packet packet, Time now,
                                       FrameList& out) {
  if (!Admits(frame, packet.port())) return std::nullopt;
  switch (frame.kind) {
    case wire::FrameKind::kArp:
      ReceiveArp(frame, std::move(packet), now, out);
      return std::nullopt;
    case wire::FrameKind::kIcmp:
      return ReceiveIcmp(frame, std::move(packet), now, out);
    case wire::FrameKind::kIcmpv6:
      return ReceiveIcmpv6(frame, std::move(packet), now, out);
    case wire::FrameKind::kTcp:
    case wire::FrameKind::kDropped:
      break;
  }
  WEIR_DCHECK(false);  // the stack keeps those
  return std::nullopt;
}

// RFC 826, with learning held to what concerns us: an entry is refreshed by anybody, made only for
// those who ask for us.
void Ip::ReceiveArp(const wire::Frame& frame, Packet packet, Time now, FrameList& out) {
  wire::ArpPacket arp;
  if (!wire::ParseArp(MessageOf(frame, packet), arp))
    return counters_.Add(Counter::kDropArpMalformed);
  const uint16_t port = packet.port();
  const uint16_t interface = interface_of_port_[port];
  const Interface& nic = interfaces_[interface];
  const int ours = locals_.FindInAnyState(arp.sender, port);
  if (ours >= 0) return setup_.OnConflict(static_cast<size_t>(ours), now, out);  // RFC 5227 2.4
  const bool for_us = locals_.Find(arp.target, port) >= 0;
  const bool known = neighbours_.Knows(arp.sender, interface);
  if (!for_us && !known) return counters_.Add(Counter::kDropArpNotOurs);
  const bool asks = arp.operation == wire::kArpRequest;
  if (!arp.sender.is_unspecified() && nic.IsNeighbour(arp.sender)) {
    if (for_us && asks) {
      neighbours_.OnSolicitation(arp.sender, interface, arp.sender_mac, now, out);
    } else {
      const bool solicited = for_us && !frame.l2_multicast;
      neighbours_.OnAdvertisement(arp.sender, interface, {&arp.sender_mac, solicited, true}, now,
                                  out);
    }
  }
  if (for_us && asks && owner_) messages_.AnswerArp(nic, arp, std::move(packet), out);
}

void Ip::ReceiveNd(const wire::Frame& frame, Packet packet, Time now, FrameList& out) {
  wire::NdMessage nd;
  const Counter bad = wire::ParseNd(MessageOf(frame, packet), frame, nd);
  if (bad != wire::kNoDrop) return counters_.Add(bad);
  switch (nd.type) {
    case wire::kNdNeighborSolicitation:
      return ReceiveSolicitation(frame, nd, std::move(packet), now, out);
    case wire::kNdNeighborAdvertisement:
      return ReceiveAdvertisement(frame, nd, packet.port(), now, out);
    case wire::kNdRedirect:
      return counters_.Add(Counter::kDropRedirect);
    default:
      return counters_.Add(Counter::kDropRouterMessage);
  }
}

// RFC 4861 7.2.3, RFC 4862 5.4.3.
void Ip::ReceiveSolicitation(const wire::Frame& frame, const wire::NdMessage& nd, Packet packet,
                             Time now, FrameList& out) {
  const uint16_t port = packet.port();
  const uint16_t interface = interface_of_port_[port];
  const Interface& nic = interfaces_[interface];
  const int target = locals_.FindInAnyState(nd.target, port);
  if (target < 0) return counters_.Add(Counter::kDropNdNotOurs);
  const LocalAddress& local = locals_[static_cast<size_t>(target)];
  const bool detects = frame.source.is_unspecified();
  if (local.state != AddressState::kUsable) {
    // Two that check the same address: neither may have it. Whoever else asks gets no answer yet.
    if (detects) return setup_.OnConflict(static_cast<size_t>(target), now, out);
    return counters_.Add(Counter::kDropNdNotOurs);
  }
  const int ours = detects ? -1 : locals_.FindInAnyState(frame.source, port);
  if (ours >= 0) return setup_.OnConflict(static_cast<size_t>(ours), now, out);
  if (nd.has_source_mac && nic.IsNeighbour(frame.source)) {
    neighbours_.OnSolicitation(frame.source, interface, nd.source_mac, now, out);
  }
  if (!owner_) return;
  const wire::MacAddress& asker_mac = nd.has_source_mac ? nd.source_mac : frame.source_mac;
  messages_.AnswerNd(nic, nd.target, frame.source, asker_mac, std::move(packet), out);
}

// RFC 4861 7.2.5, RFC 4862 5.4.4.
void Ip::ReceiveAdvertisement(const wire::Frame& frame, const wire::NdMessage& nd, uint16_t port,
                              Time now, FrameList& out) {
  const int ours = locals_.FindInAnyState(nd.target, port);
  if (ours >= 0) return setup_.OnConflict(static_cast<size_t>(ours), now, out);
  const uint16_t interface = interface_of_port_[port];
  if (!neighbours_.Knows(nd.target, interface)) return counters_.Add(Counter::kDropNdNotOurs);
  const Advertisement said{.mac = nd.has_target_mac ? &nd.target_mac : nullptr,
                           .solicited = nd.solicited && !frame.l2_multicast,
                           .override = nd.override};
  neighbours_.OnAdvertisement(nd.target, interface, said, now, out);
}

void Ip::ReceiveMldQuery(const wire::Frame& frame, const Packet& packet, Time now) {
  wire::MldQuery query;
  const Counter bad = wire::ParseMldQuery(MessageOf(frame, packet), frame, query);
  if (bad != wire::kNoDrop) return counters_.Add(bad);
  counters_.Add(Counter::kMldQueries);
  setup_.OnMldQuery(interface_of_port_[packet.port()], query, now);
}

}  // namespace weir::ip
