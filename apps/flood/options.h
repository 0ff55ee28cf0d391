// Options: what one run of weir-flood is told to do, checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "flood/criteria.h"
#include "flood/interfaces.h"
#include "flood/modes.h"
#include "flood/pacer.h"
#include "flood/prefix.h"
#include "flood/rate.h"
#include "ip/config.h"
#include "weir/address.h"

namespace weir::flood {

struct Options {
  std::string device;  // a --vdev string, or a PCI address
  Endpoint target;
  std::vector<ip::Prefix> addresses;  // our own, all of the target's family
  Prefix sources;                     // of the flood, of the target's family
  std::vector<Mode> modes;
  std::vector<RateSpec> rates;
  Pacer::Pulse pulse;
  double rate_cap = 0;    // frames per second
  double duration_s = 0;  // the whole run
  double step_s = 0;
  double baseline_s = 0;
  double recovery_s = 0;
  bool capacity_search = false;
  double capacity = 0;  // SYNs per second; 0 = not given
  double legit_rate = 0;
  bool poisson = false;
  uint32_t request_size = 0;
  uint32_t deadline_ms = 0;
  uint32_t established = 0;
  double established_rate = 0;
  uint32_t peers = 0;
  std::vector<Criterion> criteria;
  std::string json, svg;  // files; empty = none
  int core = -1;          // -1: the last that may be used
  uint32_t memory_mb = 0;
  bool huge_pages = false;
  std::string file_prefix;
  double link_wait_s = 0;
  uint64_t seed = 0;  // 0 = drawn
  bool i_control_this_lab = false;
  bool allow_physical = false;
  std::vector<Prefix> allow_target;
};

// "10/30" milliseconds; "" = always on.
absl::StatusOr<Pacer::Pulse> ParsePulse(std::string_view text);
// Our addresses: ADDRESS/BITS; those of the other family are left out.
absl::StatusOr<std::vector<ip::Prefix>> ParseAddresses(const std::vector<std::string>& list,
                                                       bool v4);

// Ranges, and what must fit together; the interlocks too.
absl::Status CheckOptions(const Options& options, const Interfaces& interfaces);

// Seconds that the phases take, without searching and waiting.
double PlannedSeconds(const Options& options);
// The plan in words, for --check.
std::string DescribePlan(const Options& options);

}  // namespace weir::flood
