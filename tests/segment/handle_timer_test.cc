// The timer of a connection, as an application sets it.
#include <gtest/gtest.h>

#include "segment/handles.h"

namespace weir::segment {
namespace {

TEST_P(Handles, TimerCallsOnceAfterItsTime) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetTimer(1500);
  rig.Advance(Milliseconds(1498));
  EXPECT_EQ(rig.handler().timers, 0u);
  rig.Advance(Milliseconds(4));
  EXPECT_EQ(rig.handler().timers, 1u);
  rig.Advance(Seconds(100));
  EXPECT_EQ(rig.handler().timers, 1u);
}

TEST_P(Handles, TimerSetAgainReplacesTheFirst) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetTimer(1000);
  rig.c().SetTimer(5000);
  rig.Advance(Milliseconds(4990));
  EXPECT_EQ(rig.handler().timers, 0u);
  rig.c().SetTimer(100);  // sooner than the one it replaces
  rig.Advance(Milliseconds(102));
  EXPECT_EQ(rig.handler().timers, 1u);
  rig.Advance(Seconds(10));
  EXPECT_EQ(rig.handler().timers, 1u);
}

// Both timers run out in one turn, and the first to be told moves the other's.
TEST_P(Handles, TimerThatHasRunOutMayStillBeReplaced) {
  for (const uint32_t next : {5000u, 0u}) {
    Rig rig(Base());
    rig.Establish();
    rig.NewConnection(kPeerPort + 1);
    rig.Establish();
    const std::vector<Connection> both = rig.handler().opened;
    ASSERT_EQ(both.size(), 2u);
    rig.handler().on_timer = [&](Connection c) {
      Connection other = both[c == both[0] ? 1 : 0];
      if (rig.handler().timers == 1) other.SetTimer(next);
    };
    for (Connection c : both) c.SetTimer(100);
    rig.Advance(Milliseconds(200));
    EXPECT_EQ(rig.handler().timers, 1u);
    rig.Advance(Seconds(10));
    EXPECT_EQ(rig.handler().timers, next == 0 ? 1u : 2u);
  }
}

TEST_P(Handles, ZeroCancelsTheTimer) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetTimer(1000);
  rig.c().SetTimer(0);
  rig.Advance(Seconds(10));
  EXPECT_EQ(rig.handler().timers, 0u);
}

TEST_P(Handles, TimerMayBeSetInItsOwnCallback) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_timer = [](Connection c) { c.SetTimer(100); };
  rig.c().SetTimer(100);
  rig.Advance(Milliseconds(1050));
  EXPECT_EQ(rig.handler().timers, 10u);
  rig.c().SetTimer(0);
}

TEST_P(Handles, TimerDoesNotCallAfterClose) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetTimer(100);
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(10));
  EXPECT_EQ(rig.handler().timers, 0u);
}

TEST_P(Handles, TimerOutlivesAHalfClose) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetTimer(1000);
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Milliseconds(1002));
  EXPECT_EQ(rig.handler().timers, 1u);
}

TEST_P(Handles, LongestTimerDoesNotFireAtOnce) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetTimer(0x7fffffff);
  rig.Advance(Seconds(86400));
  EXPECT_EQ(rig.handler().timers, 0u);
}

}  // namespace
}  // namespace weir::segment
