// What the kernel took from this thread and this core.
#pragma once

#include <cstdint>

namespace weir::flood {

struct ThreadTimes {
  uint64_t waited_ns = 0;  // that the calling thread was ready to run and did not run
  uint64_t stolen_ms = 0;  // that the hypervisor took from the core it runs on
};

// Since the start of the thread and of the machine; 0 where the kernel does not say.
ThreadTimes ReadThreadTimes();

}  // namespace weir::flood
