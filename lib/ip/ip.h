// Ip: the network layer of one shard - addresses, neighbours, routes, ICMP. It knows transports
// only as packets that begin with their header.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/time.h"
#include "ip/address_setup.h"
#include "ip/config.h"
#include "ip/icmp_limiter.h"
#include "ip/interface.h"
#include "ip/local_addresses.h"
#include "ip/messages.h"
#include "ip/neighbours.h"
#include "ip/path_mtu.h"
#include "packet/frame_list.h"
#include "packet/packet.h"
#include "weir/address.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::ip {

// The fields of an IP header that the sender may choose.
struct SendOptions {
  uint8_t protocol = wire::kProtocolTcp;
  uint8_t ttl = wire::kTtlDefault;
  uint8_t dscp_ecn = 0;
  uint32_t flow_label = 0;  // IPv6: 20 bits
};

// An ICMP error that quotes a TCP segment from one of our addresses; whether we sent such a segment
// is for TCP to judge (RFC 5927).
struct QuotedError {
  wire::QuotedSegment segment;
  uint16_t local = 0;     // index of segment.source
  uint16_t path_mtu = 0;  // kPacketTooBig: what the path is said to take, never absurd
};

// No neighbour is remembered yet: what a connection's hint starts with. Any other value does, too.
inline constexpr uint16_t kNoNeighbour = NeighbourTable::kNone;

// Thread: one. All memory is reserved by the constructor; `now` never goes back.
class Ip {
 public:
  // The pool and the counters outlive this object.
  Ip(const IpConfig& config, PacketPool& pool, Counters& counters);
  Ip(const Ip&) = delete;
  Ip& operator=(const Ip&) = delete;

  // Makes the addresses usable: IPv4 at once, IPv6 after duplicate address detection.
  void Start(Time now, FrameList& out);

  // --- what is ours ---
  // The index of the usable address, or -1. Addresses under detection are not ours yet.
  int LocalIndex(const IpAddress& destination, uint16_t port) const {
    return locals_.Find(destination, port);
  }
  const LocalAddress& Local(int index) const { return locals_[static_cast<size_t>(index)]; }
  // All of them; positions are the indices, and never change.
  std::span<const LocalAddress> locals() const { return locals_.all(); }
  uint16_t mtu(uint16_t local_index) const { return locals_[local_index].mtu; }
  // Octets in front of the IP header of what leaves from this address, for checksum offload.
  uint16_t link_header_size(uint16_t local_index) const {
    return locals_[local_index].link_header_size;
  }
  // The address to speak from to `remote`, or -1 when there is none or no way.
  int SourceFor(const IpAddress& remote) const;
  // The index of this address of ours if one can speak from it to `remote` now, or -1.
  int IndexFrom(const IpAddress& source, const IpAddress& remote) const;
  // 255.255.255.255 or the broadcast address of a network that one of our ports is on.
  bool IsBroadcast(const IpAddress& address) const;

  // --- receiving ---
  // True for a frame that is meant for this host on this port: its VLAN, its hardware address, not
  // from ourselves nor from a broadcast address (MUST-63). False: the reason has been counted.
  [[nodiscard]] bool Admits(const wire::Frame& frame, uint16_t port);
  // The same for TCP, with the index of the address of ours that it is for; -1: refused, counted.
  [[nodiscard]] int TakenBy(const wire::Frame& frame, uint16_t port);
  // Takes an accepted frame that is not TCP. Giving one frame to several shards is safe.
  std::optional<QuotedError> Receive(const wire::Frame& frame, Packet packet, Time now,
                                     FrameList& out);

  // Answers a frame that the wire layer dropped as kDropIpProtocol (and has been counted): the
  // protocol or, for UDP, the port is unreachable (RFC 1122 3.2.2.1, RFC 4443 3.1 and 3.4).
  // Silent where an error must not be sent, or is not wanted.
  void Refuse(const wire::Frame& frame, const Packet& packet, Time now, FrameList& out);

