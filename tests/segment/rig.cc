// The rig: frames in, frames out, the clock, and messages that show what happened.
#include "segment/rig.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/printer.h"

namespace weir::segment {
namespace {

constexpr size_t kTraceLines = 24;
constexpr int kTurnsWhileBusy = 64;
constexpr int kFruitlessTurns = 3;
constexpr Duration kBusyStep = Milliseconds(1);
// 2^32 milliseconds less a little, in microseconds.
constexpr int64_t kClockNearWrapUs = ((int64_t{1} << 32) - 300) * 1000;
constexpr Seq kIssNearWrap{0xfffffff8u};
constexpr int64_t kIssTickUs = 4;  // RFC 9293 3.4.1

ip::IpConfig IpOf(const Options& options) {
  ip::InterfaceConfig interface;
  interface.port = 0;
  interface.mac = kStackMac;
  interface.mtu = options.mtu;
  interface.addresses.push_back({StackAddress(true), 24});
  interface.addresses.push_back({StackAddress(false), 64});
  interface.dad = false;
  ip::IpConfig ip;
  ip.interfaces.push_back(interface);
  return ip;
}

}  // namespace

std::string FamilyName(const testing::TestParamInfo<bool>& info) {
  return info.param ? "Ipv4" : "Ipv6";
}

// --- the handler ---

void RecordingHandler::OnOpen(Connection c) {
  opened.push_back(c);
  if (on_open) on_open(c);
}
void RecordingHandler::OnData(Connection c, Bytes text) {
  received.append(text.begin(), text.end());
  deliveries.push_back(text.size());
  if (on_data) on_data(c, text);
}
void RecordingHandler::OnWritable(Connection c) {
  ++writable;
  if (on_writable) on_writable(c);
}
void RecordingHandler::OnPeerClosed(Connection c) {
  ++peer_closed;
  if (on_peer_closed) on_peer_closed(c);
}
void RecordingHandler::OnClosed(Connection c, CloseReason reason) {
  closed.push_back(reason);
  if (on_closed) on_closed(c, reason);
}
void RecordingHandler::OnTimer(Connection c) {
  ++timers;
  if (on_timer) on_timer(c);
}

void RecordingHandler::OnUrgent(Connection c) {
  if (on_urgent) on_urgent(c);
}
void RecordingHandler::OnSoftError(Connection c, SoftError error) {
  if (on_soft_error) on_soft_error(c, error);
}

tcp::TcpConfig WithoutCookies() {
  tcp::TcpConfig config;
  config.syn_cookies = SynCookies::kOff;
  config.shed_high = 0;
  return config;
}

// --- building up and taking down ---

Rig::Rig(const Options& options)
    : options_(options), pool_(options.pool), wire_pool_(options.pool) {
  path_.source_mac = kPeerMac;
  path_.destination_mac = kStackMac;
  path_.source = {PeerAddress(options.v4), kPeerPort};
  path_.destination = {StackAddress(options.v4), kStackPort};
  Build(Time{kClockNearWrapUs} + options.ahead);
  if (!options.iss_near_wrap || !options.listening) return;
  // The ISS follows the clock: one that is known at one time tells the time for another.
  InBurst({Syn(0)});
  const Seq seen = ToSeg(sent_.front()).syn() ? iss_ : Seq{};
  const int64_t ticks = static_cast<uint32_t>(kIssNearWrap - seen);
  const int64_t start_us = start_.us + ticks * kIssTickUs;
  sent_.clear();
  stack_.reset();
  counters_ = Counters();
  Build({start_us});
}

void Rig::Build(Time start) {
  stack::StackConfig config;
  config.ip = IpOf(options_);
  config.tcp = options_.tcp;
  config.tcp.max_connections = std::min(config.tcp.max_connections, 256u);
  config.tcp.max_flights = std::min(config.tcp.max_flights, 256u);
  config.tcp.kept_buffers = std::min(config.tcp.kept_buffers, 2048u);
  config.tcp.keys = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
  stack_ = std::make_unique<stack::Stack>(config, pool_, counters_, start);
  start_ = now_ = start;
  iss_known_ = false;
  stack_->Start(now_);
  if (options_.listening) {
    Handler* handler = options_.handler != nullptr ? options_.handler : &handler_;
    listener_ = engine().Listen(*engine().WithDefaults(options_.listen), handler);
  }
  if (options_.introduced) Introduce();
  trace_.clear();
  sent_.clear();
  other_frames.clear();
}

// The stack learns the peer's Ethernet address from the peer's own question, so that no test waits
// for address resolution.
void Rig::Introduce() {
  RunTurn({});
  RunTurn({ArpFrame(wire::kArpRequest)});
  RunTurn({SolicitationFrame()});
}

Rig::~Rig() {
  if (testing::Test::HasFailure()) return;
  if (!sent_.empty()) ADD_FAILURE() << sent_.size() << " segments were not looked at" << Trace();
  const uint64_t in = counters_[Counter::kRxFrames], out = counters_[Counter::kTxFrames];
  EXPECT_GT(in + out, 0u);
}

// --- turns ---

void Rig::RunTurn(std::vector<std::vector<uint8_t>> frames) {
  for (int turn = 0;; ++turn) {
    std::vector<Packet> received;
    for (const auto& octets : frames) {
      trace_.push_back({"  > ", octets});
      received.push_back(PacketOf(wire_pool_, octets));
    }
    frames.clear();
    if (options_.around_turn) options_.around_turn(true);
    const std::span<Packet> out = stack_->Turn(received, now_, pressed_);
    if (options_.around_turn) options_.around_turn(false);
    for (Packet& packet : out) Take(packet);
    while (trace_.size() > kTraceLines) trace_.pop_front();
    frames.swap(answers_);
    if (frames.empty() && !stack_->busy()) return;
    // Without buffers the stack tries again every turn; that is for Advance to go on with.
    if (frames.empty() && out.empty() && turn >= kFruitlessTurns) return;
    if (turn == kTurnsWhileBusy) {
      ADD_FAILURE() << "the stack is busy without end" << Trace();
      return;
    }
  }
}

void Rig::Take(Packet& packet) {
  std::vector<uint8_t> octets(packet.size());
  packet.CopyOut(0, octets);
  if (driver_keeps_) kept_by_driver_.push_back(std::move(packet));
  packet.Reset();
  trace_.push_back({"< ", octets});
  if (on_frame) on_frame(octets);
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  switch (frame.kind) {
    case wire::FrameKind::kTcp:
      if (frame.tcp.syn() && !iss_known_) {
        iss_ = frame.tcp.seq;
        iss_known_ = true;
      }
      sent_.push_back(std::move(octets));
      return;
    case wire::FrameKind::kArp:
      return AnswerArp(octets);
    case wire::FrameKind::kIcmpv6:
      return AnswerNd(octets, frame);
    case wire::FrameKind::kIcmp:
      other_frames.push_back(std::move(octets));
      return;
    case wire::FrameKind::kDropped:
      ADD_FAILURE() << "the stack sent a frame that makes no sense" << Trace();
  }
}

void Rig::AnswerArp(const std::vector<uint8_t>& octets) {
  wire::ArpPacket arp;
  const auto body = std::span(octets).subspan(wire::kEthernetHeaderSize);
  if (!wire::ParseArp(body, arp)) return;
  if (arp.operation == wire::kArpRequest && arp.target == PeerAddress(true)) {
    answers_.push_back(ArpFrame(wire::kArpReply));
  }
}

void Rig::AnswerNd(const std::vector<uint8_t>& octets, const wire::Frame& frame) {
  const auto message = std::span(octets).subspan(frame.l4_offset, frame.l4_size);
  wire::NdMessage nd;
  if (!wire::IsNd(message[0])) {
    other_frames.push_back(octets);
    return;
  }
  if (wire::ParseNd(message, frame, nd) != wire::kNoDrop) return;
  if (nd.type != wire::kNdNeighborSolicitation || nd.target != PeerAddress(false)) return;
  answers_.push_back(AdvertisementFrame());
}

// --- the peer ---

std::vector<uint8_t> Rig::Frame(const Seg& seg) const {
  Path path = path_;
  if (seg.source) path.source.address = *seg.source;
  if (seg.source_port) path.source.port = *seg.source_port;
  if (seg.destination) path.destination.address = *seg.destination;
  if (seg.destination_port) path.destination.port = *seg.destination_port;
  Seg real = seg;
  if (!seg.absolute) {
    real.seq = (peer_iss_ + seg.seq).value;
    if (seg.ack) real.ack = (iss_ + *seg.ack).value;
  }
  return BuildFrame(path, real);
}

void Rig::InBurst(const std::vector<Seg>& segs) {
  std::vector<std::vector<uint8_t>> frames;
  for (const Seg& seg : segs) frames.push_back(Frame(seg));
  RunTurn(std::move(frames));
}

void Rig::InFrame(const std::vector<uint8_t>& octets) { RunTurn({octets}); }

Seg Rig::ToSeg(const std::vector<uint8_t>& octets) const {
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  Seg seg;
  seg.flags = frame.tcp.flags;
  seg.seq = Distance(iss_, frame.tcp.seq);
  if (frame.tcp.has_ack()) seg.ack = Distance(peer_iss_, frame.tcp.ack);
  seg.window = frame.tcp.window;
  if ((seg.flags & wire::kTcpUrg) != 0) seg.urgent = frame.tcp.urgent;
  seg.options = frame.tcp.options;
  const auto text = std::span(octets).subspan(frame.text_offset, frame.text_size);
  seg.text.assign(text.begin(), text.end());
  seg.source = frame.source;
  seg.destination = frame.destination;
  seg.source_port = frame.tcp.source_port;
  seg.destination_port = frame.tcp.destination_port;
  return seg;
}

std::string Rig::Differences(const Seg& expected, const Seg& got) const {
  std::string differences;
  const auto check = [&differences](bool same, const char* what) {
    if (!same) differences += std::string(differences.empty() ? "" : ", ") + what;
  };
  using Bits = wire::TcpOptions;
  const uint8_t compared =
      wire::kTcpSyn | wire::kTcpFin | wire::kTcpRst | wire::kTcpAck | wire::kTcpUrg;
  check((expected.flags & compared) == (got.flags & compared), "flags");
  const uint32_t seq_base = expected.absolute ? iss_.value : 0;
  const uint32_t ack_base = expected.absolute ? peer_iss_.value : 0;
  check(expected.seq == got.seq + seq_base, "sequence number");
  if (expected.ack) {
    check(got.ack && *expected.ack == *got.ack + ack_base, "acknowledgement number");
  }
  if (expected.window) check(expected.window == got.window, "window");
  if (expected.urgent) check(expected.urgent == got.urgent, "urgent pointer");
  if (expected.push) check(*expected.push == ((got.flags & wire::kTcpPsh) != 0), "PSH");
  check(expected.text.size() == got.text.size(), "size of the text");
  if (expected.text.size() == got.text.size()) check(expected.text == got.text, "text");
  const Bits& want = expected.options;
  const Bits& have = got.options;
  if (want.has(Bits::kMss)) check(have.has(Bits::kMss) && want.mss == have.mss, "MSS");
  if (want.has(Bits::kWindowScale)) {
    check(have.has(Bits::kWindowScale) && want.window_scale == have.window_scale, "window scale");
  }
  if (want.has(Bits::kTimestamps)) {
    check(have.has(Bits::kTimestamps) && want.ts_echo == have.ts_echo, "TSecr");
    if (!expected.any_ts_value) check(want.ts_value == have.ts_value, "TSval");
  }
  if (want.has(Bits::kFastOpen)) {
    check(have.has(Bits::kFastOpen) && want.fast_open == have.fast_open, "cookie");
  }
  if (expected.no_timestamps) check(!have.has(Bits::kTimestamps), "timestamps");
  if (expected.options_exact) check(want.present == have.present, "set of options");
  if (expected.source_port) check(expected.source_port == got.source_port, "source port");
  if (expected.destination_port) {
    check(expected.destination_port == got.destination_port, "destination port");
  }
  if (expected.source) check(expected.source == got.source, "source address");
  if (expected.destination) check(expected.destination == got.destination, "destination address");
  return differences;
}

Seg Rig::Out(const Seg& expected) {
  if (sent_.empty()) {
    ADD_FAILURE() << "nothing was sent; expected " << expected.ToString() << Trace();
    return {};
  }
  Seg got = ToSeg(sent_.front());
  sent_.pop_front();
  const std::string differences = Differences(expected, got);
  if (!differences.empty()) {
    ADD_FAILURE() << "wrong " << differences << "\n expected " << expected.ToString()
                  << "\n      got " << got.ToString() << Trace();
  }
  return got;
}

Seg Rig::Any() {
  if (sent_.empty()) {
    ADD_FAILURE() << "nothing was sent" << Trace();
    return {};
  }
  Seg got = ToSeg(sent_.front());
  sent_.pop_front();
  return got;
}

void Rig::Quiet() {
  if (!sent_.empty()) {
    ADD_FAILURE() << "unexpected " << ToSeg(sent_.front()).ToString() << Trace();
    sent_.clear();
  }
}

std::string Rig::Trace() const {
  std::string text = "\n at " + std::to_string(elapsed().us) + " us, ISS " +
                     std::to_string(iss_.value) + ", peer's ISS " +
                     std::to_string(peer_iss_.value) + "; last frames:";
  for (const Traced& line : trace_) text += "\n   " + (line.arrow + wire::PrintFrame(line.octets));
  return text;
}

// --- time ---

Time Rig::NextTurn(Time end) const {
  if (stack_->busy()) return std::min(now_ + kBusyStep, end);
  return std::min(std::max(stack_->NextDeadline(now_), now_ + Microseconds(1)), end);
}

void Rig::Advance(Duration d) {
  const Time end = now_ + d;
  while (now_ < end) {
    now_ = NextTurn(end);
    RunTurn({});
  }
}

Duration Rig::UntilNext(Duration limit) {
  const Time begin = now_;
  const Time end = now_ + limit;
  while (sent_.empty() && now_ < end) {
    now_ = NextTurn(end);
    RunTurn({});
  }
  if (sent_.empty()) ADD_FAILURE() << "nothing was sent for " << limit.us << " us" << Trace();
  return now_ - begin;
}

Seg Rig::OutAfter(Duration d, const Seg& expected) {
  if (!sent_.empty()) {
    ADD_FAILURE() << "sent too early: " << ToSeg(sent_.front()).ToString() << "; expected "
                  << expected.ToString() << Trace();
    sent_.clear();
    return {};
  }
  const Duration waited = UntilNext(d + Milliseconds(2));
  // Deadlines are whole milliseconds, and the clock of a rig seldom begins at one.
  if (waited + Milliseconds(1) <= d && !sent_.empty()) {
    ADD_FAILURE() << "sent after " << waited.us << " us instead of " << d.us << Trace();
  }
  return sent_.empty() ? Seg{} : Out(expected);
}

// --- the application ---

Connection Rig::c() const {
  return handler_.opened.empty() ? Connection() : handler_.opened.back();
}

size_t Rig::Send(uint32_t size) {
  const std::vector<uint8_t> text = Pattern(1 + sent_by_application_, size);
  const size_t taken = c().Send(text);
  sent_by_application_ += static_cast<uint32_t>(taken);
  RunTurn({});
  return taken;
}

void Rig::ExpectReceived(uint32_t size) {
  const std::vector<uint8_t> expected = Pattern(1, size);
  const std::string& got = handler_.received;
  if (got.size() != size ||
      !std::equal(got.begin(), got.end(), expected.begin(),
                  [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; })) {
    ADD_FAILURE() << "the application received " << got.size() << " octets instead of " << size
                  << (got.size() == size ? ", and others" : "") << Trace();
  }
}

void Rig::ExpectClosed(CloseReason reason) {
  if (handler_.closed != std::vector{reason}) {
    ADD_FAILURE() << "OnClosed was called " << handler_.closed.size() << " times"
                  << (handler_.closed.empty()
                          ? std::string()
                          : std::string(", last with ") + CloseReasonText(handler_.closed.back()))
                  << "; expected once with " << CloseReasonText(reason) << Trace();
  }
}

void Rig::ExpectOpen() { EXPECT_TRUE(c().alive()) << "the connection is gone" << Trace(); }

void Rig::ExpectState(TcpState state) {
  const TcpState now = c().alive() ? c().Info().state : TcpState::kClosed;
  EXPECT_EQ(TcpStateName(now), std::string(TcpStateName(state))) << Trace();
}

void Rig::ExpectEmpty() {
  const tcp::Usage usage = engine().usage();
  EXPECT_EQ(usage.connections, 0u) << Trace();
  EXPECT_EQ(usage.flights, 0u) << Trace();
  EXPECT_EQ(usage.kept_buffers, 0u) << Trace();
  RunTurn({});  // lets go of what the last turn gave out
  EXPECT_FALSE(stack_->busy()) << Trace();
  EXPECT_EQ(pool_.in_use(), 0u) << Trace();
  EXPECT_EQ(wire_pool_.in_use(), 0u) << Trace();
}

// --- shortcuts ---

void Rig::Establish(const Handshake& handshake) {
  Seg syn = Syn(0).Mss(handshake.mss).Win(handshake.window);
  Seg ack = Ack(1).Acks(1).Win(handshake.window);
  if (handshake.scale) syn.Scale(*handshake.scale);
  In(handshake.ts ? syn.Ts(*handshake.ts, 0) : syn);
  const Seg syn_ack = Out(SynAck(0).Acks(1));
  In(handshake.ts ? ack.Ts(*handshake.ts, syn_ack.options.ts_value) : ack);
  Quiet();
  if (options_.handler == nullptr) ExpectOpen();
}

Seg Rig::Connect(uint16_t local_port, uint32_t text_size) {
  iss_known_ = false;
  Handler* handler = options_.handler != nullptr ? options_.handler : &handler_;
  const int local = stack_->ip().SourceFor(path_.source.address);
  connecting_ =
      engine()
          .Connect(static_cast<uint8_t>(local), local_port, path_.source,
                   *tcp::WithOptions(engine().config(), options_.listen.connection), handler)
          .value_or(Connection());
  EXPECT_TRUE(connecting_.alive());
  path_.destination.port = local_port;
  if (text_size != 0) {
    sent_by_application_ = text_size;
    EXPECT_EQ(connecting_.Send(Pattern(1, text_size)), text_size);
  }
  RunTurn({});
  return Any();
}

void Rig::NewConnection(uint16_t peer_port, Seq peer_iss) {
  path_.source.port = peer_port;
  peer_iss_ = peer_iss;
  iss_known_ = false;
  sent_by_application_ = 0;
}

void Rig::ReturnTo(uint16_t peer_port, Seq iss, Seq peer_iss) {
  NewConnection(peer_port, peer_iss);
  iss_ = iss;
  iss_known_ = true;
}

}  // namespace weir::segment
