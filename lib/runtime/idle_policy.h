// IdlePolicy: what a worker does after a turn without work.
#pragma once

#include <algorithm>

#include "base/time.h"
#include "runtime/config.h"

namespace weir::runtime {

// Spin: nothing. Pause: the processor's pause instruction. Sleep: after kEmptyTurns turns in a row
// without work, for as long as the stack's next deadline and the configured limit allow.
//
// Thread: one. Reads no clock and sleeps nowhere itself.
class IdlePolicy {
 public:
  // A burst's stragglers are met awake: a sleep costs the peer its whole length.
  static constexpr uint32_t kEmptyTurns = 50;
  // The system call costs more than a shorter sleep would spare.
  static constexpr Duration kSleepMin = Microseconds(10);

  struct Rest {
    bool pause = false;
    Duration sleep;  // 0: do not
  };

  IdlePolicy(Idle idle, Duration sleep_max) : idle_(idle), sleep_max_(sleep_max) {}

  // After a turn at `now`; `worked` is whether anything arrived, left or is still to be done.
  Rest AfterTurn(bool worked, Time now, Time next_deadline) {
    if (worked) {
      empty_turns_ = 0;
      return {};
    }
    if (idle_ == Idle::kSpin) return {};
    if (idle_ == Idle::kPause || empty_turns_ < kEmptyTurns) {
      ++empty_turns_;
      return {true, {}};
    }
    const Duration until_deadline = next_deadline - now;
    const Duration sleep = std::min(sleep_max_, until_deadline);
    if (sleep < kSleepMin) return {true, {}};
    return {false, sleep};
  }

 private:
  Idle idle_;
  Duration sleep_max_;
  uint32_t empty_turns_ = 0;
};

}  // namespace weir::runtime
