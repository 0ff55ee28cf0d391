// A device that takes SYN rules, for tests: rte_flow of the drivers at hand refuses them all. While
// a GrantingFlows lives, calls of rte_flow end in it; otherwise in DPDK.
#pragma once

#include <cstdint>
#include <vector>

namespace weir::port {

// One at a time.
class GrantingFlows {
 public:
  GrantingFlows();
  ~GrantingFlows();
  GrantingFlows(const GrantingFlows&) = delete;
  GrantingFlows& operator=(const GrantingFlows&) = delete;

  struct Rule {
    uint16_t port = 0;
    bool v4 = false;
    std::vector<uint16_t> queues;
  };
  std::vector<Rule> validated, created;
  unsigned destroyed = 0;
  unsigned create_refused_from = ~0u;  // creations before the first that fails
};

}  // namespace weir::port
