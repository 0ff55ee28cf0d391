// Forwarding, and the ICMP that a path sends: in earnest and forged.
#include "sim/network.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "sim/addresses.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

namespace weir::sim {
namespace {

constexpr size_t kL3 = wire::kEthernetHeaderSize;
constexpr uint16_t kNoLimit = 0xffff;
constexpr uint16_t kErrorMinV4 = 576;   // an ICMP error is no longer than this (RFC 1812 4.3.2.3)
constexpr uint16_t kErrorMinV6 = 1280;  // RFC 4443 3.2
constexpr uint8_t kHostUnreachable = 1;
constexpr uint8_t kAddressUnreachable = 3;

uint16_t TypeOf(std::span<const uint8_t> frame) { return LoadBe16(&frame[12]); }

std::span<const uint8_t> PacketOf(const Octets& frame) { return std::span(frame).subspan(kL3); }

IpAddress SourceOf(std::span<const uint8_t> packet, bool v4) {
  return v4 ? wire::LoadIpv4Address(&packet[12]) : IpAddress::FromV6Octets(&packet[8]);
}

IpAddress DestinationOf(std::span<const uint8_t> packet, bool v4) {
  return v4 ? wire::LoadIpv4Address(&packet[16]) : IpAddress::FromV6Octets(&packet[24]);
}

// Octets of the packet by its own header; false when it is none.
bool SizeOf(std::span<const uint8_t> packet, bool v4, size_t& size) {
  if (packet.size() < (v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize)) return false;
  size = v4 ? LoadBe16(&packet[2]) : size_t{wire::kIpv6HeaderSize} + LoadBe16(&packet[4]);
  return size <= packet.size();
}

}  // namespace

IpAddress HostAddress(size_t host, bool v4, bool router) {
  const std::string n = std::to_string(host + 1);
  if (router) return *IpAddress::Parse(v4 ? "198.18." + n + ".1" : "2001:2:0:" + n + "::1");
  return *IpAddress::Parse((v4 ? "198.18.0." : "2001:2::") + n);
}

IpAddress RouterAddress(size_t host, bool v4) {
  const std::string n = std::to_string(host + 1);
  return *IpAddress::Parse(v4 ? "198.18." + n + ".254" : "2001:2:0:" + n + "::fe");
}

Network::Network(const Scenario& scenario, EventQueue& events)
    : scenario_(scenario), prng_(scenario.seed * 7) {
  for (size_t h = 0; h < scenario.hosts.size(); ++h) {
    const HostScenario& host = scenario.hosts[h];
    up_.emplace_back(host.up, scenario.faults_end(), scenario.seed * 16 + 2 * h, Place{h, true},
                     events);
    down_.emplace_back(host.down, scenario.faults_end(), scenario.seed * 16 + 2 * h + 1,
                       Place{h, false}, events);
    mtu_.push_back(kNoLimit);
    dead_.push_back(false);
  }
}

void Network::Arrive(size_t host, Octets frame, Time now) {
  if (frame.size() < kL3) return;
  if (now < scenario_.faults_end() && prng_.Chance(scenario_.network.forged_errors)) {
    Forge(host, frame, now);
  }
  if (scenario_.network.router) {
    Route(host, std::move(frame), now);
  } else {
    Switch(host, frame, now);
  }
}

void Network::Switch(size_t from, const Octets& frame, Time now) {
  const auto destination = wire::MacAddress::FromOctets(frame.data());
  for (size_t h = 0; h < down_.size(); ++h) {
    if (h != from && (destination.is_multicast() || destination == HostMac(h))) {
      down_[h].Send(frame, now);
    }
  }
}

void Network::Route(size_t from, Octets frame, Time now) {
  const auto to_mac = wire::MacAddress::FromOctets(frame.data());
  if (to_mac.is_multicast()) {
    AnswerArp(from, frame, now);
    AnswerSolicitation(from, frame, now);
    return;
  }
  if (to_mac != RouterMac(from)) return;
  const uint16_t type = TypeOf(frame);
  const bool v4 = type == wire::kEtherTypeIpv4;
  if (type == wire::kEtherTypeArp) return AnswerArp(from, frame, now);
  size_t size = 0;
  if ((!v4 && type != wire::kEtherTypeIpv6) || !SizeOf(PacketOf(frame), v4, size)) return;
  const IpAddress destination = DestinationOf(PacketOf(frame), v4);
  if (destination == RouterAddress(from, v4)) return AnswerSolicitation(from, frame, now);
  const auto to = HostOf(destination);
  if (!to || !HostOf(SourceOf(PacketOf(frame), v4))) return;
  if (dead_[*to] && scenario_.network.unreachable) {
    SendError(from, PacketOf(frame).first(size),
              v4 ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable,
              v4 ? kHostUnreachable : kAddressUnreachable, 0, now);
    return;
  }
  Forward(from, *to, std::move(frame), now);
}

std::optional<size_t> Network::HostOf(const IpAddress& address) const {
  for (size_t h = 0; h < down_.size(); ++h) {
    if (address == HostAddress(h, address.is_v4(), scenario_.network.router)) return h;
  }
  return std::nullopt;
}

void Network::AnswerArp(size_t from, const Octets& frame, Time now) {
  wire::ArpPacket arp;
  if (TypeOf(frame) != wire::kEtherTypeArp || !wire::ParseArp(PacketOf(frame), arp)) return;
  if (arp.operation != wire::kArpRequest || arp.target != RouterAddress(from, true)) return;
  const wire::ArpPacket reply{wire::kArpReply, RouterMac(from), arp.target, arp.sender_mac,
                              arp.sender};
  Octets answer(kL3 + wire::kArpSize);
  wire::WriteEthernet(answer.data(), arp.sender_mac, RouterMac(from), 0, wire::kEtherTypeArp);
  wire::WriteArp(&answer[kL3], reply);
  down_[from].Send(answer, now);
}

void Network::AnswerSolicitation(size_t from, const Octets& octets, Time now) {
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  if (frame.kind != wire::FrameKind::kIcmpv6 || frame.source.is_unspecified()) return;
  const auto message = std::span(octets).subspan(frame.l4_offset, frame.l4_size);
  wire::NdMessage nd;
  if (message[0] != wire::kNdNeighborSolicitation ||
      wire::ParseNd(message, frame, nd) != wire::kNoDrop ||
      nd.target != RouterAddress(from, false)) {
    return;
  }
  wire::NdMessage said;
  said.type = wire::kNdNeighborAdvertisement;
  said.router = said.solicited = said.override = said.has_target_mac = true;
  said.target = nd.target;
  said.target_mac = RouterMac(from);
  Octets answer(kL3 + wire::kIpv6HeaderSize + wire::kNdMessageSizeMax);
  const uint16_t size =
      wire::WriteNd(&answer[kL3 + wire::kIpv6HeaderSize], said, nd.target, frame.source);
  wire::WriteEthernet(answer.data(), frame.source_mac, RouterMac(from), 0, wire::kEtherTypeIpv6);
  wire::WriteIpv6(&answer[kL3], {.source = nd.target,
                                 .destination = frame.source,
                                 .protocol = wire::kProtocolIcmpv6,
                                 .hop_limit = wire::kNdHopLimit,
                                 .payload_size = size});
  answer.resize(kL3 + wire::kIpv6HeaderSize + size);
  down_[from].Send(answer, now);
}

// RFC 1812 5.2.1: one hop less, other hardware addresses.
void Network::Forward(size_t from, size_t to, Octets frame, Time now) {
  if (!FitsOrTell(from, to, frame, now)) return;
  uint8_t* packet = &frame[kL3];
  if (TypeOf(frame) == wire::kEtherTypeIpv4) {
    if (packet[8] <= 1) return;
    --packet[8];
    const size_t header_size = size_t{packet[0] & 0xfu} * 4;
    if (header_size < wire::kIpv4HeaderSize || kL3 + header_size > frame.size()) return;
    StoreBe16(&packet[10], 0);
    StoreBe16(&packet[10], wire::ChecksumOf(wire::SumOctets({packet, header_size})));
  } else {
    if (packet[7] <= 1) return;
    --packet[7];
  }
  wire::WriteEthernet(frame.data(), HostMac(to), RouterMac(to), 0, TypeOf(frame));
  down_[to].Send(frame, now);
}

// RFC 1191 4, RFC 8201 4.
bool Network::FitsOrTell(size_t from, size_t to, const Octets& frame, Time now) {
  const bool v4 = TypeOf(frame) == wire::kEtherTypeIpv4;
  size_t size = 0;
  if (!SizeOf(PacketOf(frame), v4, size)) return false;
  if (size <= mtu_[to]) return true;
  if (scenario_.network.tells_mtu) {
    const uint32_t mtu = scenario_.network.old_router ? 0 : mtu_[to];
    SendError(from, PacketOf(frame).first(size),
              v4 ? wire::kIcmpUnreachable : wire::kIcmpv6PacketTooBig,
              v4 ? wire::kIcmpFragmentationNeeded : 0, mtu, now);
  }
  return false;
}

void Network::SendError(size_t to, std::span<const uint8_t> quoted, uint8_t type, uint8_t code,
                        uint32_t rest, Time now) {
  const bool v4 = quoted[0] >> 4 == 4;
  const bool router = scenario_.network.router;
  const size_t ip_size = v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
  const size_t limit = (v4 ? kErrorMinV4 : kErrorMinV6) - ip_size - wire::kIcmpHeaderSize;
  quoted = quoted.first(std::min(quoted.size(), limit));
  const IpAddress destination = SourceOf(quoted, v4);
  // Behind a switch nobody is there to say it: somebody outside does.
  const IpAddress source = router ? RouterAddress(to, v4) : RouterAddress(99, v4);
  const wire::MacAddress mac = RouterMac(to);
  Octets frame(kL3 + ip_size + wire::kIcmpHeaderSize + quoted.size());
  const auto message = std::span(frame).subspan(kL3 + ip_size);
  wire::WriteIcmp(message.data(), {type, code, rest});
  std::copy(quoted.begin(), quoted.end(), message.begin() + wire::kIcmpHeaderSize);
  wire::WriteEthernet(frame.data(), HostMac(to), mac, 0,
                      v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
  const auto size = static_cast<uint16_t>(message.size());
  if (v4) {
    wire::SetIcmpChecksum(message);
    wire::WriteIpv4(&frame[kL3], {.source = source,
                                  .destination = destination,
                                  .protocol = wire::kProtocolIcmp,
                                  .payload_size = size});
  } else {
    wire::SetIcmpv6Checksum(message, source, destination);
    wire::WriteIpv6(&frame[kL3], {.source = source,
                                  .destination = destination,
                                  .protocol = wire::kProtocolIcmpv6,
                                  .payload_size = size});
  }
  ++errors_sent_;
  down_[to].Send(frame, now);
}

// RFC 5927: what an attacker may send who sees a segment go by, or guesses that there is one. None
// of it may do more than make the sender slower: what quotes a segment outside the window or
// another connection is nobody's, and what is right is soft once the connection is synchronized.
void Network::Forge(size_t from, const Octets& octets, Time now) {
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  if (frame.kind != wire::FrameKind::kTcp || frame.tcp.syn()) return;
  Octets quoted(octets.begin() + kL3, octets.end());
  const size_t l4 = frame.l4_offset - kL3;
  const uint64_t trick = prng_.Below(4);
  if (trick == 0) {  // far outside the window
    const uint32_t seq =
        frame.tcp.seq.value + (1u << 30) + static_cast<uint32_t>(prng_.Below(1u << 31));
    StoreBe32(&quoted[l4 + 4], seq);
  } else if (trick == 1) {  // of another connection
    StoreBe16(&quoted[l4 + prng_.Below(2) * 2], static_cast<uint16_t>(40000 + prng_.Below(20000)));
  } else if (trick == 2) {  // too short a quotation
    quoted.resize(l4 + prng_.Below(8));
  }
  uint8_t type, code;
  if (frame.v4) {
    constexpr uint8_t kTypes[] = {wire::kIcmpUnreachable, wire::kIcmpSourceQuench,
                                  wire::kIcmpRedirect, wire::kIcmpTimeExceeded,
                                  wire::kIcmpParameterProblem};
    type = kTypes[prng_.Below(std::size(kTypes))];
    code = static_cast<uint8_t>(prng_.Below(type == wire::kIcmpUnreachable ? 16 : 4));
  } else {
    type = static_cast<uint8_t>(wire::kIcmpv6Unreachable + prng_.Below(4));
    code = static_cast<uint8_t>(prng_.Below(8));
  }
  const bool too_big =
      frame.v4 ? type == wire::kIcmpUnreachable && code == wire::kIcmpFragmentationNeeded
               : type == wire::kIcmpv6PacketTooBig;
  // A right quotation may lower the path's MTU; how far is the stack's business.
  const uint32_t rest = too_big ? static_cast<uint32_t>(prng_.Below(2000)) : 0;
  SendError(from, quoted, type, code, rest, now);
}

}  // namespace weir::sim
