// EventCount over futex(2): std::atomic's own wait knows no deadline.
#include "runtime/event_count.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

namespace weir::runtime {
namespace {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

constexpr auto kYears = std::chrono::hours(24 * 365 * 10);  // far from an overflow

}  // namespace

EventCount::Clock::time_point EventCount::DeadlineAfter(std::chrono::microseconds timeout) {
  if (timeout > kYears) return Clock::time_point::max();
  return Clock::now() + timeout;
}

void EventCount::Wake(uint32_t count) {
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &epoch_, FUTEX_WAKE_PRIVATE, std::min<uint32_t>(count, INT_MAX), nullptr,
          nullptr, 0);
}

bool EventCount::Sleep(uint32_t epoch, Clock::time_point deadline) {
  timespec until;
  const bool for_ever = deadline == Clock::time_point::max();
  if (!for_ever) {
    // CLOCK_MONOTONIC, by which futex counts and steady_clock too.
    const auto ns = std::chrono::nanoseconds(deadline.time_since_epoch()).count();
    until.tv_sec = ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
  }
  const long result = syscall(SYS_futex, &epoch_, FUTEX_WAIT_BITSET_PRIVATE, epoch,
                              for_ever ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;  // woken, too late to sleep, or a signal
}

}  // namespace weir::runtime
