// A host's turn, and the checks around it.
#include "fuzz/fuzzed_host.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"
#include "base/check.h"
#include "fuzz/stream.h"
#include "segment/peer_frames.h"
#include "wire/checksum.h"
#include "wire/printer.h"

namespace weir::fuzz {
namespace {

constexpr size_t kBurstMax = 16;
constexpr int64_t kTraceOriginUs = ((int64_t{1} << 32) - 100) * 1000;  // where targets begin
constexpr uint16_t kMtu = 1500;
constexpr uint16_t kMtuSmall = 1280;  // RFC 8200 5

IpAddress HostAddress(int number, bool v4) {
  return number == 0 ? segment::PeerAddress(v4) : segment::StackAddress(v4);
}

tcp::TcpConfig TcpConfigOf(uint8_t traits) {
  tcp::TcpConfig tcp;
  tcp.keys = {{1, 2}, {3, 4}, {5, 6}, kCookieKey};
  const bool scarce = (traits & kScarceMemory) != 0;
  tcp.max_connections = scarce ? 3 : 8;
  tcp.max_flights = scarce ? 2 : 8;
  tcp.kept_buffers = scarce ? 6 : 48;
  tcp.syn_backlog = 4;
  tcp.out_of_order_segments = 8;
  tcp.receive_buffer = (traits & kTinyBuffers) != 0 ? 2048 : 6000;
  tcp.send_buffer = tcp.receive_buffer;
  tcp.timestamps = (traits & kNoTimestamps) == 0;
  tcp.window_scale = (traits & kScaled) != 0 ? 4 : -1;
  tcp.no_delay = (traits & kNagleOff) != 0;
  tcp.fast_open = (traits & kFastOpen) == kFastOpen;
  tcp.fast_open_pending = 2;
  if ((traits & kShedding) == kShedding) {
    tcp.shed_high = 60;
    tcp.shed_low = 30;
    tcp.shed_idle = true;
  }
  if ((traits & kShortTimers) != 0) {
    tcp.retries2 = 4;
    tcp.syn_retries = tcp.synack_retries = 2;
    tcp.keep_alive = true;
    tcp.keepalive_idle_ms = 3000;
    tcp.keepalive_interval_ms = 1000;
    tcp.keepalive_probes = 3;
    tcp.time_wait_ms = tcp.fin_wait2_ms = 2000;
  }
  return tcp;
}

stack::StackConfig ConfigOf(int number, uint8_t traits) {
  ip::InterfaceConfig interface;
  interface.mac = number == 0 ? segment::kPeerMac : segment::kStackMac;
  interface.mtu = (traits & kSmallMtu) != 0 ? kMtuSmall : kMtu;
  interface.addresses = {{HostAddress(number, true), 24}, {HostAddress(number, false), 64}};
  interface.dad = false;
  stack::StackConfig config;
  config.ip.interfaces.push_back(interface);
  config.ip.neighbours = 8;
  config.ip.waiting_packets = 8;
  config.tcp = TcpConfigOf(traits);
  const bool offload = (traits & kOffload) != 0;
  config.offloads.push_back({offload, offload});
  config.burst_max = kBurstMax;
  config.frames_max = 64;
  return config;
}

}  // namespace

FuzzedHost::FuzzedHost(int number, uint8_t traits, const ScriptedApplication::Settings& application,
                       Time now, ScriptedApplication::ReadBase read_base)
    : number_(number),
      traits_(traits),
      write_base_(application.write_base),
      uncoupled_(application.uncoupled),
      pool_((traits & kScarceMemory) != 0 ? 16 : 64, kMtu + 100),
      device_pool_(kBurstMax + 24, kMtu + 100),
      application_(
          application,
          [this, read_base = std::move(read_base)](Connection c) {
            NoteFastOpen(c);
            return read_base(c);
          },
          [this](unsigned n) { return connect_(n); }),
      stack_(std::make_unique<stack::Stack>(ConfigOf(number, traits), pool_, counters_, now)),
      checker_(stack_->tcp(), [](const std::string& what) {
        std::fprintf(stderr, "%s\n", what.c_str());
        WEIR_CHECK(false && "an invariant of the engine");
      }) {
  stack_->Start(now);
  (void)Turn({}, now);
}

FuzzedHost::~FuzzedHost() = default;

Connection FuzzedHost::Connect(bool v4, unsigned number, uint16_t remote_port) {
  const Endpoint remote{HostAddress(1 - number_, v4), remote_port};
  const int local = stack_->ip().SourceFor(remote.address);
  WEIR_CHECK(local >= 0);
  const auto settings = tcp::WithOptions(stack_->tcp().config(), {.deliver_when_full = uncoupled_});
  const auto opened = stack_->tcp().Connect(static_cast<uint8_t>(local),
                                            static_cast<uint16_t>(kActivePort + number), remote,
                                            *settings, &application_);
  return opened.ok() ? *opened : Connection();
}

void FuzzedHost::Listen(uint16_t port, uint8_t listener_traits) {
  auto& listener = listeners_[port == kOtherPort];
  if (listener) return;
  ListenOptions options{.port = port};
  options.connection.deliver_when_full = uncoupled_ || port == kOtherPort;
  if (port == kOtherPort) {
    options.syn_cookies = SynCookies::kAlways;
    options.max_connections = 6;
    options.max_per_prefix = 5;
  }
  constexpr SynCookies kChoices[] = {SynCookies::kOff, SynCookies::kAuto, SynCookies::kAlways};
  if (const int choice = listener_traits & kCookies; choice != 0) {
    options.syn_cookies = kChoices[choice - 1];
  }
  if ((listener_traits & kDeferred) != 0) options.defer_accept_ms = 500;
  if ((listener_traits & kLimited) != 0) {
    options.syn_backlog = options.backlog = 1;
    options.accept_overflow = AcceptOverflow::kReset;
    options.max_connections = 3;
    options.max_per_prefix = 2;
  }
  if ((listener_traits & kWithFastOpen) != 0) options.fast_open = true;
  listener = stack_->tcp().Listen(*stack_->tcp().WithDefaults(options), &application_);
}

void FuzzedHost::CloseListener(uint16_t port) {
  auto& listener = listeners_[port == kOtherPort];
  if (listener) stack_->tcp().CloseListener(*listener);
  listener.reset();
}

void FuzzedHost::FailAllocation(uint8_t nth) {
  exhausted_ = nth == 0;
  pool_.FailAllocation(nth);
}

// "<" is received, ">" sent.
void FuzzedHost::Trace(const char* arrow, const Octets& octets, Time now) const {
  static const bool wanted = std::getenv("WEIR_FUZZ_TRACE") != nullptr;
  if (!wanted) return;
  std::fprintf(stderr, "%14.6f host %d %s %s\n", static_cast<double>(now.us - kTraceOriginUs) / 1e6,
               number_, arrow, wire::PrintFrame(octets).c_str());
}

std::vector<Octets> FuzzedHost::Turn(std::span<const Octets> received, Time now) {
  std::vector<Packet> burst;
  for (const Octets& octets : received.first(std::min(received.size(), kBurstMax))) {
    Trace("<", octets, now);
    Packet packet = PacketOf(device_pool_, octets);
    if (!packet) continue;  // larger than the device takes
    if ((traits_ & kOffload) != 0) {
      wire::Frame frame;
      wire::ParseFrame(octets, {}, frame);
      if (frame.kind == wire::FrameKind::kTcp) {
        packet.raw()->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
      }
    }
    burst.push_back(std::move(packet));
  }
  pool_.set_exhausted(exhausted_);
  std::vector<Octets> sent;
  for (Packet& packet : stack_->Turn(burst, now)) {
    sent.push_back(Transmit(packet));
    Trace(">", sent.back(), now);
  }
  pool_.set_exhausted(false);
  pool_.FailAllocation(0);
  exhausted_ = false;
  checker_.AfterTurn(now);
  return sent;
}

// The device's part of sending; whatever goes out makes sense.
Octets FuzzedHost::Transmit(Packet& packet) {
  Octets octets(packet.size());
  packet.CopyOut(0, octets);
  const rte_mbuf* m = packet.raw();
  if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
    WEIR_CHECK((traits_ & kOffload) != 0);
    const auto segment = std::span(octets).subspan(size_t{m->l2_len} + m->l3_len);
    StoreBe16(&segment[16], wire::ChecksumOf(wire::SumOctets(segment)));
  }
  packet.Reset();
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  WEIR_CHECK(frame.kind != wire::FrameKind::kDropped);
  WEIR_CHECK(octets.size() <=
             wire::kEthernetHeaderSize + size_t{(traits_ & kSmallMtu) != 0 ? kMtuSmall : kMtu});
  if (frame.kind == wire::FrameKind::kTcp) CheckText(octets, frame);
  return octets;
}

