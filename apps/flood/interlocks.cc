// One interlock after another.
#include "flood/interlocks.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace weir::flood {
namespace {

// A longer run, or a faster one, is a mistake in the number.
constexpr double kDurationMaxS = 7 * 24 * 3600;
constexpr double kRateCapMax = 1e9;

using Problems = std::vector<std::string>;

bool IsAllowed(const Prefix& prefix, const std::vector<Prefix>& extra) {
  const auto covers = [&prefix](const Prefix& allowed) { return allowed.Contains(prefix); };
  return std::any_of(TestNetworks().begin(), TestNetworks().end(), covers) ||
         std::any_of(extra.begin(), extra.end(), covers);
}

void CheckNetworks(const Intentions& intentions, Problems& problems) {
  std::vector<Prefix> all = intentions.sources;
  for (const IpAddress& address : intentions.addresses) {
    all.push_back({address, address.is_v4() ? 32u : 128u});
  }
  for (const Prefix& prefix : all) {
    if (IsAllowed(prefix, intentions.allow_target)) continue;
    problems.push_back(prefix.ToString() +
                       " is outside of 198.18.0.0/15 and 2001:2::/48, the networks for tests; "
                       "--allow-target=PREFIX allows another that is yours");
  }
}

void CheckDevice(const Intentions& intentions, const Interfaces& interfaces, Problems& problems) {
  if (intentions.device.empty()) {
    problems.emplace_back("--device: name the device to send from");
    return;
  }
  bool physical = IsPciAddress(intentions.device);
  for (const std::string& interface : InterfacesOf(intentions.device)) {
    if (interfaces.CarriesDefaultRoute(interface)) {
      problems.push_back("the default route goes through " + interface +
                         ": a flood must not reach the world; nothing allows it");
    }
    physical = physical || interfaces.IsPhysical(interface);
  }
  if (physical && !intentions.allow_physical) {
    problems.push_back(intentions.device +
                       " is, or stands on, a physical device; --allow-physical allows one that "
                       "leads nowhere but into your lab");
  }
}

void CheckLimits(const Intentions& intentions, Problems& problems) {
  if (!(intentions.duration_s > 0 && intentions.duration_s <= kDurationMaxS)) {
    problems.emplace_back("--duration=SECONDS: when this run ends at the latest, 1 to 604800");
  }
  if (!(intentions.rate_cap >= 1 && intentions.rate_cap <= kRateCapMax)) {
    problems.emplace_back("--rate-cap=FRAMES_PER_SECOND: what is never exceeded, 1 to 1000000000");
  } else if (intentions.rate_asked > intentions.rate_cap) {
    problems.push_back(
        absl::StrFormat("--rate: %.0f frames per second are more than --rate-cap=%.0f",
                        intentions.rate_asked, intentions.rate_cap));
  }
}

}  // namespace

const std::vector<Prefix>& TestNetworks() {
  static const std::vector<Prefix> networks = {*Prefix::Parse("198.18.0.0/15"),
                                               *Prefix::Parse("2001:2::/48")};
  return networks;
}

bool IsPciAddress(const std::string& device) { return device.rfind("net_", 0) != 0; }

absl::Status CheckInterlocks(const Intentions& intentions, const Interfaces& interfaces) {
  Problems problems;
  if (!intentions.i_control_this_lab) {
    problems.emplace_back(
        "--i-control-this-lab: say that the device, the network behind it and the target "
        "are yours to break");
  }
  CheckNetworks(intentions, problems);
  CheckDevice(intentions, interfaces, problems);
  CheckLimits(intentions, problems);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("interlock: " + absl::StrJoin(problems, "\ninterlock: "));
}

}  // namespace weir::flood