  // --- sending ---
  // Puts IP and Ethernet headers in front of a packet that begins with its finished transport
  // header and appends it to `out`, or keeps it until the neighbour has answered. `neighbour_hint`
  // belongs to the caller's flow and makes the next call cheap. False: it is not sent, and the
  // reason has been counted; the packet stays with the caller, to be freed.
  bool Send(Packet&& l4, uint16_t local_index, const IpAddress& remote, const SendOptions& options,
            uint16_t& neighbour_hint, Time now, FrameList& out);
  // The same straight back to where `request` came from, without route or neighbour: an answer to a
  // stranger. `local_index` is the request's destination.
  bool Reply(Packet&& l4, const wire::Frame& request, uint16_t local_index,
             const SendOptions& options, FrameList& out);
  // Tells that a flow with this hint has made progress: its neighbour is reachable (RFC
  // 4861 7.3.1).
  void Confirm(uint16_t neighbour_hint, Time now) { neighbours_.Confirm(neighbour_hint, now); }
  // Tells that it makes none (R1 of RFC 9293 3.8.3): the neighbour is asked whether it is still
  // there.
  void Suspect(uint16_t neighbour_hint, Time now, FrameList& out) {
    neighbours_.Suspect(neighbour_hint, now, out);
  }

  // --- paths ---
  // What packets may measure on the way to `remote`; 0 when no path narrower than the interface is
  // known.
  uint16_t PathMtu(const IpAddress& remote, Time now) const { return path_mtus_.Find(remote, now); }
  // Remembers a path MTU. `measured`: by packets that arrived, rather than from a message that was
  // believed, which only ever lowers what is known.
  void LearnPathMtu(const IpAddress& remote, uint16_t mtu, bool measured, Time now) {
    measured ? path_mtus_.Set(remote, mtu, now) : path_mtus_.Lower(remote, mtu, now);
  }

  // --- time ---
  // Ageing, probes, detection, reports; bounded work a call.
  void Tick(Time now, FrameList& out) {
    if (now >= setup_.next_deadline()) setup_.Tick(now, out);
    if (now >= neighbours_.next_deadline()) neighbours_.Tick(now, out);
  }
  // When Tick has work next; in the past when it has some now.
  Time next_deadline() const {
    return std::min(setup_.next_deadline(), neighbours_.next_deadline());
  }

  const Neighbours& neighbours() const { return neighbours_; }

 private:
  bool CanSpeak(const LocalAddress& local, const IpAddress& remote) const;
  static uint8_t* PrependHeaders(Packet& l4, const LocalAddress& local,
                                 const IpAddress& destination, const SendOptions& options);
  // The ARP, ICMP or ICMPv6 message of an accepted frame.
  static std::span<const uint8_t> MessageOf(const wire::Frame& frame, const Packet& packet) {
    WEIR_DCHECK(frame.l4_offset + frame.l4_size <= packet.first_size());
    return {packet.data() + frame.l4_offset, frame.l4_size};
  }
  bool Drop(Counter reason) {
    counters_.Add(reason);
    return false;
  }

  void ReceiveArp(const wire::Frame& frame, Packet packet, Time now, FrameList& out);
  std::optional<QuotedError> ReceiveIcmp(const wire::Frame& frame, Packet packet, Time now,
                                         FrameList& out);
  std::optional<QuotedError> ReceiveIcmpv6(const wire::Frame& frame, Packet packet, Time now,
                                           FrameList& out);
  void ReceiveNd(const wire::Frame& frame, Packet packet, Time now, FrameList& out);
  void ReceiveSolicitation(const wire::Frame& frame, const wire::NdMessage& nd, Packet packet,
                           Time now, FrameList& out);
  void ReceiveAdvertisement(const wire::Frame& frame, const wire::NdMessage& nd, uint16_t port,
                            Time now, FrameList& out);
  void ReceiveMldQuery(const wire::Frame& frame, const Packet& packet, Time now);
  void AnswerEcho(const wire::Frame& frame, int local, Packet packet, Time now, FrameList& out);
  Counter Refusal(const wire::Frame& frame, uint16_t port) const;
  void SendError(const wire::Frame& frame, std::span<const uint8_t> refused,
                 const wire::IcmpHeader& header, uint16_t local, FrameList& out);
  std::optional<QuotedError> ReadError(const wire::Frame& frame, const Packet& packet);

