// From words to options, and checking that they make sense together.
#include "flood/options.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "flood/interlocks.h"
#include "flood/legit_client.h"

namespace weir::flood {
namespace {

constexpr double kMargin = 2;  // seconds for starting, learning the target and ending
constexpr double kSearchSeconds = 12;

absl::Status Refuse(const std::string& why) { return absl::InvalidArgumentError(why); }

Intentions IntentionsOf(const Options& options) {
  Intentions intentions;
  intentions.i_control_this_lab = options.i_control_this_lab;
  intentions.allow_physical = options.allow_physical;
  intentions.allow_target = options.allow_target;
  intentions.device = options.device;
  intentions.addresses.push_back(options.target.address);
  for (const ip::Prefix& own : options.addresses) intentions.addresses.push_back(own.address);
  intentions.sources = {options.sources};
  intentions.duration_s = options.duration_s;
  intentions.rate_cap = options.rate_cap;
  for (const RateSpec& rate : options.rates) {
    if (!rate.percent) intentions.rate_asked = std::max(intentions.rate_asked, rate.value);
  }
  return intentions;
}

absl::Status CheckModes(const Options& options) {
  const bool v4 = options.target.address.is_v4();
  for (const Mode mode : options.modes) {
    if (HasFamily(mode, v4)) continue;
    return Refuse("--mode: " + std::string(InfoOf(mode).name) + " is about IPv" + (v4 ? "6" : "4") +
                  ", the target is not");
  }
  return absl::OkStatus();
}

absl::Status CheckAddresses(const Options& options) {
  const IpAddress& target = options.target.address;
  if (options.target.port == 0) return Refuse("--target: port 0 is not one to connect to");
  if (target.is_multicast() || target.is_unspecified() || target.is_loopback()) {
    return Refuse("--target: " + target.ToString() + " is no host's address");
  }
  if (options.addresses.empty()) {
    return Refuse("--address: none of them is of the target's family");
  }
  if (options.sources.v4() != target.is_v4())
    return Refuse("--sources: not of the target's family");
  if (options.sources.bits > (target.is_v4() ? 28u : 63u)) {
    return Refuse("--sources: " + options.sources.ToString() +
                  " is too small, IPv4 goes to /28, "
                  "IPv6 to /63");
  }
  for (const ip::Prefix& own : options.addresses) {
    if (own.address == target) return Refuse("--address: " + target.ToString() + " is the target");
    if (options.sources.Contains(own.address)) {
      return Refuse("--address: " + own.address.ToString() + " lies in --sources; honest clients " +
                    "and the flood must be told apart");
    }
  }
  if (options.sources.Contains(target)) return Refuse("--sources: the target lies in it");
  return absl::OkStatus();
}

absl::Status CheckNumbers(const Options& options) {
  const auto in = [](double value, double min, double max) { return value >= min && value <= max; };
  if (!in(options.step_s, 0.1, 86400)) return Refuse("--step: 0.1 to 86400 seconds");
  if (!in(options.baseline_s, 0, 86400)) return Refuse("--baseline: 0 to 86400 seconds");
  if (!in(options.recovery_s, 0, 86400)) return Refuse("--recovery: 0 to 86400 seconds");
  if (!in(options.legit_rate, 0, 1e6)) return Refuse("--legit-rate: 0 to 1000000 per second");
  if (options.request_size < 1 || options.request_size > LegitClient::kRequestMax) {
    return Refuse("--request-size: 1 to 16384 octets");
  }
  if (options.deadline_ms < 100 || options.deadline_ms > 60000) {
    return Refuse("--deadline-ms: 100 to 60000");
  }
  if (options.legit_rate * options.deadline_ms / 1000 > 200000) {
    return Refuse("--legit-rate: with this --deadline-ms over 200000 connections could wait");
  }
  if (options.established > 100000) return Refuse("--established: at most 100000 flows");
  if (!in(options.established_rate, 0, 1e7)) return Refuse("--established-rate: 0 to 10000000");
  if (options.peers < 1 || options.peers > 1u << 20) return Refuse("--peers: 1 to 1048576");
  if (options.memory_mb < 128) return Refuse("--memory-mb: at least 128");
  return absl::OkStatus();
}

// The least rate of the sweep, in percent of the capacity or in frames per second; nothing where it
// must be measured first.
std::optional<double> LeastRate(const Options& options, bool percent) {
  std::optional<double> least;
  for (const RateSpec& rate : options.rates) {
    double value = rate.value;
    if (rate.percent != percent) {
      if (options.capacity == 0) return std::nullopt;
      value = percent ? value / options.capacity * 100 : value * options.capacity / 100;
    }
    least = std::min(least.value_or(value), value);
  }
  return least;
}

// What can be said without a run: criteria that nothing would be measured for.
absl::Status CheckCriteria(const Options& options) {
  for (const Criterion& criterion : options.criteria) {
    const auto refuse = [&criterion](const std::string& why) {
      return Refuse("--criteria: \"" + criterion.ToString() + "\": never holds: " + why);
    };
    const std::string& metric = criterion.metric;
    if (metric == "recovery_s") {
      if (options.recovery_s == 0) return refuse("--recovery=0 leaves no time to recover in");
      if (criterion.at_least && criterion.bound > options.recovery_s) {
        return refuse(absl::StrFormat("--recovery=%g looks no longer", options.recovery_s));
      }
      continue;
    }
    const bool of_flows = metric == "goodput" || metric == "established_p99_us";
    if (of_flows && (options.established == 0 || options.established_rate == 0)) {
      return refuse("it needs --established flows with an --established-rate");
    }
    const bool of_clients = metric == "first_syn" || metric == "success" ||
                            metric == "success_1s" || metric == "connect_p99_us" ||
                            metric == "answer_p99_us" || metric == "answer_p99_ratio";
    if (of_clients && options.legit_rate == 0) return refuse("it needs a --legit-rate");
    if ((metric == "goodput" || metric == "answer_p99_ratio") && options.baseline_s == 0) {
      return refuse("it compares with the baseline, and --baseline=0");
    }
    if (criterion.upto == 0) continue;
    if (criterion.upto_percent && !options.capacity_search && options.capacity == 0) {
      return refuse("a percentage needs --capacity-search or --capacity=FRAMES_PER_SECOND");
    }
    const std::optional<double> least = LeastRate(options, criterion.upto_percent);
    if (least && *least > criterion.upto) return refuse("no --rate is so low");
  }
  return absl::OkStatus();
}

absl::Status CheckPlan(const Options& options) {
  bool percent = false;
  for (const RateSpec& rate : options.rates) percent = percent || rate.percent;
  if (percent && !options.capacity_search && options.capacity == 0) {
    return Refuse("--rate: a percentage needs --capacity-search or --capacity=FRAMES_PER_SECOND");
  }
  if (options.rates.empty()) return Refuse("--rate: name at least one");
  const double planned =
      PlannedSeconds(options) + kMargin + (options.capacity_search ? kSearchSeconds : 0);
  if (options.duration_s > 0 && planned > options.duration_s) {
    return Refuse(
        absl::StrFormat("--duration=%g: the phases take %.1f s, starting and ending included",
                        options.duration_s, planned));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Pacer::Pulse> ParsePulse(std::string_view text) {
  if (text.empty()) return Pacer::Pulse{};
  const size_t slash = text.find('/');
  const auto on = ParseNumber(text.substr(0, slash));
  const auto off =
      slash == std::string_view::npos ? std::nullopt : ParseNumber(text.substr(slash + 1));
  if (!on || !off || *on < 1 || *off < 1 || *on > 3.6e6 || *off > 3.6e6) {
    return absl::InvalidArgumentError("--pulse: \"" + std::string(text) +
                                      "\" is not ON/OFF in milliseconds, 1 to 3600000 each");
  }
  return Pacer::Pulse{static_cast<uint32_t>(*on), static_cast<uint32_t>(*off)};
}

absl::StatusOr<std::vector<ip::Prefix>> ParseAddresses(const std::vector<std::string>& list,
                                                       bool v4) {
  std::vector<ip::Prefix> addresses;
  for (const std::string& text : list) {
    const size_t slash = text.find('/');
    const auto address = IpAddress::Parse(std::string_view(text).substr(0, slash));
    const auto bits = slash == std::string::npos
                          ? std::nullopt
                          : ParseNumber(std::string_view(text).substr(slash + 1));
    if (!address || !bits || *bits < 1 || *bits > (address->is_v4() ? 32 : 128) ||
        *bits != static_cast<uint8_t>(*bits)) {
      return absl::InvalidArgumentError("--address: \"" + text + "\" is not ADDRESS/BITS");
    }
    if (address->is_v4() == v4) addresses.push_back({*address, static_cast<uint8_t>(*bits)});
  }
  return addresses;
}

absl::Status CheckOptions(const Options& options, const Interfaces& interfaces) {
  std::vector<std::string> problems;
  for (const absl::Status& status :
       {CheckInterlocks(IntentionsOf(options), interfaces), CheckAddresses(options),
        CheckModes(options), CheckNumbers(options), CheckPlan(options), CheckCriteria(options)}) {
    if (!status.ok()) problems.emplace_back(status.message());
  }
  if (problems.empty()) return absl::OkStatus();
  return Refuse(absl::StrJoin(problems, "\n"));
}

double PlannedSeconds(const Options& options) {
  return options.baseline_s + options.step_s * static_cast<double>(options.rates.size()) +
         options.recovery_s + options.deadline_ms / 1000.0;
}

std::string DescribePlan(const Options& options) {
  std::string text =
      absl::StrFormat("target %s, sources %s, device %s\nmodes", options.target.ToString(),
                      options.sources.ToString(), options.device);
  for (const Mode mode : options.modes) text += " " + std::string(InfoOf(mode).name);
  text +=
      absl::StrFormat("\nlegitimate: %g connections/s (%s), %u established flows, %g requests/s",
                      options.legit_rate, options.poisson ? "Poisson" : "constant",
                      options.established, options.established_rate);
  text += absl::StrFormat("\nbaseline %g s\n", options.baseline_s);
  if (options.capacity_search) text += "search for the capacity, about 10 s\n";
  for (const RateSpec& rate : options.rates) {
    text += absl::StrFormat("flood %g%s for %g s\n", rate.value,
                            rate.percent ? "% of the capacity" : " frames/s", options.step_s);
  }
  text += absl::StrFormat("recovery %g s\nnever more than %.0f frames/s, %g s in all\n",
                          options.recovery_s, options.rate_cap, options.duration_s);
  return text;
}

}  // namespace weir::flood
