// IdlePolicy: who spins, who sleeps, and for how long.
#include "runtime/idle_policy.h"

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

constexpr Time kNow{1000000};
constexpr Time kFar{1000000000};

IdlePolicy::Rest AfterEmptyTurns(IdlePolicy& policy, uint32_t turns, Time deadline) {
  IdlePolicy::Rest rest;
  for (uint32_t i = 0; i < turns; ++i) rest = policy.AfterTurn(false, kNow, deadline);
  return rest;
}

TEST(IdlePolicyTest, SpinNeverRests) {
  IdlePolicy policy(Idle::kSpin, Microseconds(500));
  const IdlePolicy::Rest rest = AfterEmptyTurns(policy, 1000, kFar);
  EXPECT_FALSE(rest.pause);
  EXPECT_EQ(rest.sleep, Duration{});
}

TEST(IdlePolicyTest, PauseNeverSleeps) {
  IdlePolicy policy(Idle::kPause, Microseconds(500));
  const IdlePolicy::Rest rest = AfterEmptyTurns(policy, 1000, kFar);
  EXPECT_TRUE(rest.pause);
  EXPECT_EQ(rest.sleep, Duration{});
}

TEST(IdlePolicyTest, SleepComesAfterEnoughEmptyTurns) {
  IdlePolicy policy(Idle::kSleep, Microseconds(500));
  EXPECT_EQ(AfterEmptyTurns(policy, IdlePolicy::kEmptyTurns, kFar).sleep, Duration{});
  EXPECT_EQ(policy.AfterTurn(false, kNow, kFar).sleep, Microseconds(500));
}

TEST(IdlePolicyTest, WorkKeepsAwake) {
  IdlePolicy policy(Idle::kSleep, Microseconds(500));
  AfterEmptyTurns(policy, IdlePolicy::kEmptyTurns + 1, kFar);
  const IdlePolicy::Rest busy = policy.AfterTurn(true, kNow, kNow);
  EXPECT_FALSE(busy.pause);
  EXPECT_EQ(busy.sleep, Duration{});
  EXPECT_EQ(policy.AfterTurn(false, kNow, kFar).sleep, Duration{});
}

TEST(IdlePolicyTest, ADeadlineEndsASleep) {
  IdlePolicy policy(Idle::kSleep, Microseconds(500));
  const auto rest = AfterEmptyTurns(policy, IdlePolicy::kEmptyTurns + 1, kNow + Microseconds(120));
  EXPECT_EQ(rest.sleep, Microseconds(120));
}

TEST(IdlePolicyTest, APassedDeadlineAllowsNoSleep) {
  IdlePolicy policy(Idle::kSleep, Microseconds(500));
  const auto rest = AfterEmptyTurns(policy, IdlePolicy::kEmptyTurns + 1, kNow - Seconds(1));
  EXPECT_EQ(rest.sleep, Duration{});
  EXPECT_TRUE(rest.pause);
}

}  // namespace
}  // namespace weir::runtime
