// The timing wheel against a plain model, across every boundary and the wrap of the clock.
#include "base/timing_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/prng.h"

namespace weir {
namespace {

struct Record {
  WheelLink wheel_link;
  Millis wheel_at;
};

// A wheel of `count` records that begins at `start`.
struct Rig {
  explicit Rig(size_t count, uint32_t start = 0)
      : now(Time{} + Milliseconds(start)), records(count), wheel(records.data(), now) {
    for (uint32_t i = 0; i < count; ++i) wheel.Reset(i);
  }
  // To the next time at which the clock shows `ms`.
  std::vector<uint32_t> Advance(uint32_t ms, uint32_t budget = 1000000) {
    return AdvanceBy(ms - now.millis().value, budget);
  }
  std::vector<uint32_t> AdvanceBy(int64_t ms, uint32_t budget = 1000000) {
    now = now + Milliseconds(ms);
    std::vector<uint32_t> expired;
    complete = wheel.Advance(now, budget, [&](uint32_t i) { expired.push_back(i); });
    return expired;
  }
  Time now;
  std::vector<Record> records;
  TimingWheel<Record> wheel;
  bool complete = true;
};

TEST(TimingWheel, ExpiresOnTheMillisecondAndNotBefore) {
  for (const uint32_t start : {0u, 1u, 255u, 256u, 65535u, 0xffffff00u, 0xfffffffeu, 0x7fffffffu}) {
    for (const uint32_t away : {1u, 2u, 255u, 256u, 257u, 511u, 512u, 65535u, 65536u, 65537u,
                                16777215u, 16777216u, 16777217u}) {
      Rig rig(1, start);
      rig.wheel.Arm(0, Millis{start + away});
      EXPECT_TRUE(rig.Advance(start + away - 1).empty()) << start << "+" << away;
      EXPECT_EQ(rig.Advance(start + away).size(), 1u) << start << "+" << away;
      EXPECT_EQ(rig.wheel.armed_count(), 0u);
    }
  }
}

TEST(TimingWheel, ExpiresAPastDeadlineAtTheNextTick) {
  Rig rig(1, 1000);
  rig.wheel.Arm(0, Millis{900});
  EXPECT_TRUE(rig.Advance(1000).empty());
  EXPECT_EQ(rig.Advance(1001).size(), 1u);
}

TEST(TimingWheel, ALaterDeadlineLeavesTheRecordWhereItIs) {
  Rig rig(1, 0);
  rig.wheel.Arm(0, Millis{100});
  rig.wheel.Arm(0, Millis{500});
  EXPECT_EQ(rig.records[0].wheel_at, Millis{100});
  rig.wheel.Arm(0, Millis{50});
  EXPECT_EQ(rig.records[0].wheel_at, Millis{50});
  EXPECT_EQ(rig.Advance(50).size(), 1u);
  EXPECT_TRUE(rig.Advance(1000).empty());
}

TEST(TimingWheel, CancelledRecordsNeverExpire) {
  Rig rig(3, 0);
  for (uint32_t i = 0; i < 3; ++i) rig.wheel.Arm(i, Millis{10});
  rig.wheel.Cancel(1);
  rig.wheel.Cancel(1);
  EXPECT_EQ(rig.Advance(10).size(), 2u);
}

TEST(TimingWheel, ExpiringMayCancelAndArmOthers) {
  Rig rig(3, 0);
  for (uint32_t i = 0; i < 3; ++i) rig.wheel.Arm(i, Millis{10});
  std::vector<uint32_t> expired;
  rig.wheel.Advance(Time{} + Milliseconds(20), 100, [&](uint32_t i) {
    expired.push_back(i);
    if (expired.size() == 1) {
      rig.wheel.Cancel((i + 1) % 3);
      rig.wheel.Arm(i, Millis{15});
    }
  });
  ASSERT_EQ(expired.size(), 3u);
  EXPECT_EQ(expired[0], expired[2]);  // once at 10 and once at 15
}

// Millis compares 24.8 days and wraps after 49.7.
TEST(TimingWheel, MayBeLeftAloneForAnyTime) {
  constexpr int64_t kHour = 3600000, kDay = 24 * kHour;
  for (const uint32_t start : {0u, 1u, 255u, 0x7fffffffu, 0xfffffffeu}) {
    for (const int64_t gap : {kHour, 2 * kHour, kDay, 24 * kDay, 25 * kDay, 49 * kDay, 50 * kDay,
                              75 * kDay, 1000 * kDay}) {
      SCOPED_TRACE(testing::Message() << start << " for " << gap << " ms");
      Rig rig(3, start);
      rig.wheel.Arm(0, Millis{start + 1});
      rig.wheel.Arm(1, Millis{start + 70000});
      rig.wheel.Arm(2, Millis{start + 0x7fffffffu});
      const bool all = gap > 0x7fffffff;
      EXPECT_EQ(rig.AdvanceBy(gap).size() + rig.AdvanceBy(1).size(), all ? 3u : 2u);
      EXPECT_EQ(rig.wheel.now(), rig.now.millis());
      rig.wheel.Arm(0, rig.wheel.now() + 1000);
      EXPECT_TRUE(rig.AdvanceBy(999).empty());
      EXPECT_EQ(rig.AdvanceBy(1), (std::vector<uint32_t>{0}));
      if (all) continue;
      EXPECT_TRUE(rig.AdvanceBy(0x7fffffff - gap - 1002).empty());
      EXPECT_EQ(rig.AdvanceBy(1).size() + rig.AdvanceBy(1).size(), 1u);
    }
  }
}

// As by a segment that comes before the timers run.
TEST(TimingWheel, DeadlineSetAfterALongTimeIsKept) {
  for (const int64_t days : {0, 1, 24, 25, 49}) {
    SCOPED_TRACE(days);
    Rig rig(1, 0xfffffff0u);
    const int64_t gap = days * 86400000;
    rig.wheel.Arm(0, (rig.now + Milliseconds(gap + 1000)).millis());
    EXPECT_TRUE(rig.AdvanceBy(gap).empty());
    EXPECT_TRUE(rig.AdvanceBy(999).empty());
    EXPECT_EQ(rig.AdvanceBy(1).size(), 1u);
  }
}

TEST(TimingWheel, MayBeLeftAloneInTheMiddleOfItsWork) {
  constexpr uint32_t kCount = 100;
  for (const uint32_t budget : {10u, 150u}) {
    Rig rig(kCount);
    for (uint32_t i = 0; i < kCount; ++i) rig.wheel.Arm(i, Millis{70000 + i});
    size_t expired = rig.Advance(70050, budget).size();
    EXPECT_FALSE(rig.complete);
    expired += rig.AdvanceBy(int64_t{40} * 86400000).size() + rig.AdvanceBy(1).size();
    EXPECT_EQ(expired, kCount);
  }
}

TEST(TimingWheel, DoesBoundedWorkACallAndLosesNothing) {
  constexpr uint32_t kCount = 5000;
  Rig rig(kCount, 0);
  for (uint32_t i = 0; i < kCount; ++i) rig.wheel.Arm(i, Millis{70000 + i % 3});
  std::vector<bool> seen(kCount);
  size_t calls = 0;
  do {
    for (const uint32_t i : rig.Advance(70010, 100)) {
      EXPECT_FALSE(seen[i]);
      seen[i] = true;
    }
    ASSERT_LT(++calls, 1000u);
  } while (!rig.complete);
  EXPECT_GT(calls, kCount / 100);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kCount);
}

TEST(TimingWheel, NextIsNeverLaterThanTheFirstExpiry) {
  Prng prng(7);
  for (int round = 0; round < 2000; ++round) {
    const auto start = static_cast<uint32_t>(prng.Next());
    Rig rig(4, start);
    uint32_t first = 0x7fffffff;
    for (uint32_t i = 0; i < 4; ++i) {
      const auto away = static_cast<uint32_t>(1 + prng.Below(uint64_t{1} << prng.Below(31)));
      rig.wheel.Arm(i, Millis{start + away});
      first = std::min(first, away);
    }
    const int32_t next = rig.wheel.Next() - Millis{start};
    EXPECT_GT(next, 0);
    EXPECT_LE(static_cast<uint32_t>(next), first);
  }
}

TEST(TimingWheel, AgreesWithAPlainModelOverRandomUse) {
  for (const uint32_t start : {0u, 0xffff0000u, 0x7ffff000u, 0xfffffff0u}) {
    constexpr uint32_t kCount = 300;
    Prng prng(start + 1);
    Rig rig(kCount, start);
    std::map<uint32_t, uint32_t> model;  // record -> milliseconds after start
    uint32_t now = 0;
    for (int step = 0; step < 20000; ++step) {
      const auto i = static_cast<uint32_t>(prng.Below(kCount));
      switch (prng.Below(4)) {
        case 0: {
          const auto at =
              static_cast<uint32_t>(now + 1 + prng.Below(uint64_t{1} << prng.Below(20)));
          const auto old = model.find(i);
          rig.wheel.Arm(i, Millis{start + at});
          if (old == model.end() || at < old->second) model[i] = at;
          break;
        }
        case 1:
          rig.wheel.Cancel(i);
          model.erase(i);
          break;
        default: {
          now += static_cast<uint32_t>(prng.Below(prng.Chance(50) ? 5000 : 40));
          std::vector<uint32_t> expected;
          for (auto it = model.begin(); it != model.end();) {
            if (it->second <= now) {
              expected.push_back(it->first);
              it = model.erase(it);
            } else {
              ++it;
            }
          }
          std::vector<uint32_t> expired = rig.Advance(start + now);
          std::sort(expired.begin(), expired.end());
          ASSERT_EQ(expired, expected) << "start " << start << " step " << step;
        }
      }
      ASSERT_EQ(rig.wheel.armed_count(), model.size());
    }
  }
}

}  // namespace
}  // namespace weir
