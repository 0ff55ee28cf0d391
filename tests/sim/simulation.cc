// The loop over events and turns, and what must be true at its end.
#include "sim/simulation.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "base/check.h"
#include "sim/host.h"

namespace weir::sim {
namespace {

using Kind = ConnectionScenario::Kind;

// After the faults: retransmission timers that have backed off, then TIME-WAIT, then slow links.
constexpr Duration kLivenessLimit = Seconds(3600);
constexpr uint64_t kTurnsMax = 3000000;
constexpr Duration kConnectAgain = Milliseconds(100);
// No frame lives so long in these networks (RFC 9293 3.4.2): after it, ports may be taken again
// even though nobody remembers their last connection.
constexpr Duration kQuietTime = Seconds(15);

class Simulation {
 public:
  Simulation(const Scenario& scenario, bool verbose)
      : scenario_(scenario), world_(scenario_, verbose) {
    for (size_t h = 0; h < scenario_.hosts.size(); ++h) hosts_.emplace_back(h, world_);
  }

  Result Run() {
    Begin();
    const Time limit = scenario_.faults_end() + kLivenessLimit;
    while (world_.report.ok() && !Finished()) {
      if (world_.now > limit || turns() > kTurnsMax) {
        world_.report.Fail("not finished in time");
        break;
      }
      if (!Step() && !EndUnheard()) {
        world_.report.Fail("not finished, and nothing is due any more");
      }
    }
    if (world_.report.ok()) CheckEnd();
    if (!world_.report.ok()) Describe();
    uint64_t frames = 0;
    for (const Host& host : hosts_) frames += host.frames();
    return {world_.report.ok(),
            world_.report.failures(),
            world_.report.hash(),
            frames,
            turns(),
            world_.network.errors_sent(),
            world_.now - scenario_.start,
            scenario_.ToString()};
  }

  // Goes on until both ends of the first connection have shown their ISS; for the aim at the wrap.
  void RunToIss(std::optional<Seq> (&iss)[2]) {
    Begin();
    for (int step = 0; step < 10000 && (!iss[0] || !iss[1]); ++step) {
      if (!Step()) break;
      for (size_t end = 0; end < 2; ++end) iss[end] = world_.wire.iss({0, end});
    }
  }

 private:
  uint64_t turns() const {
    uint64_t sum = 0;
    for (const Host& host : hosts_) sum += host.turns();
    return sum;
  }

  void Begin() {
    for (size_t h = 0; h < hosts_.size(); ++h) {
      if (scenario_.hosts[h].absent) continue;
      Host& host = hosts_[h];
      host.application().SetMeans(
          {[&host](Connection c) { return host.Identify(c); }, [this, h] { OpenSpare(h); }});
      host.Start();
      if (scenario_.hosts[h].death) PlanDeath(h, *scenario_.hosts[h].death);
    }
    for (const MtuChange& change : scenario_.network.mtu_changes) {
      At(change.at, change.host,
         [this, change] { world_.network.SetMtu(change.host, change.mtu); });
    }
    if (!scenario_.network.stays_narrow) {
      for (size_t h = 0; h < hosts_.size(); ++h) {
        At(scenario_.faults_last, h, [this, h] { world_.network.SetMtu(h, UINT16_MAX); });
      }
    }
    for (size_t i = 0; i < scenario_.connections.size(); ++i) PlanConnection(i);
  }

  void At(Duration after_start, size_t host, std::function<void()> action) {
    world_.events.Add(scenario_.start + after_start, host, std::move(action));
  }

  // --- lives of hosts ---

  void PlanDeath(size_t h, const Death& death) {
    At(death.at, h, [this, h, death] {
      hosts_[h].Die();
      world_.network.SetDead(h, true);
      if (!death.down_for) return CancelAll(h);
      world_.events.Add(world_.now + *death.down_for, h, [this, h] {
        world_.network.SetDead(h, false);
        hosts_[h].Start();
      });
    });
  }

  // A host that does not come back opens nothing any more.
  void CancelAll(size_t h) {
    for (Side& side : world_.ledger.sides()) {
      if (side.host == h && !side.over()) side.cancelled = true;
    }
  }

  // --- connections ---

