// Pacer: how many frames are due, at a steady rate or in pulses.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::flood {

// Frames that a late caller has missed are not made up for beyond a millisecond's worth: a flood
// that catches up would be a faster one. They are counted as skipped.
//
// Times are nanoseconds of one clock that does not go back.
class Pacer {
 public:
  struct Pulse {
    uint32_t on_ms = 0;  // 0: always on
    uint32_t off_ms = 0;
  };

  Pacer() = default;
  Pacer(double per_second, Pulse pulse, int64_t start_ns)
      : per_ns_(per_second / 1e9), pulse_(pulse), start_ns_(start_ns), last_ns_(start_ns) {}

  // Frames due now: at most `most`, which count as sent; the others stay due.
  uint32_t Take(int64_t now_ns, uint32_t most) {
    Accrue(now_ns);
    const uint32_t due = std::min(static_cast<uint32_t>(credit_), most);
    credit_ -= due;
    return due;
  }
  // What Take would give if it might.
  double due(int64_t now_ns) {
    Accrue(now_ns);
    return credit_;
  }
  double skipped() const { return skipped_; }

 private:
  static constexpr double kBacklogNs = 1e6;

  void Accrue(int64_t now_ns) {
    if (now_ns <= last_ns_) return;
    credit_ += static_cast<double>(OnTime(now_ns) - OnTime(last_ns_)) * per_ns_;
    last_ns_ = now_ns;
    const double most = std::max(per_ns_ * kBacklogNs, 1.0);
    if (credit_ <= most) return;
    skipped_ += credit_ - most;
    credit_ = most;
  }
  // Nanoseconds since the start during which the flood was on.
  int64_t OnTime(int64_t now_ns) const {
    const int64_t elapsed = now_ns - start_ns_;
    if (pulse_.on_ms == 0) return elapsed;
    const int64_t on = int64_t{pulse_.on_ms} * 1000000;
    const int64_t period = on + int64_t{pulse_.off_ms} * 1000000;
    return elapsed / period * on + std::min(elapsed % period, on);
  }

  double per_ns_ = 0;
  Pulse pulse_;
  int64_t start_ns_ = 0;
  int64_t last_ns_ = 0;
  double credit_ = 0;
  double skipped_ = 0;
};

}  // namespace weir::flood
