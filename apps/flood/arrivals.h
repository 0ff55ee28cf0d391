// Arrivals: when the next legitimate connection is meant to begin, whatever became of the last.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/prng.h"

namespace weir::flood {

// Open loop: a rate per second, evenly or as a Poisson process. Nanoseconds of the caller's clock.
class Arrivals {
 public:
  Arrivals() = default;
  Arrivals(double per_second, bool poisson, int64_t start_ns, uint64_t seed)
      : mean_ns_(per_second > 0 ? 1e9 / per_second : 0),
        poisson_(poisson),
        random_(seed),
        next_ns_(static_cast<double>(start_ns)) {
    Step();
  }

  // Whether one is due; then `intended_ns` is when it was.
  bool Take(int64_t now_ns, int64_t& intended_ns) {
    if (mean_ns_ == 0 || next_ns_ > static_cast<double>(now_ns)) return false;
    intended_ns = static_cast<int64_t>(next_ns_);
    Step();
    return true;
  }

 private:
  void Step() {
    if (!poisson_) {
      next_ns_ += mean_ns_;
      return;
    }
    const double uniform = static_cast<double>((random_.Next() >> 11) + 1) * 0x1p-53;  // (0, 1]
    next_ns_ += -std::log(uniform) * mean_ns_;
  }

  double mean_ns_ = 0;  // 0: none
  bool poisson_ = false;
  Prng random_{0};
  double next_ns_ = 0;
};

}  // namespace weir::flood
