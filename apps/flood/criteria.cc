// Metrics of a step, and comparing them with bounds.
#include "flood/criteria.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "flood/rate.h"

namespace weir::flood {
namespace {

constexpr std::string_view kRecovery = "recovery_s";

std::optional<double> Share(uint64_t part, uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<double> QuantileUs(const Histogram& histogram, double share) {
  if (histogram.count() == 0) return std::nullopt;
  return static_cast<double>(histogram.Quantile(share)) / 1000;
}

const Step* BaselineOf(const Results& results) {
  for (const Step& step : results.steps) {
    if (step.phase == "baseline") return &step;
  }
  return nullptr;
}

std::optional<double> Ratio(std::optional<double> value, std::optional<double> to) {
  if (!value || !to || *to <= 0) return std::nullopt;
  return *value / *to;
}

std::optional<double> GoodputOf(const Step& step) {
  if (step.established.requests == 0 || step.seconds <= 0) return std::nullopt;
  return static_cast<double>(step.established.octets) / step.seconds;
}

using Metric = std::optional<double> (*)(const Step& step, const Results& results);

struct NamedMetric {
  std::string_view name;
  Metric metric;
};

// Those of the metrics that are shares of something, which nothing can be above.
bool IsShare(std::string_view metric) {
  return metric == "first_syn" || metric == "success" || metric == "success_1s";
}

std::optional<double> Count(uint64_t n) { return static_cast<double>(n); }

constexpr NamedMetric kMetrics[] = {
    {"first_syn",
     [](const Step& s, const Results&) { return Share(s.legit.first_syn, s.legit.attempts); }},
    {"success",
     [](const Step& s, const Results&) { return Share(s.legit.answered, s.legit.attempts); }},
    {"success_1s",
     [](const Step& s, const Results&) { return Share(s.legit.within_1s, s.legit.attempts); }},
    {"goodput",
     [](const Step& s, const Results& r) -> std::optional<double> {
       const Step* baseline = BaselineOf(r);
       if (baseline == nullptr) return std::nullopt;
       return Ratio(GoodputOf(s), GoodputOf(*baseline));
     }},
    {"resets", [](const Step& s, const Results&) { return Count(s.established.resets); }},
    {"corrupt",
     [](const Step& s, const Results&) { return Count(s.legit.corrupt + s.established.corrupt); }},
    {"connect_p99_us",
     [](const Step& s, const Results&) { return QuantileUs(s.connect_ns, 0.99); }},
    {"answer_p99_us", [](const Step& s, const Results&) { return QuantileUs(s.answer_ns, 0.99); }},
    {"established_p99_us",
     [](const Step& s, const Results&) { return QuantileUs(s.established_ns, 0.99); }},
    {"answer_p99_ratio",
     [](const Step& s, const Results& r) -> std::optional<double> {
       const Step* baseline = BaselineOf(r);
       if (baseline == nullptr) return std::nullopt;
       return Ratio(QuantileUs(s.answer_ns, 0.99), QuantileUs(baseline->answer_ns, 0.99));
     }},
    {"amplification",
     [](const Step& s, const Results&) {
       return Share(s.flood.answer_octets, s.rate > 0 ? s.flood.octets : 0);
     }},
    {"frame_amplification",
     [](const Step& s, const Results&) {
       return Share(s.flood.answer_frames, s.rate > 0 ? s.flood.taken : 0);
     }},
    {"syn_ack_repeats",
     [](const Step& s, const Results&) { return Count(s.flood.syn_ack_repeats); }},
    {"forged", [](const Step& s, const Results&) { return Count(s.flood.forged); }},
    {"replays", [](const Step& s, const Results&) { return Count(s.flood.replays_taken); }},
};

bool Concerns(const Criterion& criterion, const Step& step) {
  if (step.phase != "flood") return false;
  if (criterion.upto == 0) return true;
  const double rate = criterion.upto_percent ? step.percent : step.rate;
  return rate > 0 && rate <= criterion.upto;
}

bool Holds(const Criterion& criterion, double value) {
  return criterion.at_least ? value >= criterion.bound : value <= criterion.bound;
}

Verdict JudgeRecovery(const Criterion& criterion, const Results& results) {
  if (results.recovery_s < 0) return {criterion, false, true, "did not recover"};
  return {criterion, Holds(criterion, results.recovery_s), true,
          absl::StrFormat("%.1f s", results.recovery_s)};
}

Verdict JudgeOne(const Criterion& criterion, const Results& results) {
  if (criterion.metric == kRecovery) return JudgeRecovery(criterion, results);
  std::optional<double> worst;
  const Step* at = nullptr;
  for (const Step& step : results.steps) {
    if (!Concerns(criterion, step)) continue;
    if (!step.invalid.empty()) {
      return {criterion, false, false, absl::StrFormat("INVALID at %.0f/s", step.rate)};
    }
    const std::optional<double> value = MetricOf(criterion.metric, step, results);
    if (!value)
      return {criterion, false, true, absl::StrFormat("not measured at %.0f/s", step.rate)};
    if (!worst || (criterion.at_least ? *value < *worst : *value > *worst)) {
      worst = value;
      at = &step;
    }
  }
  if (!worst) return {criterion, false, true, "no step of the flood that it concerns"};
  return {criterion, Holds(criterion, *worst), true,
          absl::StrFormat("%.6g at %.0f/s", *worst, at->rate)};
}

}  // namespace

std::string Criterion::ToString() const {
  std::string text = absl::StrCat(metric, at_least ? ">=" : "<=", bound);
  if (upto > 0) absl::StrAppend(&text, "@", upto, upto_percent ? "%" : "");
  return text;
}

const std::vector<std::string>& MetricNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const NamedMetric& metric : kMetrics) all.emplace_back(metric.name);
    all.emplace_back(kRecovery);
    return all;
  }();
  return names;
}

