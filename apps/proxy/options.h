// What weir-proxy is told by its flags, checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proxy/upstreams.h"
#include "weir/address.h"

namespace weir::proxy {

struct ProxyOptions {
  std::vector<Endpoint> upstreams;
  Balance balance = Balance::kLeastConnections;
  Thresholds thresholds;
  uint32_t connections = 16384;        // at a time, for each worker
  uint32_t connect_timeout_ms = 2000;  // for one upstream
  uint32_t idle_timeout_ms = 300'000;  // 0: none
  uint32_t health_interval_ms = 2000;  // 0: no checks, and no upstream is ever taken for down
};

// InvalidArgument names what is wrong with a list of ADDRESS:PORT: an entry, a double, none at all
// or too many.
absl::StatusOr<std::vector<Endpoint>> ParseUpstreams(const std::vector<std::string>& list);

// "least-connections" or "hash".
absl::StatusOr<Balance> ParseBalance(std::string_view name);

}  // namespace weir::proxy