// Every octet is what the application wrote in that place. With SYN cookies an old handshake may be
// the one that opens: any initial sequence number shown will do.
void FuzzedHost::CheckText(const Octets& octets, const wire::Frame& frame) {
  std::vector<Seq>& isses =
      isses_[{frame.source, frame.tcp.source_port, frame.destination, frame.tcp.destination_port}];
  if (frame.tcp.syn()) isses.push_back(frame.tcp.seq);
  if (frame.text_size == 0) return;
  const Seq first = frame.tcp.seq + (frame.tcp.syn() ? 1 : 0);
  WEIR_CHECK(std::any_of(isses.rbegin(), isses.rend(), [&](Seq iss) {
    const uint32_t place = write_base_ + Distance(iss + 1, first);
    const auto text = std::span(octets).subspan(frame.text_offset, frame.text_size);
    return std::ranges::equal(text, StreamText(place, frame.text_size));
  }));
}

// Its text may be seen without its SYN-ACK, which was given up while both waited for the
// neighbour's address.
void FuzzedHost::NoteFastOpen(Connection c) {
  const tcp::Tcb* tcb = Find(c.local(), c.remote());
  if (tcb == nullptr || tcb->state != TcpState::kSynReceived) return;
  isses_[{c.local().address, c.local().port, c.remote().address, c.remote().port}].push_back(
      tcb->snd.una);
}