  PacketPool& pool_;
  Counters& counters_;
  bool owner_;
  bool echo_reply_;
  bool icmp_errors_;
  std::vector<Interface> interfaces_;
  std::vector<uint16_t> interface_of_port_;
  LocalAddresses locals_;
  Messages messages_;
  Neighbours neighbours_;
  AddressSetup setup_;
  PathMtuTable path_mtus_;
  uint16_t path_mtu_floor_v4_;
  IcmpLimiter limiter_;
};

// Why the frame is not for this host on this port, or kNoDrop.
inline Counter Ip::Refusal(const wire::Frame& frame, uint16_t port) const {
  if (port >= interface_of_port_.size() || interface_of_port_[port] == kNoInterface) {
    return Counter::kDropPortUnknown;
  }
  const Interface& nic = interfaces_[interface_of_port_[port]];
  if (frame.vlan != nic.vlan() || frame.outer_vlan != 0) return Counter::kDropVlan;
  if (!frame.l2_multicast && frame.destination_mac != nic.mac()) {
    return Counter::kDropEthernetDestination;
  }
  // Devices exist that give back what they have sent to a group; it must not look like a conflict.
  if (frame.source_mac == nic.mac()) return Counter::kDropEthernetOwn;
  if (frame.kind == wire::FrameKind::kArp) return wire::kNoDrop;
  if (frame.source == frame.destination) return Counter::kDropSourceIsDestination;
  if (nic.IsDirectedBroadcast(frame.source))
    return Counter::kDropSourceDirectedBroadcast;  // MUST-63
  return wire::kNoDrop;
}

inline int Ip::TakenBy(const wire::Frame& frame, uint16_t port) {
  Counter reason = Refusal(frame, port);
  if (reason == wire::kNoDrop) {
    const int local = locals_.Find(frame.destination, port);
    if (local >= 0) return local;
    reason = Counter::kDropNotLocal;
  }
  counters_.Add(reason);
  return -1;
}

// Puts both headers in front, that of the link without its destination, which begins where the
// result points; null when there is no room. An atomic datagram: DF set, identification 0 (RFC 6864
// 4.1); nobody learns from a counter of ours how much we send.
inline uint8_t* Ip::PrependHeaders(Packet& l4, const LocalAddress& local,
                                   const IpAddress& destination, const SendOptions& options) {
  const auto payload_size = static_cast<uint16_t>(l4.size());
  const uint16_t link_header_size = local.link_header_size;
  uint8_t* const link = l4.Prepend(static_cast<uint16_t>(link_header_size + local.ip_header_size));
  if (link == nullptr) return nullptr;
  // Without a tag the last octets are not the link's, and are overwritten.
  std::memcpy(link, local.link_header.data(), local.link_header.size());
  if (local.ip_header_size == wire::kIpv4HeaderSize) {
    (void)wire::WriteIpv4(link + link_header_size, {.source = local.address,
                                                    .destination = destination,
                                                    .protocol = options.protocol,
                                                    .ttl = options.ttl,
                                                    .dscp_ecn = options.dscp_ecn,
                                                    .payload_size = payload_size});
  } else {
    (void)wire::WriteIpv6(link + link_header_size, {.source = local.address,
                                                    .destination = destination,
                                                    .protocol = options.protocol,
                                                    .hop_limit = options.ttl,
                                                    .dscp_ecn = options.dscp_ecn,
                                                    .flow_label = options.flow_label,
                                                    .payload_size = payload_size});
  }
  l4.set_port(local.port);
  return link;
}

inline bool Ip::Reply(Packet&& l4, const wire::Frame& request, uint16_t local_index,
                      const SendOptions& options, FrameList& out) {
  uint8_t* link = PrependHeaders(l4, locals_[local_index], request.source, options);
  if (link == nullptr) return Drop(Counter::kDropIpHeadroom);
  std::memcpy(link, request.source_mac.octets.data(), request.source_mac.octets.size());
  return out.Push(std::move(l4)) || Drop(Counter::kDropIpTxFull);
}

}  // namespace weir::ip
