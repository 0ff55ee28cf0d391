// What counts against the limit on fast opens, and until when.
#include "tcp/fast_open_pending.h"

#include <gtest/gtest.h>

namespace weir::tcp {
namespace {

constexpr Time kNow = Time{} + PendingFastOpens::kWindow * 1000;  // a window begins

TEST(PendingFastOpens, CountUntilTheyEnd) {
  PendingFastOpens pending;
  EXPECT_EQ(pending.count(kNow), 0u);
  pending.Begin();
  pending.Begin();
  EXPECT_EQ(pending.count(kNow + Seconds(10000)), 2u);
  pending.End();
  EXPECT_EQ(pending.count(kNow + Seconds(10000)), 1u);
}

// RFC7413-5.1r: for one to two minutes.
TEST(PendingFastOpens, ThatEndEarlyCountOn) {
  constexpr Duration kWindow = PendingFastOpens::kWindow;
  for (const Duration at : {Seconds(0), Seconds(59)}) {
    PendingFastOpens pending;
    pending.Begin();
    pending.EndEarly(kNow + at);
    EXPECT_EQ(pending.count(kNow + at), 1u);
    EXPECT_EQ(pending.count(kNow + kWindow), 1u);
    EXPECT_EQ(pending.count(kNow + kWindow * 2 - Microseconds(1)), 1u);
    EXPECT_EQ(pending.count(kNow + kWindow * 2), 0u);
  }
}

TEST(PendingFastOpens, ThatEndedEarlyAreForgottenAfterASilence) {
  PendingFastOpens pending;
  for (int i = 0; i < 5; ++i) {
    pending.Begin();
    pending.EndEarly(kNow);
  }
  EXPECT_EQ(pending.count(kNow), 5u);
  EXPECT_EQ(pending.count(kNow + Seconds(86400)), 0u);
}

}  // namespace
}  // namespace weir::tcp
