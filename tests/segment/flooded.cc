// The wire between a server, its client and a flood.
#include "segment/flooded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "segment/segment.h"
#include "wire/frame.h"

namespace weir::segment {
namespace {

constexpr wire::MacAddress kFloodMac{{0x02, 0, 0, 0, 0, 0x0f}};
constexpr Duration kStep = Milliseconds(5);
constexpr uint32_t kStepsPerOpen = 10;
constexpr uint32_t kSaid = 100;  // octets at a time
constexpr int kExchanges = 64;   // turns of both hosts until nothing more is on the wire
constexpr uint16_t kWitnessPort = 40000;
constexpr uint64_t kSeed = 7;

const flood::Prefix kSources[2] = {*flood::Prefix::Parse("2001:2:0:ff00::/56"),
                                   *flood::Prefix::Parse("198.19.0.0/16")};

uint64_t OnTheWire(size_t octets) { return std::max<size_t>(octets, flood::kFrameMin); }

}  // namespace

// Echoes; what does not fit is left with the peer, as for any application of weir's.
class Flooded::Server : public Handler {
 public:
  explicit Server(Flooded& f) : f_(f) {}
  void OnOpen(Connection c) override {
    if (c.remote().address != PeerAddress(f_.v4_)) ++f_.strangers_;
  }
  void OnData(Connection c, Bytes text) override { (void)c.Send(text); }
  void OnPeerClosed(Connection c) override { c.Close(); }

 private:
  Flooded& f_;
};

// The connection that stays, and those that come and go: open, talk once, close.
class Flooded::Client : public Handler {
 public:
  explicit Client(Flooded& f) : f_(f) {}
  void OnOpen(Connection c) override {
    if (c != f_.witness_) (void)c.Send(Pattern(0, kSaid));
  }
  void OnData(Connection c, Bytes text) override {
    if (c == f_.witness_) {
      for (const uint8_t octet : text) {
        EXPECT_EQ(octet, PatternAt(static_cast<uint32_t>(f_.echoed_))) << f_.echoed_;
        ++f_.echoed_;
      }
      return;
    }
    c.set_user(c.user() + text.size());
    if (c.user() == kSaid) {
      ++f_.served_;
      c.Close();
    }
  }

