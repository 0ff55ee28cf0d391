// Swarm testing (Groce et al. 2012): each seed switches whole classes of faults off, so that what
// is left gets to places that the average of everything never reaches.
#include "sim/scenario.h"

#include <algorithm>

namespace weir::sim {
namespace {

using Kind = ConnectionScenario::Kind;

constexpr int64_t kWrapUs = (int64_t{1} << 32) * 1000;
constexpr uint16_t kMtuMinV6 = 1280;
constexpr uint32_t kOctetsMax = 500000;  // of all connections together, so that seeds stay short

template <class T, size_t n>
T OneOf(Prng& prng, const T (&choices)[n]) {
  return choices[prng.Below(n)];
}

bool Coin(Prng& prng) { return prng.Chance(500); }

uint32_t Between(Prng& prng, uint32_t low, uint32_t high) {
  return low + static_cast<uint32_t>(prng.Below(uint64_t{high} - low + 1));
}

// Which classes of faults a seed has at all.
struct Classes {
  explicit Classes(Prng& prng)
      : loss(Coin(prng)),
        burst(prng.Chance(300)),
        jitter(Coin(prng)),
        reorder(Coin(prng)),
        duplicate(Coin(prng)),
        corrupt(Coin(prng)),
        rate(prng.Chance(300)),
        stalls(prng.Chance(300)),
        memory(prng.Chance(300)),
        rings(prng.Chance(300)),
        mtu(prng.Chance(400)),
        errors(prng.Chance(300)),
        deaths(prng.Chance(250)),
        rude(prng.Chance(300)),
        meddling(prng.Chance(300)),
        pauses(prng.Chance(400)) {}

