// Numbers and rates as the command line has them.
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

namespace weir::flood {

// One rate of the sweep.
struct RateSpec {
  double value = 0;
  bool percent = false;  // of the capacity; otherwise frames per second
};

// Nothing where `text` is not a finite number and that alone.
std::optional<double> ParseNumber(std::string_view text);

// "5000", "20k", "1.5M", "90%".
absl::StatusOr<RateSpec> ParseRate(std::string_view text);
// The same without percentages; "" = 0, not given.
absl::StatusOr<double> ParseRateCap(std::string_view text);

}  // namespace weir::flood
