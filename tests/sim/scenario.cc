// Swarm testing (Groce et al. 2012): each seed switches whole classes of faults off, so that what
// is left gets to places that the average of everything never reaches.
#include "sim/scenario.h"

#include <algorithm>
#include <iterator>

namespace weir::sim {
namespace {

constexpr int64_t kWrapUs = (int64_t{1} << 32) * 1000;

template <class T, size_t n>
T OneOf(Prng& prng, const T (&choices)[n]) {
  return choices[prng.Below(n)];
}

bool Coin(Prng& prng) { return prng.Chance(500); }

uint32_t Between(Prng& prng, uint32_t low, uint32_t high) {
  return low + static_cast<uint32_t>(prng.Below(uint64_t{high} - low + 1));
}

Faults DrawFaults(Prng& prng) {
  Faults f;
  f.delay = Microseconds(OneOf(prng, {10, 100, 1000, 10000, 50000}));
  if (Coin(prng)) f.jitter = Microseconds(Between(prng, 1, 20000));
  if (Coin(prng)) f.loss = Between(prng, 1, 300);
  if (prng.Chance(300)) {
    f.burst_begin = Between(prng, 1, 50);
    f.burst_end = Between(prng, 50, 500);
  }
  if (Coin(prng)) {
    f.reorder = Between(prng, 1, 300);
    f.reorder_by = Microseconds(Between(prng, 10, 60000));
  }
  if (Coin(prng)) f.duplicate = Between(prng, 1, 300);
  if (Coin(prng)) f.corrupt = Between(prng, 1, 200);
  if (prng.Chance(300)) {
    f.octets_per_s = OneOf<uint64_t>(prng, {20000, 200000, 2000000, 100000000});
    f.queue_octets = Between(prng, 3000, 100000);
  }
  return f;
}

tcp::TcpConfig DrawTcp(Prng& prng) {
  tcp::TcpConfig tcp;
  tcp.keys = {{prng.Next(), prng.Next()}, {prng.Next(), prng.Next()}, {prng.Next(), prng.Next()}};
  tcp.max_connections = 64;
  tcp.max_flights = 64;
  tcp.kept_buffers = 2048;
  tcp.receive_buffer = OneOf(prng, {2048u, 4096u, 20000u, 65535u, 262144u});
  tcp.send_buffer = OneOf(prng, {2048u, 4096u, 20000u, 65535u, 262144u});
  tcp.no_delay = Coin(prng);
  tcp.keep_alive = prng.Chance(200);
  tcp.timestamps = Coin(prng);
  if (prng.Chance(300)) tcp.mss = static_cast<uint16_t>(Between(prng, 88, 600));
  if (prng.Chance(300)) tcp.window_scale = static_cast<int>(prng.Below(15));
  tcp.initial_window_segments = OneOf(prng, {1u, 2u, 4u, 10u, 10u});
  tcp.slow_start_segments = tcp.initial_window_segments <= 2 ? 1 : 8;  // draws nothing: seeds stay
  tcp.rto_min_ms = OneOf(prng, {10u, 200u, 1000u});
  tcp.rto_max_ms = OneOf(prng, {4000u, 60000u, 120000u});
  tcp.delayed_ack_ms = OneOf(prng, {1u, 40u, 200u});
  tcp.out_of_order_segments = OneOf(prng, {1u, 4u, 256u});
  tcp.keepalive_idle_ms = 60000;
  tcp.keepalive_interval_ms = 10000;
  // Long outages are not what these runs are about: nobody gives up.
  tcp.retries2 = 60;
  tcp.syn_retries = 20;
  tcp.synack_retries = 20;
  return tcp;
}

HostScenario DrawHost(Prng& prng, Time start) {
  HostScenario host;
  host.tcp = DrawTcp(prng);
  host.tx_offload = Coin(prng);
  host.rx_offload = Coin(prng);
  host.poll = Microseconds(OneOf(prng, {0, 0, 20, 500, 5000}));
  if (prng.Chance(200)) host.stall = Between(prng, 1, 100);
  if (prng.Chance(200)) host.allocation_failure = Between(prng, 1, 100);
  // The clock in milliseconds wraps within the first seconds of most runs.
  if (prng.Chance(700)) {
    host.clock_offset = Time{kWrapUs} - start - Microseconds(Between(prng, 0, 5000000));
  } else {
    host.clock_offset = Microseconds(Between(prng, 0, 1u << 31));
  }
  return host;
}

SideScenario DrawSide(Prng& prng, bool rude) {
  SideScenario side;
  side.octets = OneOf(prng, {0u, 1u, 100u, 5000u, 60000u, 200000u});
  if (side.octets > 1) side.octets = Between(prng, side.octets / 2, side.octets);
  side.chunk = OneOf(prng, {1u, 7u, 100u, 1460u, 10000u, 100000u});
  // Single octets are slow to simulate.
  if (side.chunk < 100) side.octets = std::min(side.octets, side.chunk * 500);
  side.owned = prng.Chance(300);
  if (prng.Chance(300)) {
    side.pause = Between(prng, 10, 500);
    side.pause_for = Microseconds(Between(prng, 10, 2000000));
  }
  side.half_close = Coin(prng);
  if (rude && prng.Chance(300)) {
    side.end = Coin(prng) ? SideScenario::End::kClose : SideScenario::End::kAbort;
    side.end_after = Between(prng, 0, 20000);
  }
  return side;
}

}  // namespace

Scenario DrawScenario(uint64_t seed) {
  Prng prng(seed);
  Scenario s;
  s.seed = seed;
  s.v4 = Coin(prng);
  s.mtu = OneOf<uint16_t>(prng, {1500, 1500, 1280, 1400, 9000});
  if (s.v4 && prng.Chance(300)) s.mtu = static_cast<uint16_t>(Between(prng, 256, 700));
  if (s.mtu == 9000) s.mtu = 1800;  // more than Ethernet's, less than a buffer
  s.faults[0] = DrawFaults(prng);
  s.faults[1] = DrawFaults(prng);
  s.faults_last = Milliseconds(prng.Chance(200) ? 0 : Between(prng, 10, 20000));
  s.start = Time{int64_t{1} << 40};
  s.hosts[0] = DrawHost(prng, s.start);
  s.hosts[1] = DrawHost(prng, s.start);
  s.iss_near_wrap = Coin(prng);
  const bool rude = prng.Chance(300);
  // A lost RST leaves a peer that waits for ever, unless it asks.
  for (HostScenario& host : s.hosts) host.tcp.keep_alive = host.tcp.keep_alive || rude;
  const uint32_t count = OneOf(prng, {1u, 1u, 2u, 5u});
  for (uint32_t i = 0; i < count; ++i) {
    ConnectionScenario c;
    c.opens_at = Milliseconds(i == 0 ? 0 : Between(prng, 0, 3000));
    c.client = DrawSide(prng, rude);
    c.server = DrawSide(prng, rude);
    // Somebody has to begin.
    if (!c.client.half_close && !c.server.half_close) c.client.half_close = true;
    s.connections.push_back(c);
  }
  return s;
}

std::string Scenario::ToString() const {
  const auto number = [](auto n) { return std::to_string(n); };
  std::string text = "seed " + number(seed) + (v4 ? " v4" : " v6") + " mtu " + number(mtu) +
                     " faults for " + number(faults_last.us / 1000) + " ms";
  for (const Faults& f : faults) {
    text += " [delay " + number(f.delay.us) + "us jitter " + number(f.jitter.us) + "us loss " +
            number(f.loss) + " burst " + number(f.burst_begin) + " reorder " + number(f.reorder) +
            " dup " + number(f.duplicate) + " corrupt " + number(f.corrupt) + " rate " +
            number(f.octets_per_s) + "]";
  }
  for (const HostScenario& h : hosts) {
    text += " {rcvbuf " + number(h.tcp.receive_buffer) + " sndbuf " + number(h.tcp.send_buffer) +
            " mss " + number(h.tcp.mss) + (h.tcp.timestamps ? " ts" : "") +
            (h.tx_offload ? " txo" : "") + (h.rx_offload ? " rxo" : "") + " poll " +
            number(h.poll.us) + "us stall " + number(h.stall) + " nobuf " +
            number(h.allocation_failure) + "}";
  }
  for (const ConnectionScenario& c : connections) {
    text += " (" + number(c.client.octets) + "<>" + number(c.server.octets) + ")";
  }
  return text;
}

}  // namespace weir::sim
