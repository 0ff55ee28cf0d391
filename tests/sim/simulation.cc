// The loop over events and turns, and what must be true at its end.
#include "sim/simulation.h"

#include <algorithm>

#include "sim/stream.h"

namespace weir::sim {
namespace {

// After the faults: retransmission timers that have backed off, then TIME-WAIT, then slow links.
constexpr Duration kLivenessLimit = Seconds(1800);
constexpr uint64_t kTurnsMax = 2000000;
constexpr Duration kConnectAgain = Milliseconds(100);

class Simulation {
 public:
  Simulation(const Scenario& scenario, bool verbose)
      : scenario_(scenario),
        now_(scenario.start),
        wire_(report_, scenario.mtu),
        hosts_{Host(0, scenario, now_, events_, report_, wire_, verbose),
               Host(1, scenario, now_, events_, report_, wire_, verbose)},
        links_{Link(scenario.faults[0], FaultsEnd(), scenario.seed * 5, 1, events_),
               Link(scenario.faults[1], FaultsEnd(), scenario.seed * 5 + 1, 0, events_)} {}

  Result Run() {
    Begin();
    const Time limit = FaultsEnd() + kLivenessLimit;
    while (report_.ok() && !Finished()) {
      if (now_ > limit || hosts_[0].turns() + hosts_[1].turns() > kTurnsMax) {
        report_.Fail("not finished in time");
        Describe();
        break;
      }
      Step();
    }
    if (report_.ok()) CheckEnd();
    return {report_.ok(),
            report_.failures(),
            report_.hash(),
            hosts_[0].counters()[Counter::kTxFrames] + hosts_[1].counters()[Counter::kTxFrames],
            hosts_[0].turns() + hosts_[1].turns(),
            now_ - scenario_.start,
            scenario_.ToString()};
  }

  // Goes on until both hosts have shown their first connection's ISS; for the aim at the wrap.
  bool RunToIss(std::optional<Seq> (&iss)[2]) {
    Begin();
    for (int step = 0; step < 10000 && (!wire_.iss(0) || !wire_.iss(1)); ++step) Step();
    iss[0] = wire_.iss(0);
    iss[1] = wire_.iss(1);
    return iss[0] && iss[1];
  }

 private:
  Time FaultsEnd() const { return scenario_.start + scenario_.faults_last; }

  void Begin() {
    for (Host& host : hosts_) host.Start();
    hosts_[1].Listen();
    for (size_t i = 0; i < scenario_.connections.size(); ++i) {
      events_.Add(now_ + scenario_.connections[i].opens_at, 0, [this, i] { Connect(i); });
    }
  }

  void Connect(size_t i) {
    if (hosts_[0].Connect(i)) {
      ++connected_;
    } else {
      events_.Add(now_ + kConnectAgain, 0, [this, i] { Connect(i); });
    }
  }

  void Step() {
    Time next = std::min(hosts_[0].wake_at(), hosts_[1].wake_at());
    if (!events_.empty()) next = std::min(next, events_.next());
    now_ = std::max(now_, next);
    while (!events_.empty() && events_.next() <= now_) {
      Event event = events_.Pop();
      Host& host = hosts_[event.host];
      if (event.frame.empty()) {
        event.action();
      } else {
        host.Receive(std::move(event.frame));
      }
      host.Wake(now_);
    }
    for (int h = 0; h < 2; ++h) {
      if (hosts_[h].wake_at() <= now_) hosts_[h].Turn(links_[h]);
    }
  }

  bool Finished() const {
    return connected_ == scenario_.connections.size() && hosts_[0].idle() && hosts_[1].idle() &&
           events_.empty();
  }

  void Describe() {
    for (size_t i = 0; i < scenario_.connections.size(); ++i) {
      for (const Host& host : hosts_) report_.Fail("  " + host.application().ToString(i));
    }
  }

  void CheckEnd() {
    for (Host& host : hosts_) host.CheckEmpty();
    for (size_t i = 0; i < scenario_.connections.size(); ++i) CheckConnection(i);
    if (!report_.ok()) Describe();
  }

  // Whoever was polite to a polite peer got everything through, and was told so.
  void CheckConnection(size_t i) {
    const Application& client = hosts_[0].application();
    const Application& server = hosts_[1].application();
    const std::string name = "connection " + std::to_string(i) + ": ";
    if (!client.closed(i)) report_.Fail(name + "the client was never told of its end");
    if (server.opened(i) && !server.closed(i)) {
      report_.Fail(name + "the server was never told of its end");
    }
    if (client.received(i) > server.sent(i) || server.received(i) > client.sent(i)) {
      report_.Fail(name + "more was received than sent");
    }
    if (client.rude(i) || server.rude(i)) return;
    const ConnectionScenario& plan = scenario_.connections[i];
    if (server.received(i) != plan.client.octets || client.received(i) != plan.server.octets) {
      report_.Fail(name + "not everything arrived");
    }
    if (client.reason(i) != CloseReason::kNormal || server.reason(i) != CloseReason::kNormal) {
      report_.Fail(name + "the end was not a normal one");
    }
  }

  Scenario scenario_;
  Time now_;
  Report report_;
  EventQueue events_;
  WireChecker wire_;
  Host hosts_[2];
  Link links_[2];
  size_t connected_ = 0;
};

// The ISS follows the clock (RFC 9293 3.4.1), one step in 4 us: what it is at one time tells when
// it would be just under 2^32.
void AimAtWrap(Scenario& scenario) {
  std::optional<Seq> iss[2];
  Scenario quiet = scenario;
  quiet.faults_last = {};
  if (!Simulation(quiet, false).RunToIss(iss)) return;
  for (int h = 0; h < 2; ++h) {
    const uint32_t below = 1 + static_cast<uint32_t>(scenario.seed * 2654435761u >> 8) % 20000;
    const uint32_t ticks = 0u - below - iss[h]->value;
    HostScenario& host = scenario.hosts[h];
    host.clock_offset = host.clock_offset + Microseconds(int64_t{ticks} * 4);
  }
}

}  // namespace

Result RunSeed(uint64_t seed, bool verbose) {
  Scenario scenario = DrawScenario(seed);
  if (scenario.iss_near_wrap) AimAtWrap(scenario);
  return Simulation(scenario, verbose).Run();
}

}  // namespace weir::sim
