// TokenBucket: a rate limit in virtual time.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace weir {

// Lets `per_second` events through on average and at most `per_second` (one second's worth) at
// once. A rate of 0 lets nothing through.
class TokenBucket {
 public:
  explicit TokenBucket(uint32_t per_second) : per_second_(per_second) {}

  bool Take(Time now) {
    if (!started_) {
      started_ = true;
      last_ = now;
      credit_us_ = kSecondUs * per_second_;
    }
    if (now > last_) {
      const int64_t full = kSecondUs * per_second_;
      const int64_t elapsed = (now - last_).us;
      last_ = now;
      credit_us_ = elapsed >= kSecondUs ? full : credit_us_ + elapsed * per_second_;
      if (credit_us_ > full) credit_us_ = full;
    }
    if (credit_us_ < kSecondUs) return false;
    credit_us_ -= kSecondUs;
    return true;
  }

 private:
  static constexpr int64_t kSecondUs = 1000000;  // one event costs this much credit

  int64_t per_second_;
  int64_t credit_us_ = 0;
  Time last_;
  bool started_ = false;
};

}  // namespace weir
