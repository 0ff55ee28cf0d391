// The table of changes and what each does to a scenario.
#include "sim/changes.h"

#include <algorithm>
#include <charconv>

namespace weir::sim {
namespace {

constexpr std::string_view kOff = "=off";
constexpr uint64_t kDivisorMax = 1u << 17;  // leaves nothing of the longest stream

struct Switch {
  std::string_view name;
  std::string_view what;
  void (*off)(Scenario&);
};

template <class F>
void ForLinks(Scenario& s, F f) {
  for (HostScenario& host : s.hosts) {
    f(host.up);
    f(host.down);
  }
}

template <class F>
void ForHosts(Scenario& s, F f) {
  for (HostScenario& host : s.hosts) f(host);
}

template <class F>
void ForSides(Scenario& s, F f) {
  for (ConnectionScenario& c : s.connections) {
    f(c.sides[0]);
    f(c.sides[1]);
  }
}

const Switch kSwitches[] = {
    {"loss", "single frames are lost",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.loss = 0; }); }},
    {"burst", "bursts of frames are lost",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.burst_begin = 0; }); }},
    {"jitter", "delays vary", [](Scenario& s) { ForLinks(s, [](Faults& f) { f.jitter = {}; }); }},
    {"reorder", "frames are overtaken",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.reorder = 0; }); }},
    {"duplicate", "frames come twice",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.duplicate = 0; }); }},
    {"corrupt", "octets are changed",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.corrupt = 0; }); }},
    {"rate", "links have a rate and a queue",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.octets_per_s = 0; }); }},
    {"delay", "links are slow",
     [](Scenario& s) { ForLinks(s, [](Faults& f) { f.delay = Microseconds(10); }); }},
    {"mtu", "the path's MTU changes", [](Scenario& s) { s.network.mtu_changes.clear(); }},
    {"errors", "ICMP errors that nobody meant",
     [](Scenario& s) {
       s.network.forged_errors = 0;
       s.network.unreachable = false;
     }},
    {"router", "hosts are in networks of their own",
     [](Scenario& s) {
       s.network.router = false;
       s.network.mtu_changes.clear();
     }},
    {"deaths", "hosts die and come back",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.death.reset(); }); }},
    {"fast-open", "text goes with the SYN",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.tcp.fast_open = false; }); }},
    {"stall", "turns come late",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.stall = 0; }); }},
    {"poll", "frames wait for a turn",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.poll = {}; }); }},
    {"allocation", "single allocations fail",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.bad_allocation = 0; }); }},
    {"drought", "all allocations fail for a while",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.drought = 0; }); }},
    {"receive-ring", "the receive ring overflows",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.receive_ring = 0; }); }},
    {"refuse", "the transmit ring refuses frames",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.refuse = 0; }); }},
    {"hold", "the driver keeps sent buffers",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.driver_holds = {}; }); }},
    {"offload", "devices make and check checksums",
     [](Scenario& s) {
       ForHosts(s, [](HostScenario& h) { h.tx_offload = h.rx_offload = false; });
     }},
    {"clock", "clocks are near their wrap",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.clock_offset = {}; }); }},
    {"wrap", "sequence numbers are near their wrap", [](Scenario& s) { s.iss_near_wrap = false; }},
    {"tiny", "small buffers, windows and segments",
     [](Scenario& s) {
       ForHosts(s, [](HostScenario& h) {
         const tcp::TcpConfig plain;
         h.mtu = 1500;
         h.tcp.mss = plain.mss;
         h.tcp.window_scale = plain.window_scale;
         h.tcp.send_buffer = h.tcp.receive_buffer = 65535;
         h.tcp.syn_backlog = plain.syn_backlog;
         h.tcp.out_of_order_segments = plain.out_of_order_segments;
         h.tcp.initial_window_segments = plain.initial_window_segments;
       });
     }},
    {"timestamps", "RFC 7323 timestamps",
     [](Scenario& s) { ForHosts(s, [](HostScenario& h) { h.tcp.timestamps = false; }); }},
    {"pause", "applications stop reading",
     [](Scenario& s) {
       ForSides(s, [](SideScenario& side) {
         side.pause = 0;
         side.stops_reading_after.reset();
       });
     }},
    {"rude", "applications close early or abort",
     [](Scenario& s) {
       ForSides(s, [](SideScenario& side) { side.end = SideScenario::End::kGraceful; });
     }},
    {"meddling", "applications call anything at random",
     [](Scenario& s) { ForSides(s, [](SideScenario& side) { side.meddle = 0; }); }},
    {"owned", "applications lend their memory",
     [](Scenario& s) { ForSides(s, [](SideScenario& side) { side.owned = false; }); }},
    {"reuse", "connections take the ports of earlier ones",
     [](Scenario& s) {
       for (ConnectionScenario& c : s.connections) c.reuses.reset();
     }},
};

void TakeOut(Scenario& s, size_t connection) {
  s.connections[connection].absent = true;
  for (ConnectionScenario& c : s.connections) {
    if (c.reuses == connection) c.reuses.reset();
  }
}

