// Clock: cycles of the TSC to weir's Time, once a turn.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace weir::port {

// Time begins at `origin` when the TSC stands at `start_cycles`, and never goes back. A virtual
// machine may lose its processor for a long while; were the whole gap let through, every timer
// would fire in one turn. So a step longer than what the caller meant to be away plus kStepMax is
// cut there, and the rest is lost: weir's time falls behind the world's by lost(), unless it
// follows another clock, which it does little by little.
//
// Thread: one. Reads no hardware: the caller supplies the cycles.
class Clock {
 public:
  static constexpr Duration kStepMax = Milliseconds(50);
  // How much faster or slower than the TSC it runs at most in order to follow: more than any TSC is
  // wrong, and less than a timer minds.
  static constexpr int64_t kTrimMaxPpm = 10000;

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
      now_ = now_ + limit + TrimOf(limit);
    } else {
      now_ = now_ + step + TrimOf(step);
    }
    return now_;
  }

  // From now on runs faster or slower, so that half of the distance to `other` is gone in a second;
  // to be called about once a second. What is far away is approached by kTrimMaxPpm.
  void Follow(Time other) {
    trim_ppm_ = std::clamp((other - now_).us / 2, -kTrimMaxPpm, kTrimMaxPpm);
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

  // Less than the step itself, so that time does not go back.
  Duration TrimOf(Duration step) {
    if (trim_ppm_ == 0) return {};
    trim_carry_ += step.us * trim_ppm_;
    const int64_t whole_us = trim_carry_ / 1000000;
    trim_carry_ -= whole_us * 1000000;
    return Microseconds(whole_us);
  }

  uint64_t us_per_cycle_;
  uint64_t start_cycles_;
  int64_t last_raw_us_ = 0;
  Time now_;
  Duration lost_;
  int64_t trim_ppm_ = 0;
  int64_t trim_carry_ = 0;  // millionths of a microsecond
};

}  // namespace weir::port
