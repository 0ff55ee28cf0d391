// What the counters say, as text.
#pragma once

#include <ctime>
#include <span>
#include <string>
#include <string_view>

#include "base/counters.h"
#include "port/device.h"
#include "tcp/engine.h"

namespace weir::runtime {

// A listener as one worker has it.
struct ListenerLine {
  unsigned worker = 0;
  std::string name;  // "198.18.0.2:7", or "*:7" for all addresses
  bool open = true;
  tcp::SynState state = tcp::SynState::kNormal;
  bool shedding = false;  // memory is short: all listeners of the worker drop new SYNs
  uint32_t half_open = 0;
  uint32_t waiting = 0;      // to be accepted
  uint32_t connections = 0;  // TIME-WAIT aside
  tcp::ListenerCounts counts;
};

// "report: time=2026-07-01T12:00:00Z uptime_s=3600.5": when what follows was read, in UTC.
std::string ReportTime(std::time_t now, double uptime_s);

// One line for each counter that is not 0 anywhere: name, total, each worker's where there are
// several, sentence.
std::string CountersReport(std::span<const Counters> workers);

// One line for each listener of each worker: its state, what it holds and what it has seen.
std::string ListenersReport(std::span<const ListenerLine> lines);

// The device's own counts, on one line; nothing is said of those that are 0.
std::string DeviceReport(std::string_view port, const port::DeviceStats& stats);

// Memory that should all have come back by the end.
struct Leaks {
  uint64_t connections = 0;  // TIME-WAIT aside: those end by time alone
  uint64_t flights = 0;
  uint64_t kept_buffers = 0;
  uint64_t packets = 0;
  uint64_t time_wait = 0;
};
// "leaks: connections=0 flights=0 kept_buffers=0 packets=0 time_wait=12": scripts read it.
std::string LeakReport(const Leaks& leaks);

}  // namespace weir::runtime
