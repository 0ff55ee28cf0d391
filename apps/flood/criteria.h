// Criteria: what a run must reach to pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "flood/results.h"

namespace weir::flood {

// "first_syn>=0.999", or "first_syn>=0.999@90%": in steps of at most that rate.
struct Criterion {
  std::string metric;
  bool at_least = true;
  double bound = 0;
  double upto = 0;  // 0 = every step of the flood
  bool upto_percent = false;

  std::string ToString() const;
};

// Values of one step by which it can be judged; nothing where it has none (no connections, no
// baseline to compare with). The names:
//   first_syn, success, success_1s      shares of the attempts, 0 to 1
//   goodput                             of established flows, a share of the baseline's
//   resets                              established flows that ended
//   corrupt                             answers that were not the request
//   connect_p99_us, answer_p99_us, established_p99_us
//   answer_p99_ratio                    to the baseline's
//   amplification, frame_amplification  octets, frames of answers to those of the flood
//   syn_ack_repeats, forged, replays    counts
//   recovery_s                          of the whole run
std::optional<double> MetricOf(std::string_view metric, const Step& step, const Results& results);
const std::vector<std::string>& MetricNames();

absl::StatusOr<Criterion> ParseCriterion(std::string_view text);

struct Verdict {
  Criterion criterion;
  bool passed = false;
  bool judged = true;  // not where a step is INVALID that it concerns
  std::string why;     // the worst step, or what is missing
};

// A criterion that no step can be judged by has failed.
std::vector<Verdict> Judge(const std::vector<Criterion>& criteria, const Results& results);

}  // namespace weir::flood