 private:
  Flooded& f_;
};

Flooded::Flooded(bool v4, const tcp::TcpConfig& tcp)
    : v4_(v4), now_{((int64_t{1} << 32) - 2000) * 1000}, wire_(kPool) {
  Build(server_, true, tcp);
  Build(client_, false, {});
  server_handler_ = std::make_unique<Server>(*this);
  client_handler_ = std::make_unique<Client>(*this);
  listener_ =
      engine().Listen(*engine().WithDefaults({.port = kPort}), server_handler_.get()).value();
  Rest(Milliseconds(10));
}

Flooded::~Flooded() = default;

void Flooded::Build(Host& host, bool server, const tcp::TcpConfig& tcp) {
  ip::InterfaceConfig interface;
  interface.port = 0;
  interface.mac = server ? kStackMac : kPeerMac;
  interface.addresses = {{server ? StackAddress(true) : PeerAddress(true), 24},
                         {server ? StackAddress(false) : PeerAddress(false), 64}};
  // The way back to the sources of the flood, for what does not go straight back.
  interface.gateway4 = server ? PeerAddress(true) : StackAddress(true);
  interface.gateway6 = server ? PeerAddress(false) : StackAddress(false);
  interface.dad = false;
  stack::StackConfig config;
  config.ip.interfaces = {interface};
  config.tcp = tcp;
  config.tcp.keys = {{1, 2}, {3, 4}, {5, 6}, {7, server ? 8u : 9u}};
  host.stack = std::make_unique<stack::Stack>(config, host.pool, host.counters, now_);
  host.stack->Start(now_);
}

void Flooded::Start() {
  witness_ = client_.stack
                 ->Connect({.remote = {StackAddress(v4_), kPort}, .source_port = kWitnessPort},
                           *client_handler_)
                 .value();
  Rest(Milliseconds(50));
  ASSERT_TRUE(alive());
  ASSERT_GT(echoed_, 0u);
}

void Flooded::Open() {
  ++tried_;
  (void)client_.stack->Connect({.remote = {StackAddress(v4_), kPort}, .source_port = next_port_++},
                               *client_handler_);
}

void Flooded::Talk() {
  if (!alive() || echoed_ != said_) return;
  const size_t taken = witness_.Send(Pattern(static_cast<uint32_t>(said_), kSaid));
  said_ += taken;
}

void Flooded::Flood(const std::vector<flood::Mode>& modes, uint32_t frames, const FloodPace& pace) {
  flood::Scene scene{kFloodMac,
                     kStackMac,
                     {StackAddress(v4_), kPort},
                     flood::Sources(kSources[v4_]),
                     {{PeerAddress(v4_), kWitnessPort}}};
  flood_ = std::make_unique<flood::Flood>(modes, std::move(scene), pace.peers, kSeed);
  for (uint32_t made = 0, step = 0; made < frames; ++step) {
    std::vector<std::vector<uint8_t>> burst;
    for (uint32_t i = 0; i < pace.frames; ++i, ++made) {
      std::vector<uint8_t> octets(flood::kFrameMax);
      octets.resize(flood_->Make(octets.data(), now_));
      if (!octets.empty()) burst.push_back(std::move(octets));
    }
    if (step % kStepsPerOpen == 0) Open();
    Talk();
    Step(pace.step, std::move(burst));
    if (testing::Test::HasFatalFailure()) return;
  }
}

void Flooded::Rest(Duration d) {
  for (const Time end = now_ + d; now_ < end;) {
    Talk();
    Step(kStep, {});
  }
}

void Flooded::Step(Duration d, std::vector<std::vector<uint8_t>> frames) {
  now_ = now_ + d;
  for (std::vector<uint8_t>& octets : frames) {
    ++figures_.frames_in;
    figures_.octets_in += OnTheWire(octets.size());
    server_.arriving.push_back(std::move(octets));
  }
  for (int i = 0; i < kExchanges; ++i) {
    TurnOf(server_);
    Watch();
    TurnOf(client_);
    if (server_.arriving.empty() && client_.arriving.empty() && !server_.stack->busy() &&
        !client_.stack->busy()) {
      return;
    }
  }
}

void Flooded::TurnOf(Host& host) {
  std::vector<Packet> received;
  for (const auto& octets : std::exchange(host.arriving, {})) {
    received.push_back(PacketOf(wire_, octets));
    ASSERT_TRUE(received.back());
  }
  for (Packet& packet : host.stack->Turn(received, now_)) {
    std::vector<uint8_t> octets(packet.size());
    packet.CopyOut(0, octets);
    packet.Reset();
    Deliver(octets, &host == &server_);
  }
}

// To the other host; what is for a source of the flood goes there.
void Flooded::Deliver(const std::vector<uint8_t>& octets, bool from_server) {
  if (!from_server) {
    server_.arriving.push_back(octets);
    return;
  }
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  EXPECT_NE(frame.kind, wire::FrameKind::kDropped) << "a frame that makes no sense";
  // Straight back, by way of the gateway, or to a host that only ARP knows.
  const bool to_client = std::equal(octets.begin(), octets.begin() + 6, kPeerMac.octets.begin());
  const bool to_group = (octets[0] & 1) != 0;
  const bool to_source = frame.kind != wire::FrameKind::kArp && flood_ != nullptr &&
                         flood_->sources().Contains(frame.destination);
  if ((to_client || to_group) && !to_source) {
    client_.arriving.push_back(octets);
    return;
  }
  ++figures_.frames_out;
  figures_.octets_out += OnTheWire(octets.size());
  if (!to_source || frame.kind != wire::FrameKind::kTcp) return;
  const auto host = flood_->sources().PeerIndex(frame.destination);
  if (!host) return;
  std::vector<uint8_t> answer(flood::kFrameMax);
  answer.resize(flood_->Receive(*host, frame, answer.data(), now_).value_or(0));
  if (answer.empty()) return;
  ++figures_.frames_in;
  figures_.octets_in += OnTheWire(answer.size());
  server_.arriving.push_back(std::move(answer));
}

void Flooded::Watch() {
  const tcp::Usage usage = engine().usage();
  figures_.half_open = std::max(figures_.half_open, usage.half_open);
  figures_.connections = std::max(figures_.connections, usage.connections);
  figures_.buffers = std::max(figures_.buffers, server_.pool.in_use());
}

void Flooded::End() {
  flood_.reset();
  for (Host* host : {&client_, &server_}) host->stack->AbortAll();
  Rest(Seconds(1));
  for (Host* host : {&client_, &server_}) {
    const tcp::Usage usage = host->stack->tcp().usage();
    EXPECT_EQ(usage.connections, usage.time_wait) << "only TIME-WAIT is left";
    EXPECT_EQ(usage.flights, 0u);
    EXPECT_EQ(usage.kept_buffers, 0u);
  }
  Rest(Seconds(121));  // TIME-WAIT, and what ip keeps for neighbours
  EXPECT_EQ(engine().usage().connections, 0u);
  EXPECT_EQ(engine().table().size(), 0u);
  for (Host* host : {&client_, &server_}) EXPECT_EQ(host->pool.in_use(), 0u);
  EXPECT_EQ(wire_.in_use(), 0u);
}

std::string Flooded::Report(const std::string& name) const {
  char line[200];
  std::snprintf(line, sizeof line,
                "%-28s in %7lu frames, out/in %.3f frames %.3f octets; at most %u half-open, %u "
                "connections, %u buffers; %u of %u clients served",
                name.c_str(), static_cast<unsigned long>(figures_.frames_in),
                figures_.packets_ratio(), figures_.octets_ratio(), figures_.half_open,
                figures_.connections, figures_.buffers, served_, tried_);
  return line;
}

}  // namespace weir::segment
