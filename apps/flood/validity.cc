// When figures mean nothing, and how long recovery took.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "flood/run.h"

namespace weir::flood {
namespace {

constexpr double kBusyMax = 0.9;
constexpr double kOffCoreMax = 0.01;
constexpr double kSkippedMax = 0.02;
constexpr double kLateMax = 0.01;
constexpr double kCeilingOverCapacity = 1.3;
constexpr double kRecovered = 0.999;

double Share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void JudgeStep(const Options& options, Step& step) {
  const auto invalid = [&step](std::string why) { step.invalid.push_back(std::move(why)); };
  const ClientCounts& client = step.client;
  if (const double busy = Share(client.busy_cycles, client.cycles); busy > kBusyMax) {
    invalid(absl::StrFormat("the client was busy for %.0f %% of the time", busy * 100));
  }
  const double off = (static_cast<double>(client.off_core_ns) / 1e9 +
                      static_cast<double>(client.stolen_ms) / 1e3) /
                     std::max(step.seconds, 1e-9);
  if (off > kOffCoreMax) {
    invalid(absl::StrFormat("the client's core was taken away for %.1f %% of the time", off * 100));
  }
  if (Share(step.flood.skipped, step.flood.frames + step.flood.skipped) > kSkippedMax) {
    invalid(absl::StrFormat("the client was too late for %u frames", step.flood.skipped));
  }
  if (step.rate > options.rate_cap) {
    invalid(absl::StrFormat("--rate-cap=%.0f is below the rate", options.rate_cap));
  }
  if (Share(step.legit.late, step.legit.attempts) > kLateMax) {
    invalid(absl::StrFormat("%u of %u connections were begun late", step.legit.late,
                            step.legit.attempts));
  }
  if (step.legit.not_begun > 0) {
    invalid(absl::StrFormat("%u connections could not be begun here", step.legit.not_begun));
  }
  if (client.rx_missed > 0) {
    invalid(absl::StrFormat("the client's device dropped %u frames", client.rx_missed));
  }
}

bool Recovered(const Interval& interval) {
  return static_cast<double>(interval.legit.answered) >=
         kRecovered * static_cast<double>(interval.legit.attempts);
}

}  // namespace

void JudgeValidity(const Options& options, Results& results) {
  for (Step& step : results.steps) {
    // The others are meant to find where something gives in.
    if (step.phase == "flood" || step.phase == "baseline" || step.phase == "recovery") {
      JudgeStep(options, step);
    }
  }
  if (results.capacity > 0 && results.carrier_ceiling > 0 &&
      results.carrier_ceiling < kCeilingOverCapacity * results.capacity) {
    results.invalid.push_back(absl::StrFormat(
        "client, carrier and --rate-cap allow %.0f frames/s, less than 1.3 times the capacity of "
        "%.0f/s: they may be what was measured",
        results.carrier_ceiling, results.capacity));
  }
}

void FindRecovery(Results& results) {
  results.recovery_s = -1;
  // From the end backwards, for as long as every interval of the recovery is good.
  size_t first = results.intervals.size();
  size_t begin = first;
  uint64_t attempts = 0;
  bool good = true;
  for (size_t i = results.intervals.size(); i > 0; --i) {
    const Interval& interval = results.intervals[i - 1];
    if (results.steps[interval.step].phase != "recovery") break;
    begin = i - 1;
    good = good && Recovered(interval);
    if (!good) continue;
    first = i - 1;
    attempts += interval.legit.attempts;
  }
  if (attempts == 0) return;
  results.recovery_s = static_cast<double>(first - begin) * results.interval_s;
}

}  // namespace weir::flood
