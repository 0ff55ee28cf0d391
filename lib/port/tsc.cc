// The TSC by way of DPDK.
#include "port/tsc.h"

#include <rte_cycles.h>

namespace weir::port {

uint64_t TscCycles() { return rte_rdtsc(); }
uint64_t TscHz() { return rte_get_tsc_hz(); }

}  // namespace weir::port
