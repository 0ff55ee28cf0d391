// The wire: turns, time, and the peer's Ethernet.
#include "packetdrill/virtual_wire.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "tcp/fast_open_cookie.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

namespace weir::packetdrill {
namespace {

constexpr wire::MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr wire::MacAddress kStackMac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr uint32_t kBuffers = 8192;
// Scripts inject segments far above any MTU.
constexpr uint32_t kInjected = 64;
constexpr uint32_t kInjectedRoom = 32768;
constexpr int kTurnsWhileBusy = 64;
// Any time that a wall clock could show.
constexpr Time kStart{1'700'000'000'000'000};
constexpr SipKey kCookieKey{7, 8};

// Another address of the same subnet, for the peer's side of everything that is off link.
IpAddress GatewayOf(const IpAddress& local) {
  auto octets = local.octets();
  octets[15] = static_cast<uint8_t>(octets[15] ^ (octets[15] < 2 ? 3 : 1));
  return IpAddress::V6(octets);
}

stack::StackConfig ConfigOf(const Settings& settings) {
  stack::StackConfig config;
  config.tcp = settings.tcp;
  config.tcp.max_connections = 256;
  config.tcp.max_flights = 256;
  config.tcp.kept_buffers = kBuffers / 2;
  config.tcp.keys = {{1, 2}, {3, 4}, {5, 6}, kCookieKey};
  ip::InterfaceConfig interface;
  interface.mac = kStackMac;
  interface.mtu = settings.mtu;
  interface.dad = false;
  const bool v4 = settings.local.is_v4();
  interface.addresses.push_back({settings.local, static_cast<uint8_t>(v4 ? 24 : 64)});
  (v4 ? interface.gateway4 : interface.gateway6) = GatewayOf(settings.local);
  config.ip.interfaces.push_back(interface);
  return config;
}

std::vector<uint8_t> EthernetFrame(uint16_t ether_type, std::span<const uint8_t> payload) {
  std::vector<uint8_t> frame(wire::kEthernetHeaderSize + payload.size());
  wire::WriteEthernet(frame.data(), kStackMac, kPeerMac, 0, ether_type);
  std::copy(payload.begin(), payload.end(), frame.begin() + wire::kEthernetHeaderSize);
  return frame;
}

void TakeOffPush(std::span<uint8_t> segment) {
  constexpr size_t kWordAt = 12, kChecksumAt = 16;  // the word of data offset and flags
  const uint16_t before = LoadBe16(segment.data() + kWordAt);
  const auto after = static_cast<uint16_t>(before & ~wire::kTcpPsh);
  StoreBe16(segment.data() + kWordAt, after);
  StoreBe16(segment.data() + kChecksumAt,
            wire::UpdateChecksum(LoadBe16(segment.data() + kChecksumAt), before, after));
}

}  // namespace

VirtualWire::VirtualWire(const Settings& settings)
    : settings_(settings), pool_(kBuffers), wire_pool_(kInjected, kInjectedRoom), now_(kStart) {
  stack_ = std::make_unique<stack::Stack>(ConfigOf(settings), pool_, counters_, now_);
  stack_->Start(now_);
  Settle();
}

wire::FastOpenCookie VirtualWire::FastOpenCookieOf(const IpAddress& client) {
  return tcp::FastOpenCookieCodec(kCookieKey).Make(client, kStart);
}

void VirtualWire::Inject(std::span<const uint8_t> packet) {
  if (packet.empty()) return;
  const uint16_t type = packet[0] >> 4 == 4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6;
  if (Packet frame = PacketOf(wire_pool_, EthernetFrame(type, packet))) {
    answers_.push_back(std::move(frame));
  }
  Settle();
}

void VirtualWire::Settle() {
  for (int turn = 0; turn < kTurnsWhileBusy; ++turn) {
    std::vector<Packet> received;
    received.swap(answers_);
    Turn(received);
    if (answers_.empty() && !stack_->busy()) return;
  }
}

void VirtualWire::Turn(std::vector<Packet>& received) {
  for (Packet& packet : stack_->Turn(received, now_)) {
    Take(packet);
    packet.Reset();
  }
}

Time VirtualWire::NextTurn() const {
  // Busy after all those turns: short of something that only time brings.
  if (stack_->busy()) return now_ + Milliseconds(1);
  return std::max(stack_->NextDeadline(now_), now_ + Microseconds(1));
}

void VirtualWire::StepTo(Time time) {
  now_ = std::max(now_, time);
  Settle();
}

void VirtualWire::Take(Packet& packet) {
  std::vector<uint8_t> octets(packet.size());
  packet.CopyOut(0, octets);
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  if (frame.kind == wire::FrameKind::kArp) return AnswerArp(octets);
  if (frame.kind == wire::FrameKind::kIcmpv6) return AnswerNd(octets, frame);
  if (frame.kind != wire::FrameKind::kTcp) return;
  if (!settings_.push) TakeOffPush(std::span(octets).subspan(frame.l4_offset));
  octets.erase(octets.begin(), octets.begin() + frame.l3_offset);
  sent_.push_back({now_, std::move(octets), frame.tcp, frame.text_size});
}

void VirtualWire::AnswerArp(std::span<const uint8_t> frame) {
  wire::ArpPacket asked;
  if (!wire::ParseArp(frame.subspan(wire::kEthernetHeaderSize), asked)) return;
  if (asked.operation != wire::kArpRequest || asked.target == settings_.local) return;
  wire::ArpPacket answer;
  answer.operation = wire::kArpReply;
  answer.sender_mac = kPeerMac;
  answer.sender = asked.target;
  answer.target_mac = asked.sender_mac;
  answer.target = asked.sender;
  std::array<uint8_t, wire::kArpSize> octets;
  wire::WriteArp(octets.data(), answer);
  answers_.push_back(PacketOf(wire_pool_, EthernetFrame(wire::kEtherTypeArp, octets)));
}

void VirtualWire::AnswerNd(std::span<const uint8_t> octets, const wire::Frame& frame) {
  const auto message = octets.subspan(frame.l4_offset, frame.l4_size);
  wire::NdMessage asked;
  if (!wire::IsNd(message[0]) || wire::ParseNd(message, frame, asked) != wire::kNoDrop) return;
  if (asked.type != wire::kNdNeighborSolicitation || asked.target == settings_.local) return;
  wire::NdMessage answer;
  answer.type = wire::kNdNeighborAdvertisement;
  answer.solicited = true;
  answer.override = true;
  answer.target = asked.target;
  answer.has_target_mac = true;
  answer.target_mac = kPeerMac;
  std::array<uint8_t, wire::kIpv6HeaderSize + wire::kNdMessageSizeMax> packet;
  wire::Ipv6Header ip;
  ip.source = asked.target;
  ip.destination = settings_.local;
  ip.protocol = wire::kProtocolIcmpv6;
  ip.hop_limit = wire::kNdHopLimit;
  ip.payload_size =
      wire::WriteNd(packet.data() + wire::kIpv6HeaderSize, answer, asked.target, settings_.local);
  wire::WriteIpv6(packet.data(), ip);
  const auto used = std::span(packet).first(wire::kIpv6HeaderSize + ip.payload_size);
  answers_.push_back(PacketOf(wire_pool_, EthernetFrame(wire::kEtherTypeIpv6, used)));
}

}  // namespace weir::packetdrill