  void PlanConnection(size_t i) {
    const ConnectionScenario& c = scenario_.connections[i];
    Side& opener = world_.ledger.side({i, 0});
    Side& other = world_.ledger.side({i, 1});
    if (c.absent) {
      opener.cancelled = other.cancelled = true;
      return;
    }
    if (c.spare) {
      // If no callback has opened it.
      At(std::max(c.opens_at, scenario_.faults_last), c.from, [this, &opener] { Open(opener); });
      return;
    }
    At(c.opens_at, c.from, [this, &opener] { Open(opener); });
    if (c.kind == Kind::kSimultaneous) {
      At(c.opens_at + c.opens_later, c.to, [this, &other] { Open(other); });
    }
  }

  void Open(Side& side) {
    if (side.over() || side.connected) return;
    if (hosts_[side.host].alive() && PortsAreFree(side) && hosts_[side.host].Connect(side)) return;
    world_.events.Add(world_.now + kConnectAgain, side.host, [this, &side] { Open(side); });
  }

  void OpenSpare(size_t host) {
    for (Side& side : world_.ledger.sides()) {
      const ConnectionScenario& c = scenario_.connections[side.stream.connection];
      if (!c.spare || side.stream.end != 0 || side.host != host || side.connected || side.over()) {
        continue;
      }
      // May find no memory, or a host that is dead: the end of the faults tries again.
      hosts_[host].Connect(side);
      return;
    }
  }

  // Ports may be used again at once after a normal end, since whoever closed first remembers it.
  bool PortsAreFree(const Side& side) const {
    const auto earlier = scenario_.connections[side.stream.connection].reuses;
    if (!earlier) return true;
    const Side& opener = world_.ledger.side(*earlier, 0);
    const Side& other = world_.ledger.side(*earlier, 1);
    if (!opener.over()) return false;
    const bool normal = opener.closed && opener.reason == CloseReason::kNormal && !opener.rude &&
                        !opener.lost && other.closed && other.reason == CloseReason::kNormal &&
                        !other.rude && !other.lost;
    return normal || world_.now >= std::max(opener.ended_at, other.ended_at) + kQuietTime;
  }

  // --- the loop ---

  // False when nothing will ever happen any more.
  bool Step() {
    Time next = Host::kNever;
    for (const Host& host : hosts_) next = std::min(next, host.wake_at());
    if (!world_.events.empty()) next = std::min(next, world_.events.next());
    if (next == Host::kNever) return false;
    world_.now = std::max(world_.now, next);
    while (!world_.events.empty() && world_.events.next() <= world_.now) Take(world_.events.Pop());
    for (Host& host : hosts_) {
      if (host.wake_at() <= world_.now) host.Turn();
    }
    return true;
  }

  // Openers whose listener has forgotten them wait for as long as they have patience. False if
  // nobody waits so.
  bool EndUnheard() {
    bool found = false;
    for (size_t i = 0; i < scenario_.connections.size(); ++i) {
      Side& opener = world_.ledger.side({i, 0});
      if (!opener.opened || opener.over() || opener.rude || !Unheard(i)) continue;
      hosts_[opener.host].application().LosePatience(opener);
      hosts_[opener.host].Wake(world_.now);
      found = true;
    }
    return found;
  }

  // Every ACK of the handshake was lost and no text followed: the listener has sent a cookie, or
  // has given up early because its backlog was half full.
  bool Unheard(size_t i) const {
    const Side& opener = world_.ledger.side(i, 0);
    const Side& other = world_.ledger.side(i, 1);
    const size_t backlog = scenario_.hosts[other.host].tcp.syn_backlog;
    return !other.opened && opener.sent == 0 && backlog < 2 * scenario_.connections.size();
  }

  void Take(Event event) {
    Host& host = hosts_[event.place.host];
    if (event.frame.empty()) {
      event.action();
    } else if (event.place.network) {
      return world_.network.Arrive(event.place.host, std::move(event.frame), world_.now);
    } else {
      host.Receive(std::move(event.frame));
    }
    host.Wake(world_.now);
  }

  bool Finished() const {
    for (const Side& side : world_.ledger.sides()) {
      const bool opens = side.stream.end == 0 ||
                         scenario_.connections[side.stream.connection].kind == Kind::kSimultaneous;
      if (opens && !side.connected && !side.over()) return false;
    }
    return world_.events.empty() &&
           std::all_of(hosts_.begin(), hosts_.end(), [](const Host& h) { return h.idle(); });
  }

  void Describe() {
    for (const Side& side : world_.ledger.sides()) {
      if (!side.cancelled) world_.report.Fail("  " + side.ToString());
    }
  }

