// Clock: cycles of the TSC to weir's Time, once a turn.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace weir::port {

// Time begins at `origin` when the TSC stands at `start_cycles`, and never goes back. A virtual
// machine may lose its processor for a long while; were the whole gap let through, every timer
// would fire in one turn. So a step longer than what the caller meant to be away plus kStepMax is
// cut there, and the rest is lost: weir's time falls behind the world's by lost().
//
// Thread: one. Reads no hardware: the caller supplies the cycles.
class Clock {
 public:
  static constexpr Duration kStepMax = Milliseconds(50);

  Clock(uint64_t cycles_per_second, uint64_t start_cycles, Time origin)
      : us_per_cycle_(ScaleFor(cycles_per_second)), start_cycles_(start_cycles), now_(origin) {}

  // The time at `cycles`; `intended` is how long the caller meant to sleep since the last call.
  Time Advance(uint64_t cycles, Duration intended = {}) {
    const int64_t raw_us = ElapsedUs(cycles);
    const Duration step = Microseconds(raw_us - last_raw_us_);
    if (step.us <= 0) return now_;  // the same microsecond, or processors whose TSCs disagree
    last_raw_us_ = raw_us;
    const Duration limit = intended + kStepMax;
    if (step > limit) {
      lost_ = lost_ + (step - limit);
      now_ = now_ + limit;
    } else {
      now_ = now_ + step;
    }
    return now_;
  }

  Time now() const { return now_; }
  Duration lost() const { return lost_; }

 private:
  // Microseconds per cycle as a 64-bit fraction, rounded up so that whole microseconds stay whole;
  // the product below is off by less than a microsecond in a thousand years.
  static uint64_t ScaleFor(uint64_t cycles_per_second) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(1000000) << 64) /
                                 cycles_per_second) +
           1;
  }
  int64_t ElapsedUs(uint64_t cycles) const {
    if (cycles < start_cycles_) return 0;
    return static_cast<int64_t>(
        static_cast<unsigned __int128>(cycles - start_cycles_) * us_per_cycle_ >> 64);
  }

  uint64_t us_per_cycle_;
  uint64_t start_cycles_;
  int64_t last_raw_us_ = 0;
  Time now_;
  Duration lost_;
};

}  // namespace weir::port