void TakeOutHost(Scenario& s, size_t host) {
  s.hosts[host].absent = true;
  for (size_t i = 0; i < s.connections.size(); ++i) {
    if (s.connections[i].from == host || s.connections[i].to == host) TakeOut(s, i);
  }
}

// The number behind "NAME=", or nothing.
std::optional<uint64_t> NumberOf(std::string_view change, std::string_view name) {
  if (!change.starts_with(name)) return std::nullopt;
  change.remove_prefix(name.size());
  if (!change.starts_with("=")) return std::nullopt;
  change.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(change.data(), change.data() + change.size(), number);
  if (error != std::errc() || end != change.data() + change.size()) return std::nullopt;
  return number;
}

bool ApplyOne(std::string_view change, Scenario& s) {
  for (const Switch& one : kSwitches) {
    if (change.starts_with(one.name) && change.substr(one.name.size()) == kOff) {
      one.off(s);
      return true;
    }
  }
  if (const auto divisor = NumberOf(change, "octets"); divisor && *divisor != 0) {
    ForSides(s, [divisor](SideScenario& side) {
      side.octets = static_cast<uint32_t>(side.octets / *divisor);
      side.end_after = static_cast<uint32_t>(side.end_after / *divisor);
      if (side.stops_reading_after) {
        side.stops_reading_after = static_cast<uint32_t>(*side.stops_reading_after / *divisor);
      }
    });
    return true;
  }
  if (const auto ms = NumberOf(change, "faults-ms")) {
    s.faults_last = std::min(s.faults_last, Milliseconds(static_cast<int64_t>(*ms)));
    return true;
  }
  if (const auto i = NumberOf(change, "without"); i && *i < s.connections.size()) {
    TakeOut(s, *i);
    return true;
  }
  if (const auto h = NumberOf(change, "without-host"); h && *h < s.hosts.size()) {
    TakeOutHost(s, *h);
    return true;
  }
  return false;
}

// Every change that would make the scenario smaller still.
std::vector<std::string> Steps(uint64_t seed, const Changes& changes) {
  Scenario now = DrawScenario(seed);
  if (!Apply(changes, now)) return {};
  std::vector<std::string> steps;
  for (size_t h = 0; h < now.hosts.size(); ++h) {
    if (!now.hosts[h].absent) steps.push_back("without-host=" + std::to_string(h));
  }
  for (size_t i = 0; i < now.connections.size(); ++i) {
    if (!now.connections[i].absent) steps.push_back("without=" + std::to_string(i));
  }
  for (const Switch& one : kSwitches) steps.push_back(std::string(one.name) + std::string(kOff));
  uint64_t divisor = 1;
  for (const std::string& change : changes) divisor = NumberOf(change, "octets").value_or(divisor);
  if (divisor < kDivisorMax) steps.push_back("octets=" + std::to_string(divisor * 2));
  if (now.faults_last >= Milliseconds(2)) {
    steps.push_back("faults-ms=" + std::to_string(now.faults_last.us / 2000));
  }
  return steps;
}

// What is written as a number stands there once; the smaller one takes its place.
Changes With(Changes changes, const std::string& change) {
  for (const std::string_view name : {"octets", "faults-ms"}) {
    if (!NumberOf(change, name)) continue;
    std::erase_if(changes, [name](const std::string& c) { return NumberOf(c, name).has_value(); });
  }
  changes.push_back(change);
  return changes;
}

}  // namespace

Changes ParseChanges(std::string_view text) {
  Changes changes;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    changes.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return changes;
}

std::string ChangesText(const Changes& changes) {
  std::string text;
  for (const std::string& change : changes) text += (text.empty() ? "" : ",") + change;
  return text;
}

bool Apply(const Changes& changes, Scenario& scenario) {
  for (const std::string& change : changes) {
    if (!ApplyOne(change, scenario)) return false;
  }
  return true;
}

std::string ChangesUsage() {
  std::string text;
  for (const Switch& one : kSwitches) {
    text += "  " + std::string(one.name) + std::string(kOff);
    text.append(one.name.size() < 14 ? 14 - one.name.size() : 1, ' ');
    text += "without: " + std::string(one.what) + "\n";
  }
  return text +
         "  octets=N          every connection carries an N-th\n"
         "  faults-ms=N       faults end after N milliseconds at the latest\n"
         "  without=N         without connection N\n"
         "  without-host=N    without host N and its connections\n";
}

Changes Shrink(uint64_t seed, Changes changes, const std::function<bool(const Changes&)>& fails,
               unsigned attempts_max) {
  unsigned attempts = 0;
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const std::string& step : Steps(seed, changes)) {
      if (std::find(changes.begin(), changes.end(), step) != changes.end()) continue;
      Changes candidate = With(changes, step);
      if (attempts++ == attempts_max) return changes;
      if (!fails(candidate)) continue;
      changes = std::move(candidate);
      smaller = true;
    }
  }
  return changes;
}

}  // namespace weir::sim