  // --- the end ---

  void CheckEnd() {
    for (Host& host : hosts_) host.CheckEmpty();
    for (size_t i = 0; i < scenario_.connections.size(); ++i) CheckConnection(i);
  }

  // Whoever was polite to a polite peer that lived got everything through, and was told so.
  void CheckConnection(size_t i) {
    const Side& opener = world_.ledger.side(i, 0);
    const Side& other = world_.ledger.side(i, 1);
    const auto fail = [&](const char* what) {
      world_.report.Fail("connection " + std::to_string(i) + ": " + what);
    };
    for (const Side* side : {&opener, &other}) {
      if ((side->connected || side->opened) && !side->over()) {
        fail("an application was never told of the end");
      }
    }
    if (opener.received > other.sent || other.received > opener.sent) {
      fail("more was received than sent");
    }
    const bool cut = opener.lost || other.lost || opener.cancelled || other.cancelled;
    if (opener.rude || other.rude || cut) return;
    const Kind kind = scenario_.connections[i].kind;
    const bool refused = opener.reason == CloseReason::kRefused;
    if (kind == Kind::kClosedPort) {
      if (opener.opened || !refused) fail("a closed port did not refuse");
      return;
    }
    // Whoever came too early for the other's own SYN was refused.
    if (kind == Kind::kSimultaneous && !opener.opened && !other.opened) return;
    if (Unheard(i)) return;
    // The listener died before it heard of it.
    if (!other.opened && scenario_.hosts[other.host].death) return;
    CheckComplete(opener, other, fail);
  }

  // A host that has died, or given the ports to another connection (RFC 6191), cannot acknowledge
  // the other's FIN again.
  bool TimeWaitWasCut(const Side& side, size_t peer) const {
    const auto death = hosts_[peer].died_at();
    if (death && *death <= side.ended_at) return true;
    for (size_t i = 0; i < scenario_.connections.size(); ++i) {
      const Side& later = world_.ledger.side(i, 0);
      if (scenario_.connections[i].reuses == side.stream.connection && later.connected &&
          later.connected_at <= side.ended_at) {
        return true;
      }
    }
    return false;
  }

  template <class F>
  void CheckComplete(const Side& opener, const Side& other, F fail) {
    if (other.received != opener.sent || opener.received != other.sent) {
      fail("not everything arrived");
    }
    for (const Side* side : {&opener, &other}) {
      const bool echoes = side->kind == Kind::kEcho && side->stream.end == 1;
      if (!echoes && side->sent != side->plan.octets && !side->shut_early) {
        fail("not everything was sent");
      }
      const size_t peer = side == &opener ? other.host : opener.host;
      if (side->reason != CloseReason::kNormal && !TimeWaitWasCut(*side, peer)) {
        fail("the end was not a normal one");
      }
    }
  }

  Scenario scenario_;
  World world_;
  std::deque<Host> hosts_;
};

// The ISS follows the clock (RFC 9293 3.4.1), one step in 4 us: what it is at one time tells when
// it would be just under 2^32.
void AimAtWrap(Scenario& scenario) {
  if (scenario.connections[0].absent) return;
  std::optional<Seq> iss[2];
  Scenario quiet = scenario;
  quiet.faults_last = {};
  for (HostScenario& host : quiet.hosts) host.death.reset();
  Simulation(quiet, false).RunToIss(iss);
  for (size_t end = 0; end < 2; ++end) {
    if (!iss[end]) continue;
    const uint32_t below = 1 + static_cast<uint32_t>(scenario.seed * 2654435761u >> 8) % 20000;
    const uint32_t ticks = 0u - below - iss[end]->value;
    const ConnectionScenario& first = scenario.connections[0];
    HostScenario& host = scenario.hosts[end == 0 ? first.from : first.to];
    host.clock_offset = host.clock_offset + Microseconds(int64_t{ticks} * 4);
  }
}

}  // namespace

Scenario MakeScenario(uint64_t seed, const Changes& changes) {
  Scenario scenario = DrawScenario(seed);
  WEIR_CHECK(Apply(changes, scenario));
  return scenario;
}

Result RunSeed(uint64_t seed, const Changes& changes, bool verbose) {
  Scenario scenario = MakeScenario(seed, changes);
  if (scenario.iss_near_wrap) AimAtWrap(scenario);
  return Simulation(scenario, verbose).Run();
}

}  // namespace weir::sim