  bool loss, burst, jitter, reorder, duplicate, corrupt, rate, stalls, memory, rings, mtu, errors,
      deaths, rude, meddling, pauses;
};

Faults DrawFaults(Prng& prng, const Classes& on) {
  Faults f;
  f.delay = Microseconds(OneOf(prng, {10, 100, 1000, 10000, 50000}));
  if (on.jitter && Coin(prng)) f.jitter = Microseconds(Between(prng, 1, 20000));
  if (on.loss && Coin(prng)) f.loss = Between(prng, 1, 200);
  if (on.burst && Coin(prng)) {
    f.burst_begin = Between(prng, 1, 50);
    f.burst_end = Between(prng, 50, 500);
  }
  if (on.reorder && Coin(prng)) {
    f.reorder = Between(prng, 1, 300);
    f.reorder_by = Microseconds(Between(prng, 10, 60000));
  }
  if (on.duplicate && Coin(prng)) f.duplicate = Between(prng, 1, 300);
  if (on.rate && Coin(prng)) {
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
  tcp.kept_buffers = 1024;
  tcp.text_buffers = 768;
  tcp.receive_buffer = OneOf(prng, {2048u, 4096u, 20000u, 65535u, 262144u});
  tcp.send_buffer = OneOf(prng, {2048u, 4096u, 20000u, 65535u, 262144u});
  tcp.no_delay = Coin(prng);
  tcp.keep_alive = prng.Chance(200);
  tcp.timestamps = Coin(prng);
  tcp.syn_backlog = OneOf(prng, {1u, 2u, 1024u, 1024u});
  if (prng.Chance(300)) tcp.mss = static_cast<uint16_t>(Between(prng, 88, 600));
  if (prng.Chance(300)) tcp.window_scale = static_cast<int>(prng.Below(15));
  tcp.initial_window_segments = OneOf(prng, {1u, 2u, 4u, 10u, 10u});
  tcp.slow_start_segments = tcp.initial_window_segments <= 2 ? 1 : 8;  // draws nothing: seeds stay
  tcp.rto_min_ms = OneOf(prng, {10u, 200u, 1000u});
  tcp.rto_max_ms = OneOf(prng, {4000u, 60000u, 120000u});
  tcp.delayed_ack_ms = OneOf(prng, {1u, 40u, 200u});
  tcp.out_of_order_segments = OneOf(prng, {1u, 4u, 256u});
  tcp.challenge_ack_interval_ms = OneOf(prng, {1u, 500u});
  tcp.resets_per_second = OneOf(prng, {10u, 1000u});
  tcp.keepalive_idle_ms = 60000;
  tcp.keepalive_interval_ms = 10000;
  // Long outages are not what these runs are about: nobody gives up.
  tcp.retries2 = tcp.orphan_retries = 60;
  tcp.syn_retries = 20;
  tcp.synack_retries = 20;
  return tcp;
}

void DrawDeath(Prng& prng, HostScenario& host, Duration faults_last) {
  Death death;
  death.at = Microseconds(static_cast<int64_t>(
      prng.Below(static_cast<uint64_t>(std::max<int64_t>(faults_last.us, 1)))));
  if (prng.Chance(800)) death.down_for = Microseconds(Between(prng, 1, 5000000));
  host.death = death;
}

HostScenario DrawHost(Prng& prng, const Classes& on, const Scenario& s) {
  HostScenario host;
  host.tcp = DrawTcp(prng);
  host.mtu = OneOf<uint16_t>(prng, {1500, 1500, 1280, 1400, 1800});
  if (!s.v6 && prng.Chance(300)) host.mtu = static_cast<uint16_t>(Between(prng, 256, 700));
  host.up = DrawFaults(prng, on);
  host.down = DrawFaults(prng, on);
  // Once on a path at most: two changed octets may cancel out in a checksum of 16 bits.
  if (on.corrupt && Coin(prng)) host.down.corrupt = Between(prng, 1, 150);
  host.tx_offload = Coin(prng);
  host.rx_offload = Coin(prng);
  host.poll = Microseconds(OneOf(prng, {0, 0, 20, 500, 5000}));
  if (on.stalls && Coin(prng)) {
    host.stall = Between(prng, 1, 100);
    host.stall_max = Milliseconds(OneOf(prng, {50, 50, 1000}));
  }
  if (on.memory && Coin(prng)) host.bad_allocation = Between(prng, 1, 100);
  if (on.memory && Coin(prng)) {
    host.drought = Between(prng, 1, 20);
    host.drought_for = Milliseconds(Between(prng, 1, 1500));
  }
  if (on.rings && Coin(prng)) host.receive_ring = Between(prng, 1, 64);
  if (on.rings && Coin(prng)) host.refuse = Between(prng, 1, 200);
  if (Coin(prng)) host.driver_holds = Microseconds(Between(prng, 1, 20000));
  // The clock in milliseconds wraps within the first seconds of most runs.
  if (prng.Chance(700)) {
    host.clock_offset = Time{kWrapUs} - s.start - Microseconds(Between(prng, 0, 5000000));
  } else {
    host.clock_offset = Microseconds(Between(prng, 0, 1u << 31));
  }
  if (on.deaths && Coin(prng)) DrawDeath(prng, host, s.faults_last);
  return host;
}

SideScenario DrawSide(Prng& prng, const Classes& on, uint32_t octets_max) {
  SideScenario side;
  side.octets = OneOf(prng, {0u, 1u, 100u, 5000u, 60000u, 200000u});
  if (side.octets > 1) side.octets = Between(prng, side.octets / 2, side.octets);
  side.octets = std::min(side.octets, octets_max);
  side.chunk = OneOf(prng, {1u, 7u, 100u, 1460u, 10000u, 100000u});
  // Single octets are slow to simulate.
  if (side.chunk < 100) side.octets = std::min(side.octets, side.chunk * 500);
  side.owned = prng.Chance(300);
  if (on.pauses && Coin(prng)) {
    side.pause = Between(prng, 10, 500);
    side.pause_for = Microseconds(Between(prng, 10, OneOf(prng, {20000u, 2000000u})));
  }
  if (on.pauses && prng.Chance(200)) side.stops_reading_after = Between(prng, 0, 100000);
  side.half_close = Coin(prng);
  if (on.rude && prng.Chance(300)) {
    side.end = Coin(prng) ? SideScenario::End::kClose : SideScenario::End::kAbort;
    side.end_after = Between(prng, 0, 20000);
  }
  if (on.meddling && Coin(prng)) side.meddle = Between(prng, 5, 400);
  return side;
}

// A later connection may take an earlier one's ports: TIME-WAIT and half-open peers on both sides.
void DrawReuse(Prng& prng, const Scenario& s, ConnectionScenario& c) {
  if (s.connections.empty() || !prng.Chance(250)) return;
  const size_t earlier = prng.Below(s.connections.size());
  const ConnectionScenario& old = s.connections[earlier];
  for (const ConnectionScenario& other : s.connections) {
    if (other.reuses == earlier) return;
  }
  if (old.kind == Kind::kSimultaneous || old.kind == Kind::kClosedPort || old.spare) return;
  c.reuses = earlier;
  c.from = old.from;
  c.to = old.to;
  c.v4 = old.v4;
  c.kind = old.kind;
}

ConnectionScenario DrawConnection(Prng& prng, const Classes& on, const Scenario& s,
                                  uint32_t octets_max) {
  ConnectionScenario c;
  c.from = prng.Below(s.hosts.size());
  c.to = (c.from + 1 + prng.Below(s.hosts.size() - 1)) % s.hosts.size();
  c.v4 = s.v4 && (!s.v6 || Coin(prng));
  c.kind = OneOf(
      prng, {Kind::kStreams, Kind::kStreams, Kind::kStreams, Kind::kEcho, Kind::kSimultaneous});
  if (prng.Chance(30)) c.kind = Kind::kClosedPort;
  c.opens_at = Milliseconds(s.connections.empty() ? 0 : Between(prng, 0, 3000));
  c.opens_later = Microseconds(prng.Chance(300) ? 0 : Between(prng, 0, 100000));
  c.spare = !s.connections.empty() && c.kind != Kind::kSimultaneous && on.meddling && Coin(prng);
  c.sides[0] = DrawSide(prng, on, octets_max);
  c.sides[1] = DrawSide(prng, on, octets_max);
  // Somebody has to begin.
  if (!c.sides[0].half_close && !c.sides[1].half_close) c.sides[0].half_close = true;
  if (!c.spare) DrawReuse(prng, s, c);
  if (c.kind == Kind::kEcho) {
    c.sides[0].half_close = true;
    c.sides[1].octets = 0;
    c.sides[1].owned = false;
    c.sides[1].half_close = false;
  }
  return c;
}

void DrawNetwork(Prng& prng, const Classes& on, Scenario& s) {
  NetworkScenario& n = s.network;
  n.router = s.hosts.size() > 2 ? prng.Chance(700) : Coin(prng);
  n.unreachable = on.errors && Coin(prng);
  if (on.errors) n.forged_errors = Between(prng, 1, 200);
  n.old_router = s.v4 && !s.v6 && prng.Chance(200);
  n.tells_mtu = prng.Chance(800);
  n.stays_narrow = n.tells_mtu && s.seed % 2 == 0;
  if (!on.mtu || !n.router) return;
  for (size_t h = 0; h < s.hosts.size(); ++h) {
    for (uint32_t changes = Between(prng, 0, 3); changes != 0; --changes) {
      const uint16_t low = s.v6 ? kMtuMinV6 : 576;
      n.mtu_changes.push_back({Microseconds(static_cast<int64_t>(prng.Below(
                                   static_cast<uint64_t>(std::max<int64_t>(s.faults_last.us, 1))))),
                               h, static_cast<uint16_t>(Between(prng, low, 1500))});
    }
  }
}

// Drawn by itself: what older seeds draw stays.
void DrawFastOpen(Scenario& s) {
  Prng prng(s.seed * 7 + 3);
  if (!prng.Chance(300)) return;
  for (HostScenario& host : s.hosts) {
    host.tcp.fast_open = prng.Chance(800);
    host.tcp.fast_open_pending = OneOf(prng, {1u, 2u, 256u});
  }
}

// What follows from the whole for each host.
void Settle(Scenario& s, const Classes& on) {
  bool for_ever = false;
  bool deaths = false;
  for (const HostScenario& host : s.hosts) {
    deaths = deaths || host.death;
    for_ever = for_ever || (host.death && !host.death->down_for);
  }
  for (HostScenario& host : s.hosts) {
    // A lost RST leaves a peer that waits for ever, unless it asks.
    host.tcp.keep_alive = host.tcp.keep_alive || on.rude || on.meddling || deaths;
    if (!for_ever) continue;
    // Whoever talks to a host that stays away has to give up some day, but not for the faults.
    host.tcp.rto_max_ms = 4000;
    host.tcp.retries2 = host.tcp.orphan_retries = 20;
  }
}

}  // namespace

Scenario DrawScenario(uint64_t seed) {
  Prng prng(seed);
  Scenario s;
  s.seed = seed;
  s.v6 = prng.Chance(600);
  s.v4 = !s.v6 || prng.Chance(500);
  const Classes on(prng);
  s.faults_last = Milliseconds(prng.Chance(150) ? 0 : Between(prng, 10, 20000));
  s.start = Time{int64_t{1} << 40};
  const size_t hosts = OneOf<size_t>(prng, {2, 2, 3, 3, 4, 5});
  for (size_t h = 0; h < hosts; ++h) s.hosts.push_back(DrawHost(prng, on, s));
  DrawNetwork(prng, on, s);
  s.iss_near_wrap = Coin(prng);
  const uint32_t count = OneOf(prng, {1u, 2u, 3u, 6u, 10u});
  for (uint32_t i = 0; i < count; ++i) {
    s.connections.push_back(DrawConnection(prng, on, s, kOctetsMax / count));
  }
  DrawFastOpen(s);
  Settle(s, on);
  return s;
}

}  // namespace weir::sim
