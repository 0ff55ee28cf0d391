// A pair of devices joined back to back by rings in one process: the fastest carrier there is, for
// tests and benchmarks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace weir::port {

// Makes two net_ring devices with `queues` queues each; what one sends on queue q the other
// receives on its queue q. Returns their device names for DeviceOptions. The rings live as long as
// the EAL.
absl::StatusOr<std::pair<std::string, std::string>> CreateRingPair(const std::string& name,
                                                                   unsigned queues,
                                                                   uint32_t places);

}  // namespace weir::port