const tcp::Tcb* FuzzedHost::Find(const Endpoint& local, const Endpoint& remote) const {
  const tcp::Tcb* found = nullptr;
  engine().ForEach([&](const tcp::Tcb& c) {
    if (engine().Local(c) == local && engine().Remote(c) == remote) found = &c;
  });
  return found;
}

void FuzzedHost::End(Time& now) {
  for (int round = 0; round < 2; ++round) {
    stack_->tcp().AbortAll(CloseReason::kShutdown);
    for (int i = 0; i < 64 && !idle(); ++i) {
      (void)Turn({}, now);
      // Who only waits for a reader that has paused has no deadline: the next round tells him.
      now = std::clamp(NextDeadline(now), now + Milliseconds(1), now + Seconds(100));
    }
  }
  CheckEmpty(now);
}

void FuzzedHost::CheckEmpty(Time now) {
  const tcp::Usage usage = engine().usage();
  WEIR_CHECK(usage.connections == 0 && usage.flights == 0 && usage.kept_buffers == 0);
  application_.CheckEnd();
  // Packets that wait for a neighbour give up in time; a last turn lets go of the one before.
  for (int i = 0; i < 8 && (i == 0 || pool_.in_use() != 0); ++i) {
    now = now + Seconds(2);
    (void)Turn({}, now);
    (void)Turn({}, now);
  }
  WEIR_CHECK(pool_.in_use() == 0 && device_pool_.in_use() == 0);
}

}  // namespace weir::fuzz
