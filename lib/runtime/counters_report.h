// What the counters say, as text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/counters.h"
#include "port/device.h"

namespace weir::runtime {

// One line for each counter that is not 0 anywhere: name, total, each worker's where there are
// several, sentence.
std::string CountersReport(std::span<const Counters> workers);

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
