// The table, and the exit status.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "flood/report.h"

namespace weir::flood {
namespace {

std::string Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  // Rounded down: 99.996 % is not 100.
  const double share = static_cast<double>(part) / static_cast<double>(whole);
  if (part == whole) return "100";
  return absl::StrFormat("%.3f", std::min(static_cast<int>(share * 1e5), 99999) / 1e3);
}

std::string Us(const Histogram& histogram, double share) {
  if (histogram.count() == 0) return "-";
  return absl::StrFormat("%.0f", static_cast<double>(histogram.Quantile(share)) / 1000);
}

double PerSecond(uint64_t count, const Step& step) {
  return step.seconds > 0 ? static_cast<double>(count) / step.seconds : 0;
}

std::string Ratio(std::optional<double> value, const char* format) {
  return value ? absl::StrFormat("%.3f", *value) : std::string(format);
}

const char* const kHeading =
    "phase      rate/s     sent/s    taken/s | SYN-ACK/s    RST/s   ICMP/s | octets out/in  "
    "repeats "
    "forged | begun  first-SYN %  success %   p50    p99  p99.9    max us | goodput    p99 us "
    "ended | busy %\n";

std::string Row(const Step& step, const Results& results) {
  const FloodCounts& flood = step.flood;
  std::string row = absl::StrFormat("%-9s %8.0f %10.0f %10.0f | %9.0f %8.0f %8.0f | ", step.phase,
                                    step.rate, PerSecond(flood.frames, step),
                                    PerSecond(flood.taken, step), PerSecond(flood.syn_acks, step),
                                    PerSecond(flood.resets, step), PerSecond(flood.icmp, step));
  row += absl::StrFormat("%13s %8u %6u | ", Ratio(MetricOf("amplification", step, results), "-"),
                         flood.syn_ack_repeats, flood.forged);
  const LegitCounts& legit = step.legit;
  row += absl::StrFormat(
      "%5u %12s %10s %5s %6s %6s %9s | ", legit.attempts, Percent(legit.first_syn, legit.attempts),
      Percent(legit.answered, legit.attempts), Us(step.answer_ns, 0.5), Us(step.answer_ns, 0.99),
      Us(step.answer_ns, 0.999), Us(step.answer_ns, 1));
  row += absl::StrFormat("%7s %9s %5u | ", Ratio(MetricOf("goodput", step, results), "-"),
                         Us(step.established_ns, 0.99), step.established.resets);
  const double busy = step.client.cycles == 0 ? 0
                                              : static_cast<double>(step.client.busy_cycles) /
                                                    static_cast<double>(step.client.cycles);
  return row + absl::StrFormat("%6.0f\n", busy * 100);
}

std::string InvalidRow(const Step& step) {
  std::string row = absl::StrFormat("%-9s %8.0f INVALID:", step.phase, step.rate);
  for (const std::string& why : step.invalid) row += " " + why + ";";
  row.back() = '\n';
  return row;
}

bool IsMeasured(const Step& step) { return step.phase != "search" && step.phase != "ceiling"; }

}  // namespace

std::string TextReport(const Options& options, const Results& results,
                       const std::vector<Verdict>& verdicts) {
  std::string text = "weir-flood: " + options.target.ToString() + " by";
  for (const Mode mode : options.modes) text += " " + std::string(InfoOf(mode).name);
  text += "\n";
  for (const std::string& why : results.invalid) text += "INVALID: " + why + "\n";
  if (results.carrier_ceiling > 0) {
    text +=
        absl::StrFormat("client and carrier manage %.0f frames/s that the target drops at once\n",
                        results.carrier_ceiling);
  }
  if (results.capacity > 0) {
    text += absl::StrFormat("SYN capacity: %.0f/s (%s)\n", results.capacity,
                            results.capacity_given ? "given" : "SYN-ACKs keep up with SYNs");
  }
  text += kHeading;
  for (const Step& step : results.steps) {
    if (!IsMeasured(step)) continue;
    text += step.invalid.empty() ? Row(step, results) : InvalidRow(step);
  }
  if (results.recovery_s >= 0) {
    text += absl::StrFormat("recovered %.1f s after the flood\n", results.recovery_s);
  } else if (options.recovery_s > 0) {
    text += "did not recover while it was looked at\n";
  }
  for (const Verdict& verdict : verdicts) {
    text += absl::StrFormat("%s: %s (%s)\n",
                            verdict.passed   ? "passed"
                            : verdict.judged ? "FAILED"
                                             : "not judged",
                            verdict.criterion.ToString(), verdict.why);
  }
  return text;
}

int ExitStatus(const Results& results, const std::vector<Verdict>& verdicts) {
  if (!results.invalid.empty()) return 2;
  for (const Step& step : results.steps) {
    if (!step.invalid.empty()) return 2;
  }
  for (const Verdict& verdict : verdicts) {
    if (!verdict.passed) return 1;
  }
  return 0;
}

}  // namespace weir::flood
