// LogLimiter: how often a worker may write a line, so that trouble does not cost it its time.
#pragma once

#include <cstdint>

namespace weir::proxy {

// At most `lines` in each second; what is held back is counted and told with the next line.
class LogLimiter {
 public:
  explicit LogLimiter(uint32_t lines) : lines_(lines) {}

  // Whether a line may be written at this time, in microseconds.
  bool Take(int64_t now_us) {
    if (now_us - second_began_us_ >= 1'000'000 || !began_) {
      began_ = true;
      second_began_us_ = now_us;
      written_ = 0;
    }
    if (written_ == lines_) {
      ++held_back_;
      return false;
    }
    ++written_;
    return true;
  }
  // How many were held back since it was asked last.
  uint64_t TakeHeldBack() {
    const uint64_t count = held_back_;
    held_back_ = 0;
    return count;
  }

 private:
  uint32_t lines_;
  bool began_ = false;
  int64_t second_began_us_ = 0;
  uint32_t written_ = 0;
  uint64_t held_back_ = 0;
};

}  // namespace weir::proxy
