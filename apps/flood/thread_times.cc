// /proc/thread-self/schedstat and /proc/stat.
#include "flood/thread_times.h"

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace weir::flood {

ThreadTimes ReadThreadTimes() {
  ThreadTimes times;
  uint64_t ran_ns = 0;
  std::ifstream("/proc/thread-self/schedstat") >> ran_ns >> times.waited_ns;
  const std::string core = "cpu" + std::to_string(sched_getcpu()) + " ";
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (line.compare(0, core.size(), core) != 0) continue;
    std::istringstream words(line.substr(core.size()));
    uint64_t ticks = 0;  // user nice system idle iowait irq softirq steal
    for (int i = 0; i < 8 && words >> ticks; ++i) continue;
    const long per_second = sysconf(_SC_CLK_TCK);
    if (words && per_second > 0) times.stolen_ms = ticks * 1000 / static_cast<uint64_t>(per_second);
  }
  return times;
}

}  // namespace weir::flood
