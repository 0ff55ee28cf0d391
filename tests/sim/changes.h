// Changes: what is taken away from a seed's scenario, in words; a seed and its changes name a
// scenario exactly.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario.h"

namespace weir::sim {

// One change, as it is written: "loss=off", "octets=4", "faults-ms=250", "without=3",
// "without-host=2".
using Changes = std::vector<std::string>;

// The list separated by commas, and back.
Changes ParseChanges(std::string_view text);
std::string ChangesText(const Changes& changes);

// False when a change is not known. In any order; each only takes away.
[[nodiscard]] bool Apply(const Changes& changes, Scenario& scenario);

// The names that can be switched off, and what each is, one a line.
std::string ChangesUsage();

// Looks for a smaller scenario that still fails: switches classes off, takes hosts and connections
// out, divides the octets, shortens the faults, as long as `fails` says so; until nothing more can
// go. `fails` is asked at most `attempts_max` times.
Changes Shrink(uint64_t seed, Changes changes, const std::function<bool(const Changes&)>& fails,
               unsigned attempts_max);

}  // namespace weir::sim
