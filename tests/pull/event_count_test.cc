// EventCount: nobody sleeps through what he waits for.
#include "runtime/event_count.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::microseconds kForEver = std::chrono::microseconds::max();

TEST(EventCount, ReturnsAtOnceWhenItIsDone) {
  EventCount event;
  EXPECT_TRUE(event.Await(kForEver, [] { return true; }));
  EXPECT_FALSE(event.Await(milliseconds(0), [] { return false; }));
}

TEST(EventCount, WaitsUntilTheTimeIsOver) {
  EventCount event;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(event.Await(milliseconds(2), [] { return false; }));
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(2));
}

TEST(EventCount, LooksOnceMoreWhenTheTimeIsOver) {
  EventCount event;
  const auto until = std::chrono::steady_clock::now() + milliseconds(2);
  EXPECT_TRUE(
      event.Await(milliseconds(2), [&] { return std::chrono::steady_clock::now() >= until; }));
}

// One waits for the other in turn, so that a lost wake-up would stop both for ever.
TEST(EventCount, LosesNoWakeUp) {
  constexpr uint32_t kRounds = 20000;
  EventCount there, back;
  std::atomic<uint32_t> ball = 0;
  std::thread other([&] {
    for (uint32_t i = 1; i < 2 * kRounds; i += 2) {
      EXPECT_TRUE(there.Await(kForEver, [&] { return ball.load() == i; }));
      ball.store(i + 1);
      back.Notify(1);
    }
  });
  for (uint32_t i = 0; i < 2 * kRounds; i += 2) {
    EXPECT_TRUE(back.Await(kForEver, [&] { return ball.load() == i; }));
    ball.store(i + 1);
    there.Notify(1);
  }
  EXPECT_TRUE(back.Await(kForEver, [&] { return ball.load() == 2 * kRounds; }));
  other.join();
}

// Each of many sleepers takes one; some give up in between.
TEST(EventCount, WhatIsNotifiedOnceIsTakenBySomebody) {
  constexpr uint32_t kThings = 20000;
  EventCount event;
  std::atomic<uint32_t> things = 0, taken = 0;
  const auto take = [&] {
    uint32_t there = things.load();
    while (there > 0) {
      if (things.compare_exchange_weak(there, there - 1)) return true;
    }
    return false;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      while (taken.load() < kThings) {
        const auto patience = i == 0 ? std::chrono::microseconds(20) : milliseconds(5);
        if (event.Await(patience, take)) taken.fetch_add(1);
      }
    });
  }
  for (uint32_t i = 0; i < kThings; ++i) {
    things.fetch_add(1);
    event.Notify(1);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(things.load(), 0u);
  EXPECT_EQ(taken.load(), kThings);
}

}  // namespace
}  // namespace weir::runtime