std::optional<double> MetricOf(std::string_view metric, const Step& step, const Results& results) {
  for (const NamedMetric& named : kMetrics) {
    if (named.name == metric) return named.metric(step, results);
  }
  return std::nullopt;
}

absl::StatusOr<Criterion> ParseCriterion(std::string_view text) {
  const auto refuse = [&text](const char* why) {
    return absl::InvalidArgumentError("--criteria: \"" + std::string(text) + "\": " + why);
  };
  const size_t compare = std::min(text.find(">="), text.find("<="));
  if (compare == std::string_view::npos) return refuse("must be METRIC>=NUMBER or METRIC<=NUMBER");
  Criterion criterion;
  criterion.metric = std::string(text.substr(0, compare));
  criterion.at_least = text[compare] == '>';
  const auto& names = MetricNames();
  if (std::find(names.begin(), names.end(), criterion.metric) == names.end()) {
    return refuse("no such metric; --help names all of them");
  }
  std::string_view bound = text.substr(compare + 2);
  if (const size_t at = bound.find('@'); at != std::string_view::npos) {
    const auto upto = ParseRate(bound.substr(at + 1));
    if (!upto.ok())
      return refuse("after @ must come a rate (5000, 20k, 1.5M) or a percentage (90%)");
    criterion.upto = upto->value;
    criterion.upto_percent = upto->percent;
    bound = bound.substr(0, at);
  }
  const std::optional<double> value = ParseNumber(bound);
  if (!value) return refuse("what it is compared with is no number");
  if (!criterion.at_least && *value < 0) return refuse("never holds: no metric is below 0");
  if (criterion.at_least && *value > 1 && IsShare(criterion.metric)) {
    return refuse("never holds: shares go from 0 to 1, 0.99 is 99 %");
  }
  criterion.bound = *value;
  return criterion;
}

std::vector<Verdict> Judge(const std::vector<Criterion>& criteria, const Results& results) {
  std::vector<Verdict> verdicts;
  for (const Criterion& criterion : criteria) verdicts.push_back(JudgeOne(criterion, results));
  return verdicts;
}

}  // namespace weir::flood
