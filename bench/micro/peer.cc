// Frames to and from many connections.
#include "micro/peer.h"

#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "micro/row.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/ipv4.h"

namespace weir::bench {
namespace {

constexpr wire::MacAddress kServerMac{{2, 0, 0, 0, 0, 1}};
constexpr wire::MacAddress kPeerMac{{2, 0, 0, 0, 0, 2}};
constexpr uint32_t kServer = 0xc6120002;   // 198.18.0.2
constexpr uint32_t kGateway = 0xc6120001;  // 198.18.0.1: the peer, for all its addresses
constexpr uint32_t kOpenBurst = 256;

stack::StackConfig ConfigFor(const PeerOptions& options) {
  stack::StackConfig config;
  ip::InterfaceConfig interface;
  interface.mac = kServerMac;
  interface.addresses = {{IpAddress::V4(kServer), 24}};
  interface.gateway4 = IpAddress::V4(kGateway);
  interface.dad = false;
  config.ip.interfaces = {interface};
  config.tcp.max_connections = options.connections + 1024;
  config.tcp.shed_high = 0;  // it is almost full all the time
  config.tcp.syn_backlog = options.connections + 1024;
  config.tcp.keys.table = {0x1234567890abcdefu, 0xfedcba0987654321u};
  config.tcp.no_delay = true;
  config.tcp.syn_cookies = options.syn_cookies;
  if (options.device_checksums) config.offloads = {{true, true}};
  return config;
}

}  // namespace

EchoBed::EchoBed(const PeerOptions& options)
    : options_(options),
      pool_(32768),
      stack_(ConfigFor(options), pool_, counters_, now_),
      remotes_(options.connections) {
  tcp::ListenParameters parameters = *stack_.tcp().WithDefaults({.port = kServerPort});
  parameters.pull = options.pull;
  Handler* handler = options.handler != nullptr ? options.handler : &handler_;
  const auto listener = stack_.tcp().Listen(parameters, handler);
  WEIR_CHECK(listener);
  listener_ = *listener;
  stack_.Start(now_);
  (void)stack_.Turn({}, now_);
  // The stack learns its gateway from the gateway's question.
  Packet arp = AllocatePacket(pool_);
  uint8_t* at = arp.Append(wire::kEthernetHeaderSize + 28);
  at += wire::WriteEthernet(at, kServerMac, kPeerMac, 0, wire::kEtherTypeArp);
  const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1};
  std::memcpy(at, head, 8);
  std::memcpy(at + 8, kPeerMac.octets.data(), 6);
  StoreBe32(at + 14, kGateway);
  std::memset(at + 18, 0, 6);
  StoreBe32(at + 24, kServer);
  (void)stack_.Turn({&arp, 1}, now_);
}

Packet EchoBed::Build(uint32_t i, uint8_t flags, Seq seq, uint16_t text_size) {
  wire::TcpHeader h;
  h.source_port = PortOf(i);
  h.destination_port = kServerPort;
  h.seq = seq;
  h.flags = flags;
  h.window = 65535;
  if ((flags & wire::kTcpAck) != 0) h.ack = remotes_[i].acked;
  if ((flags & wire::kTcpSyn) != 0) {
    h.options.present = wire::TcpOptions::kMss | wire::TcpOptions::kWindowScale;
    h.options.mss = 1460;
    h.options.window_scale = 7;
  }
  if (options_.timestamps) {
    h.options.present |= wire::TcpOptions::kTimestamps;
    h.options.ts_value = now_.millis().value;
    h.options.ts_echo = (flags & wire::kTcpSyn) != 0 ? 0 : remotes_[i].ts_recent;
  }
  const uint16_t header = wire::TcpHeaderLength(h.options);
  Packet packet = AllocatePacket(pool_);
  WEIR_CHECK(packet);
  std::memset(packet.Append(static_cast<uint16_t>(header + text_size)), 'x',
              static_cast<size_t>(header + text_size));
  wire::WriteTcp(h, packet.data());
  const IpAddress from = AddressOf(i), to = IpAddress::V4(kServer);
  StoreBe16(packet.data() + 16,
            wire::TransportChecksum(from, to, wire::kProtocolTcp, packet.first()));
  wire::Ipv4Header ip;
  ip.source = from;
  ip.destination = to;
  ip.protocol = wire::kProtocolTcp;
  ip.payload_size = static_cast<uint16_t>(packet.size());
  wire::WriteIpv4(packet.Prepend(wire::kIpv4HeaderSize), ip);
  wire::WriteEthernet(packet.Prepend(wire::kEthernetHeaderSize), kServerMac, kPeerMac, 0,
                      wire::kEtherTypeIpv4);
  if (options_.device_checksums) {
    packet.raw()->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  }
  return packet;
}

Packet EchoBed::Syn(uint32_t i) {
  // A tuple that comes back begins above its last sequence number.
  remotes_[i].next = remotes_[i].next + 1000000;
  Packet packet = Build(i, wire::kTcpSyn, remotes_[i].next, 0);
  remotes_[i].next += 1;
  return packet;
}

Packet EchoBed::Text(uint32_t i) {
  Packet packet = Build(i, wire::kTcpAck | wire::kTcpPsh, remotes_[i].next, options_.text_size);
  remotes_[i].next += options_.text_size;
  return packet;
}

Packet EchoBed::Ack(uint32_t i) { return Build(i, wire::kTcpAck, remotes_[i].next, 0); }

Packet EchoBed::Fin(uint32_t i) {
  Packet packet = Build(i, wire::kTcpAck | wire::kTcpFin, remotes_[i].next, 0);
  remotes_[i].next += 1;
  return packet;
}

Packet EchoBed::Reset(uint32_t i) { return Build(i, wire::kTcpRst, remotes_[i].next, 0); }

uint64_t EchoBed::Turn(std::span<Packet> burst) {
  now_ = now_ + Microseconds(1);
  const uint64_t began = Cycles();
  const std::span<Packet> sent = stack_.Turn(burst, now_);
  const uint64_t took = Cycles() - began;
  for (Packet& frame : sent) {
    if (!frame) continue;
    ++frames_sent_;
    Read(frame);
    frame.Reset();
  }
  return took;
}

void EchoBed::Read(const Packet& frame) {
  wire::Frame parsed;
  wire::FrameHints hints;
  hints.l4_checksum_good = options_.device_checksums;
  wire::ParseFrame(frame.first(), hints, parsed);
  if (parsed.kind != wire::FrameKind::kTcp) return;
  const uint32_t i = (parsed.destination.v4() - 0xc6130001u) << 15 |
                     static_cast<uint32_t>(parsed.tcp.destination_port - 1024);
  remotes_[i].acked = parsed.tcp.seq + parsed.text_size + (parsed.tcp.syn() ? 1u : 0u) +
                      (parsed.tcp.fin() ? 1u : 0u);
  remotes_[i].ts_recent = parsed.tcp.options.ts_value;
}

void EchoBed::Open(uint32_t first, uint32_t last) {
  std::vector<Packet> burst;
  for (uint32_t from = first; from < last; from += kOpenBurst) {
    const uint32_t to = std::min(last, from + kOpenBurst);
    burst.clear();
    for (uint32_t i = from; i < to; ++i) burst.push_back(Syn(i));
    Turn(burst);
    burst.clear();
    for (uint32_t i = from; i < to; ++i) burst.push_back(Ack(i));
    Turn(burst);
  }
}

}  // namespace weir::bench
