// One interlock after another.
#include "flood/interlocks.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace weir::flood {
namespace {

// A longer run, or a faster one, is a mistake in the number.
constexpr double kDurationMaxS = 7 * 24 * 3600;
constexpr double kRateCapMax = 1e9;

absl::Status Refuse(const std::string& why) {
  return absl::InvalidArgumentError("interlock: " + why);
}

bool IsAllowed(const Prefix& prefix, const std::vector<Prefix>& extra) {
  const auto covers = [&prefix](const Prefix& allowed) { return allowed.Contains(prefix); };
  return std::any_of(TestNetworks().begin(), TestNetworks().end(), covers) ||
         std::any_of(extra.begin(), extra.end(), covers);
}

absl::Status CheckNetworks(const Intentions& intentions) {
  std::vector<Prefix> all = intentions.sources;
  for (const IpAddress& address : intentions.addresses) {
    all.push_back({address, address.is_v4() ? 32u : 128u});
  }
  for (const Prefix& prefix : all) {
    if (IsAllowed(prefix, intentions.allow_target)) continue;
    return Refuse(prefix.ToString() +
                  " is outside of 198.18.0.0/15 and 2001:2::/48, the networks for tests; "
                  "--allow-target=PREFIX allows another that is yours");
  }
  return absl::OkStatus();
}

absl::Status CheckDevice(const Intentions& intentions, const Interfaces& interfaces) {
  if (intentions.device.empty()) return Refuse("--device: name the device to send from");
  bool physical = IsPciAddress(intentions.device);
  for (const std::string& interface : InterfacesOf(intentions.device)) {
    if (interfaces.CarriesDefaultRoute(interface)) {
      return Refuse("the default route goes through " + interface +
                    ": a flood must not reach the world; nothing allows it");
    }
    physical = physical || interfaces.IsPhysical(interface);
  }
  if (physical && !intentions.allow_physical) {
    return Refuse(intentions.device +
                  " is, or stands on, a physical device; --allow-physical allows one that leads "
                  "nowhere but into your lab");
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const Intentions& intentions) {
  if (!(intentions.duration_s > 0 && intentions.duration_s <= kDurationMaxS)) {
    return Refuse("--duration=SECONDS: when this run ends at the latest, 1 to 604800");
  }
  if (!(intentions.rate_cap >= 1 && intentions.rate_cap <= kRateCapMax)) {
    return Refuse("--rate-cap=FRAMES_PER_SECOND: what is never exceeded, 1 to 1000000000");
  }
  if (intentions.rate_asked > intentions.rate_cap) {
    return Refuse(absl::StrFormat("--rate: %.0f frames per second are more than --rate-cap=%.0f",
                                  intentions.rate_asked, intentions.rate_cap));
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<Prefix>& TestNetworks() {
  static const std::vector<Prefix> networks = {*Prefix::Parse("198.18.0.0/15"),
                                               *Prefix::Parse("2001:2::/48")};
  return networks;
}

bool IsPciAddress(const std::string& device) { return device.rfind("net_", 0) != 0; }

absl::Status CheckInterlocks(const Intentions& intentions, const Interfaces& interfaces) {
  if (!intentions.i_control_this_lab) {
    return Refuse(
        "--i-control-this-lab: say that the device, the network behind it and the target "
        "are yours to break");
  }
  if (absl::Status status = CheckNetworks(intentions); !status.ok()) return status;
  if (absl::Status status = CheckDevice(intentions, interfaces); !status.ok()) return status;
  return CheckLimits(intentions);
}

}  // namespace weir::flood
