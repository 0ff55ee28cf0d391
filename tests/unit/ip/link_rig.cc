// LinkRig: building what comes in, reading what goes out.
#include "unit/ip/link_rig.h"

#include <algorithm>

#include "wire/ipv4.h"

namespace weir::ip {
namespace {

constexpr uint8_t kTestProtocol = 253;  // RFC 3692: for experiments

std::vector<uint8_t> EthernetFrame(const wire::MacAddress& to, const wire::MacAddress& from,
                                   uint16_t ether_type) {
  std::vector<uint8_t> octets(wire::kEthernetHeaderSize);
  wire::WriteEthernet(octets.data(), to, from, 0, ether_type);
  return octets;
}

void AppendIp(std::vector<uint8_t>& octets, const IpAddress& source, const IpAddress& destination,
              uint8_t protocol, uint8_t ttl, std::span<const uint8_t> payload) {
  const size_t at = octets.size();
  const auto size = static_cast<uint16_t>(payload.size());
  if (source.is_v4()) {
    octets.resize(at + wire::kIpv4HeaderSize);
    wire::WriteIpv4(&octets[at], {.source = source,
                                  .destination = destination,
                                  .protocol = protocol,
                                  .ttl = ttl,
                                  .payload_size = size});
  } else {
    octets.resize(at + wire::kIpv6HeaderSize);
    wire::WriteIpv6(&octets[at], {.source = source,
                                  .destination = destination,
                                  .protocol = protocol,
                                  .hop_limit = ttl,
                                  .payload_size = size});
  }
  octets.insert(octets.end(), payload.begin(), payload.end());
}

}  // namespace

bool SentFrame::IsArp(uint16_t operation) const {
  return frame.kind == wire::FrameKind::kArp && arp().operation == operation;
}

bool SentFrame::IsIcmpv6(uint8_t type) const {
  return frame.kind == wire::FrameKind::kIcmpv6 && message()[0] == type;
}

wire::ArpPacket SentFrame::arp() const {
  wire::ArpPacket arp;
  EXPECT_TRUE(wire::ParseArp(message(), arp));
  return arp;
}

wire::NdMessage SentFrame::nd() const {
  wire::NdMessage nd;
  EXPECT_EQ(wire::ParseNd(message(), frame, nd), wire::kNoDrop);
  return nd;
}

bool SentFrame::AsksFor(const IpAddress& target) const {
  if (IsArp(wire::kArpRequest)) return arp().target == target;
  return IsIcmpv6(wire::kNdNeighborSolicitation) && nd().target == target;
}

IpConfig RigConfig() {
  InterfaceConfig nic;
  nic.port = kPort;
  nic.mac = kOurMac;
  nic.addresses = {{Address("198.18.0.2"), 24}, {Address("2001:2::2"), 64}};
  nic.gateway4 = Address("198.18.0.1");
  nic.gateway6 = Address("2001:2::1");
  IpConfig config;
  config.interfaces = {nic};
  config.seed = 7;
  return config;
}

LinkRig::LinkRig(const IpConfig& config, uint32_t frames_max) : out(frames_max) {
  ip = std::make_unique<Ip>(config, pool, counters);
}

LinkRig::~LinkRig() {
  out.Clear();
  ip.reset();
  EXPECT_EQ(PacketsInUse(pool), 0u) << "packets leaked";
}

void LinkRig::StartUp() {
  Start();
  Advance(Seconds(5));
  Sent();
}

void LinkRig::Advance(Duration duration) {
  const Time end = now + duration;
  while (now < end) {
    const Time due = std::clamp(ip->next_deadline(), now + Milliseconds(1), end);
    now = std::min(due, end);
    ip->Tick(now, out);
  }
}

bool LinkRig::Receive(std::span<const uint8_t> octets) {
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  error.reset();
  if (frame.kind == wire::FrameKind::kDropped || frame.kind == wire::FrameKind::kTcp) return false;
  Packet packet = PacketOf(pool, octets);
  if (!packet) return true;  // lost: the device had no buffer
  packet.set_port(kPort);
  error = ip->Receive(frame, std::move(packet), now, out);
  return true;
}

void LinkRig::ReceiveArp(const wire::ArpPacket& arp, const wire::MacAddress& to) {
  auto octets = EthernetFrame(to, arp.sender_mac, wire::kEtherTypeArp);
  octets.resize(60);  // padded, as a wire does
  wire::WriteArp(&octets[wire::kEthernetHeaderSize], arp);
  ASSERT_TRUE(Receive(octets));
}

void LinkRig::ReceiveNd(const wire::NdMessage& nd, const IpAddress& source,
                        const IpAddress& destination, const wire::MacAddress& source_mac) {
  const auto to = destination.is_multicast() ? wire::MulticastMac(destination) : kOurMac;
  auto octets = EthernetFrame(to, source_mac, wire::kEtherTypeIpv6);
  uint8_t message[wire::kNdMessageSizeMax];
  const uint16_t size = wire::WriteNd(message, nd, source, destination);
  AppendIp(octets, source, destination, wire::kProtocolIcmpv6, wire::kNdHopLimit, {message, size});
  ASSERT_TRUE(Receive(octets));
}

void LinkRig::ReceiveIcmp(const IpAddress& source, const IpAddress& destination,
                          wire::MacAddress to, std::vector<uint8_t> message, uint8_t ttl) {
  const bool v4 = source.is_v4();
  v4 ? wire::SetIcmpChecksum(message) : wire::SetIcmpv6Checksum(message, source, destination);
  auto octets = EthernetFrame(to, HostMac(9), v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
  AppendIp(octets, source, destination, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6, ttl,
           message);
  octets.resize(std::max<size_t>(octets.size(), 60));
  ASSERT_TRUE(Receive(octets));
}

void LinkRig::Advertise(const IpAddress& host, const wire::MacAddress& mac, bool solicited,
                        bool override) {
  if (host.is_v4()) {
    const wire::ArpPacket arp{.operation = wire::kArpReply,
                              .sender_mac = mac,
                              .sender = host,
                              .target_mac = solicited ? kOurMac : mac,
                              .target = solicited ? kOurs4 : host};
    ReceiveArp(arp, solicited ? kOurMac : wire::kBroadcastMac);
    return;
  }
  wire::NdMessage nd{.type = wire::kNdNeighborAdvertisement,
                     .solicited = solicited,
                     .override = override,
                     .target = host};
  nd.has_target_mac = true;
  nd.target_mac = mac;
  ReceiveNd(nd, host, solicited ? kOurs6 : Address("ff02::1"), mac);
}

void LinkRig::AskForUs(const IpAddress& host, const wire::MacAddress& mac) {
  if (host.is_v4()) {
    ReceiveArp({.sender_mac = mac, .sender = host, .target = kOurs4}, wire::kBroadcastMac);
    return;
  }
  wire::NdMessage nd{.type = wire::kNdNeighborSolicitation, .target = kOurs6};
  nd.has_source_mac = true;
  nd.source_mac = mac;
  ReceiveNd(nd, host, wire::SolicitedNodeAddress(kOurs6), mac);
}

uint16_t LinkRig::LocalFor(const IpAddress& remote) const {
  const int local = ip->LocalIndex(remote.is_v4() ? kOurs4 : kOurs6, kPort);
  EXPECT_GE(local, 0);
  return static_cast<uint16_t>(local);
}

bool LinkRig::Send(const IpAddress& remote, uint16_t& hint, const std::string& text) {
  Packet packet = PacketOf(pool, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  if (!packet) return false;
  SendOptions options;
  options.protocol = kTestProtocol;
  return ip->Send(std::move(packet), LocalFor(remote), remote, options, hint, now, out);
}

bool LinkRig::Send(const IpAddress& remote, const std::string& text) {
  uint16_t hint = kNoNeighbour;
  return Send(remote, hint, text);
}

std::vector<SentFrame> LinkRig::Sent() {
  std::vector<SentFrame> sent;
  for (const Packet& packet : out.frames()) {
    EXPECT_EQ(packet.port(), kPort);
    SentFrame& one = sent.emplace_back();
    one.octets.resize(packet.size());
    packet.CopyOut(0, one.octets);
    wire::ParseFrame(one.octets, {}, one.frame);
    const bool readable =
        one.frame.kind != wire::FrameKind::kDropped || one.frame.drop == Counter::kDropIpProtocol;
    EXPECT_TRUE(readable) << CounterName(one.frame.drop);
    EXPECT_EQ(one.frame.source_mac, kOurMac);
  }
  out.Clear();
  return sent;
}

std::vector<LinkRig::SentText> LinkRig::SentTexts() {
  std::vector<SentText> texts;
  for (const SentFrame& one : Sent()) {
    if (one.frame.drop != Counter::kDropIpProtocol) continue;
    const auto message = one.message();
    texts.push_back({std::string(message.begin(), message.end()), one.frame.destination_mac});
  }
  return texts;
}

int LinkRig::CountRequests(const IpAddress& target) {
  const auto sent = Sent();
  return static_cast<int>(std::count_if(sent.begin(), sent.end(),
                                        [&](const SentFrame& one) { return one.AsksFor(target); }));
}

const Neighbour* LinkRig::Find(const IpAddress& address) const {
  const NeighbourTable& table = ip->neighbours().table();
  const uint16_t index = table.Find(address, 0);
  return index == NeighbourTable::kNone ? nullptr : &table[index];
}

NeighbourState LinkRig::StateOf(const IpAddress& address) const {
  const Neighbour* neighbour = Find(address);
  return neighbour == nullptr ? NeighbourState::kFree : neighbour->state;
}

}  // namespace weir::ip
