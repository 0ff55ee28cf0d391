// Clock: conversion, monotony, and what happens when the processor was taken away.
#include "port/clock.h"

#include "gtest/gtest.h"

namespace weir::port {
namespace {

constexpr uint64_t kHz = 2'300'000'000;
constexpr uint64_t kStart = 0xffff'ffff'0000;
constexpr Time kOrigin{(int64_t{1} << 32) - 1000};

uint64_t CyclesAfter(Duration d) { return kStart + static_cast<uint64_t>(d.us) * (kHz / 1000000); }

TEST(ClockTest, BeginsAtItsOrigin) {
  Clock clock(kHz, kStart, kOrigin);
  EXPECT_EQ(clock.Advance(kStart), kOrigin);
}

TEST(ClockTest, CountsMicroseconds) {
  Clock clock(kHz, kStart, kOrigin);
  for (int i = 1; i <= 1000; ++i) {
    const Duration away = Microseconds(i * 37);
    // Rounding down may hide a fraction of a microsecond, never more.
    const int64_t error = (kOrigin + away - clock.Advance(CyclesAfter(away) + 1)).us;
    EXPECT_GE(error, 0);
    EXPECT_LE(error, 1);
  }
  EXPECT_EQ(clock.lost(), Duration{});
}

TEST(ClockTest, DoesNotDriftOverYears) {
  // One turn a second would be too slow to test; the sum of steps is what the TSC says.
  Clock clock(kHz, 0, Time{0});
  const int64_t ten_years_us = int64_t{10} * 365 * 86400 * 1000000;
  const uint64_t cycles = static_cast<uint64_t>(ten_years_us) * 2300;
  const Time late = clock.Advance(cycles, Microseconds(ten_years_us));
  EXPECT_NEAR(static_cast<double>(late.us), static_cast<double>(ten_years_us), 1.0);
  EXPECT_EQ(clock.lost(), Duration{});
}

TEST(ClockTest, NeverGoesBack) {
  Clock clock(kHz, kStart, kOrigin);
  const Time now = clock.Advance(CyclesAfter(Milliseconds(2)));
  EXPECT_EQ(clock.Advance(CyclesAfter(Milliseconds(1))), now);
  EXPECT_EQ(clock.Advance(kStart - 1), now);
  EXPECT_GT(clock.Advance(CyclesAfter(Milliseconds(3))), now);
}

TEST(ClockTest, CutsAStallAndCountsWhatIsLost) {
  Clock clock(kHz, kStart, kOrigin);
  EXPECT_EQ(clock.Advance(CyclesAfter(Seconds(3))), kOrigin + Clock::kStepMax);
  EXPECT_EQ(clock.lost(), Seconds(3) - Clock::kStepMax);
  // Afterwards it goes on at the world's pace.
  const Time now = clock.now();
  EXPECT_NEAR(
      static_cast<double>((clock.Advance(CyclesAfter(Seconds(3) + Milliseconds(7))) - now).us),
      7000.0, 1.0);
  EXPECT_EQ(clock.lost(), Seconds(3) - Clock::kStepMax);
}

// Turns of `step` for `length`, and a look at a clock that runs `ppm` faster than the TSC once a
// second. Returns how far it is away in the end.
int64_t DistanceAfterFollowing(Duration length, Duration step, int64_t ppm, Duration ahead) {
  Clock clock(kHz, kStart, kOrigin);
  Duration next_look;
  Time before = kOrigin;
  for (Duration at; at <= length; at = at + step) {
    const Time now = clock.Advance(CyclesAfter(at));
    EXPECT_GE(now, before);
    EXPECT_LE((now - before).us, step.us + step.us * Clock::kTrimMaxPpm / 1000000 + 2);
    before = now;
    if (at < next_look) continue;
    next_look = next_look + Seconds(1);
    clock.Follow(kOrigin + at + ahead + Microseconds(at.us / 1000000 * ppm));
  }
  return (kOrigin + length + ahead + Microseconds(length.us / 1000000 * ppm) - before).us;
}

TEST(ClockTest, FollowsAClockThatRunsDifferently) {
  for (const int64_t ppm : {-2000, -1, 0, 150, 2000}) {
    for (const Duration step : {Microseconds(700), Milliseconds(40)}) {
      const int64_t away_us = DistanceAfterFollowing(Seconds(60), step, ppm, {});
      // What it is slow by in a second, twice: half of the distance goes in each.
      EXPECT_NEAR(static_cast<double>(away_us), 0, 2.0 * 2000 + 2100) << ppm;
    }
  }
}

TEST(ClockTest, CatchesUpSlowlyInBothDirections) {
  for (const int64_t ahead_us : {-300000, -20, 20, 300000}) {
    const int64_t away_us =
        DistanceAfterFollowing(Seconds(60), Milliseconds(1), 0, Microseconds(ahead_us));
    EXPECT_NEAR(static_cast<double>(away_us), 0, 3) << ahead_us;
  }
  // A clock that was set is not jumped to: 1 % of 60 seconds.
  const int64_t away_us = DistanceAfterFollowing(Seconds(60), Milliseconds(1), 0, Seconds(3600));
  EXPECT_NEAR(static_cast<double>(away_us), 3599.4e6, 1e4);
}

TEST(ClockTest, WhatAStallLostComesBackWhereItFollows) {
  Clock clock(kHz, kStart, kOrigin);
  clock.Advance(CyclesAfter(Milliseconds(500)));
  EXPECT_EQ(clock.lost(), Milliseconds(450));
  for (int i = 500; i < 120000; ++i) {
    if (i % 1000 == 0) clock.Follow(kOrigin + Milliseconds(i));
    clock.Advance(CyclesAfter(Milliseconds(i + 1)));
  }
  EXPECT_NEAR(static_cast<double>((clock.now() - kOrigin).us), 120e6, 1100);
}

TEST(ClockTest, AnIntendedSleepIsNoStall) {
  Clock clock(kHz, kStart, kOrigin);
  const Duration sleep = Seconds(10);
  EXPECT_NEAR(static_cast<double>((clock.Advance(CyclesAfter(sleep), sleep) - kOrigin).us),
              static_cast<double>(sleep.us), 1.0);
  EXPECT_EQ(clock.lost(), Duration{});
}

TEST(ClockTest, AStallDuringASleepIsCutBehindIt) {
  Clock clock(kHz, kStart, kOrigin);
  const Duration sleep = Milliseconds(5);
  EXPECT_EQ(clock.Advance(CyclesAfter(Seconds(1)), sleep), kOrigin + sleep + Clock::kStepMax);
}

}  // namespace
}  // namespace weir::port
