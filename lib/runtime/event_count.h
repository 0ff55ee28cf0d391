// EventCount: how threads of the application sleep until a worker has something for them.
#pragma once

#include <rte_pause.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir::runtime {

// A waiter says that it waits, then looks once more at what it waits for, then sleeps; who notifies
// has changed that first. One of the two sees the other's step, if both are sequentially
// consistent: what waiters look at is therefore written with memory_order_seq_cst before Notify,
// and read so in `done`. While nobody sleeps Notify is one load; it never waits.
//
// Thread: any.
class EventCount {
 public:
  using Clock = std::chrono::steady_clock;

  // Wakes up to `count` of those who sleep.
  void Notify(uint32_t count) {
    if (waiters_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
      Wake(count);
  }

  // Returns once done() is true, or with what it says when `timeout` is over. After a while without
  // success it sleeps. What is notified only once is done() by somebody, if anybody waits.
  template <class Done>
  bool Await(std::chrono::microseconds timeout, Done done) {
    if (done()) return true;
    if (timeout.count() <= 0) return false;
    const Clock::time_point deadline = DeadlineAfter(timeout);
    for (unsigned i = 0; i < kSpins; ++i) {
      rte_pause();
      if (done()) return true;
    }
    for (bool in_time = true;;) {
      waiters_.fetch_add(1, std::memory_order_seq_cst);
      const uint32_t epoch = epoch_.load(std::memory_order_seq_cst);
      const bool is_done = done();
      if (!is_done && in_time) in_time = Sleep(epoch, deadline);
      waiters_.fetch_sub(1, std::memory_order_seq_cst);
      if (is_done) return true;
      if (!in_time) return done();
    }
  }

 private:
  // Some microseconds: what it costs to go to sleep and be woken.
  static constexpr unsigned kSpins = 64;

  static Clock::time_point DeadlineAfter(std::chrono::microseconds timeout);
  void Wake(uint32_t count);
  // Until the epoch is another one; false when the deadline has passed.
  bool Sleep(uint32_t epoch, Clock::time_point deadline);

  std::atomic<uint32_t> epoch_ = 0;  // what sleepers sleep on
  std::atomic<uint32_t> waiters_ = 0;
};

}  // namespace weir::runtime
