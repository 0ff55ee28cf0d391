// Reads rates.
#include "flood/rate.h"

#include <charconv>
#include <cmath>
#include <string>

namespace weir::flood {

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

absl::StatusOr<RateSpec> ParseRate(std::string_view text) {
  RateSpec rate;
  std::string_view number = text;
  double unit = 1;
  if (!number.empty()) {
    const char last = number.back();
    rate.percent = last == '%';
    unit = last == 'k' ? 1e3 : last == 'M' ? 1e6 : 1;
    if (rate.percent || unit != 1) number.remove_suffix(1);
  }
  const std::optional<double> value = ParseNumber(number);
  const double most = rate.percent ? 1000 : 1e9;
  if (!value || !(*value > 0) || *value * unit > most) {
    return absl::InvalidArgumentError("--rate: \"" + std::string(text) +
                                      "\" is no rate: 5000, 20k, 1.5M, or 90% of the capacity");
  }
  rate.value = *value * unit;
  return rate;
}

absl::StatusOr<double> ParseRateCap(std::string_view text) {
  if (text.empty()) return 0;
  const auto rate = ParseRate(text);
  if (rate.ok() && !rate->percent) return rate->value;
  return absl::InvalidArgumentError("--rate-cap: \"" + std::string(text) +
                                    "\" is no number of frames per second: 5000, 20k, 1.5M");
}

}  // namespace weir::flood
