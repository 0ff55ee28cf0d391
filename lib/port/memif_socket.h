// The socket file of a memif device, which outlives a process that was killed.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace weir::port {

// For a net_memif device that will listen (role=server): removes its socket
// file when nobody listens on it any more; else DPDK would find the address in use. Does nothing
// for any other device. An error: somebody does listen.
absl::Status RemoveStaleMemifSocket(const std::string& virtual_device);

}  // namespace weir::port
