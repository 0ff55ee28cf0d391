// How long an end may take: orphans, LAST-ACK, a forgotten CLOSE-WAIT, linger.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class CloseLimits : public TransferTest {
 protected:
  static void Close(Rig& rig) {
    rig.c().Close();
    rig.Turn();
  }
};

// --- orphans ---

// Eight retransmissions at 200 ms and doubling, instead of R2's fifteen.
TEST_P(CloseLimits, ClosedConnectionIsGivenUpAfterEightRetransmissions) {
  Rig rig(Base());
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  int64_t ms = 200;
  for (int i = 0; i < 8; ++i, ms *= 2) rig.OutAfter(Milliseconds(ms), Fin(1).Acks(1));
  rig.OutAfter(Milliseconds(ms), RstAck(2));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, LastAckIsGivenUpAfterEightRetransmissions) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_peer_closed = [](Connection c) { c.Close(); };
  rig.In(Fin(1).Acks(1));
  rig.Out(Fin(1).Acks(2));
  rig.ExpectState(TcpState::kLastAck);
  int64_t ms = 200;
  for (int i = 0; i < 8; ++i, ms *= 2) rig.OutAfter(Milliseconds(ms), Fin(1).Acks(2));
  rig.OutAfter(Milliseconds(ms), RstAck(2));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

// A half-closed connection still has its application, which may wait as long as R2 allows.
TEST_P(CloseLimits, ShutDownConnectionIsGivenUpAtR2Only) {
  Options options = Base();
  options.tcp.orphan_retries = 1;
  options.tcp.retries2 = 3;
  Rig rig(options);
  rig.Establish();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  for (const int ms : {200, 400, 800}) rig.OutAfter(Milliseconds(ms), Fin(1).Acks(1));
  rig.OutAfter(Milliseconds(1600), RstAck(2));
  rig.ExpectClosed(CloseReason::kTimedOut);
}

// A peer that keeps its window closed and answers every probe would keep an orphan for ever (S40).
TEST_P(CloseLimits, OrphanBeforeAClosedWindowIsGivenUpThoughItsProbesAreAnswered) {
  Rig rig(Base());
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(600), 600u);
  rig.Out(Data(1, 100));
  rig.In(Ack(1).Acks(101).Win(0));
  Close(rig);
  for (int i = 0; i < 8; ++i) {
    rig.UntilNext(Seconds(121));
    rig.Out(Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
  }
  rig.UntilNext(Seconds(121));
  rig.Out(RstAck(101));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

// The same with text in flight that a shrunken window takes back, and with a window that opens by a
// crumb now and then.
TEST_P(CloseLimits, OrphanWhosePeerOnlySaysThatItsWindowIsShutIsGivenUp) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(600), 600u);
  rig.Out(Data(1, 600));
  Close(rig);
  rig.Discard();
  for (int i = 0; i < 20 && rig.engine().usage().connections != 0; ++i) {
    rig.In(Ack(1).Acks(1).Win(0));
    rig.Discard();
    rig.Advance(Seconds(121));
    rig.Discard();
  }
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, OrphanBeforeAWindowThatFlickersIsGivenUp) {
  Rig rig(Base());
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(600), 600u);
  rig.Out(Data(1, 100));
  rig.In(Ack(1).Acks(101).Win(0));
  Close(rig);
  for (int i = 0; i < 40 && rig.engine().usage().connections != 0; ++i) {
    rig.Advance(Seconds(121));
    rig.Discard();
    rig.In(Ack(1).Acks(101).Win(static_cast<uint16_t>(i % 4 == 3 ? 1 : 0)));
    rig.Discard();
  }
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, MoreOrphansThanAllowedAreReset) {
  Options options = Base();
  options.tcp.max_orphans = 2;
  Rig rig(options);
  for (uint16_t port = 1; port <= 3; ++port) {
    rig.NewConnection(port);
    rig.Establish();
    EXPECT_EQ(rig.engine().usage().orphans, port - 1u);
    Close(rig);
    const Seg end = rig.Any();
    EXPECT_EQ(end.rst(), port == 3) << end.ToString();
  }
  EXPECT_EQ(rig.engine().usage().orphans, 2u);
  EXPECT_EQ(rig.counter(Counter::kTcpOrphansRefused), 1u);
  EXPECT_EQ(rig.handler().closed, std::vector{CloseReason::kNoResources});
  rig.Advance(Seconds(200));
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().orphans, 0u);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, TimeWaitIsNoOrphan) {
  Rig rig(Base());
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  EXPECT_EQ(rig.engine().usage().orphans, 1u);
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_EQ(rig.engine().usage().orphans, 0u);
}

// --- CLOSE-WAIT ---

TEST_P(CloseLimits, ForgottenCloseWaitCanBeSeen) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  EXPECT_EQ(rig.engine().usage().close_wait, 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpCloseWait), 1u);
  rig.Advance(Seconds(86400));
  rig.Quiet();
  rig.ExpectState(TcpState::kCloseWait);
  EXPECT_NEAR(rig.c().Info().silent_ms, 86400000, 5);
  Close(rig);
  rig.Out(Fin(1).Acks(2));
  EXPECT_EQ(rig.engine().usage().close_wait, 0u);
}

TEST_P(CloseLimits, ForgottenCloseWaitIsResetAfterItsLimit) {
  Options options = Base();
  options.listen.connection.close_wait_ms = 30000;
  Rig rig(options);
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.OutAfter(Seconds(30), RstAck(1).Acks(2));
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_EQ(rig.counter(Counter::kTcpCloseWaitOver), 1u);
  EXPECT_EQ(rig.engine().usage().close_wait, 0u);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, LimitOfCloseWaitCanBeTakenAwayAgain) {
  Options options = Base();
  options.listen.connection.close_wait_ms = 30000;
  Rig rig(options);
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  EXPECT_TRUE(rig.c().Configure({.close_wait_ms = 0}).ok());
  rig.Advance(Seconds(86400));
  rig.Quiet();
  rig.ExpectState(TcpState::kCloseWait);
  EXPECT_TRUE(rig.c().Configure({.close_wait_ms = 5000}).ok());
  rig.OutAfter(Seconds(5), RstAck(1));
  rig.ExpectClosed(CloseReason::kTimedOut);
}

// The limit is for those that nobody attends to: what is sent starts it anew once acknowledged, and
// has its own timer until then.
TEST_P(CloseLimits, CloseWaitInWhichTheApplicationSendsIsNotForgotten) {
  Options options = Base();
  options.listen.connection.close_wait_ms = 30000;
  Rig rig(options);
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.Advance(Seconds(29));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(200), Data(1, 10));
  rig.In(Ack(2).Acks(11));
  rig.Advance(Seconds(29));
  rig.Quiet();
  rig.ExpectState(TcpState::kCloseWait);
  rig.Advance(Milliseconds(1100));
  EXPECT_TRUE(rig.Any().rst());
  rig.ExpectClosed(CloseReason::kTimedOut);
}

// --- linger ---

TEST_P(CloseLimits, CloseThatMayNotLingerIsAReset) {
  Options options = Base();
  options.listen.connection.linger_ms = 0;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  Close(rig);
  rig.Out(RstAck(11).Acks(1));
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, CloseIsResetWhenItLingersTooLong) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().Configure({.linger_ms = 1000}).ok());
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  Close(rig);
  rig.Out(Fin(11).Acks(1));
  rig.OutAfter(Milliseconds(200), Fin(1).Octets(10));
  rig.OutAfter(Milliseconds(400), Fin(1).Octets(10));
  rig.OutAfter(Milliseconds(400), RstAck(12));
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_EQ(rig.counter(Counter::kTcpLingerOver), 1u);
  rig.ExpectEmpty();
}

TEST_P(CloseLimits, LingerIsNotEndedByTheApplicationsTimer) {
  Options options = Base();
  options.listen.connection.linger_ms = 1000;
  Rig rig(options);
  rig.Establish();
  rig.c().Close();
  rig.c().SetTimer(0);
  rig.c().SetTimer(5000);
  rig.Turn();
  rig.Discard();
  rig.Advance(Milliseconds(1005));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_EQ(rig.handler().timers, 0u);
  rig.ExpectEmpty();
}

// All that was to linger has been acknowledged; the peer's FIN has its own time.
TEST_P(CloseLimits, LingerDoesNotEndFinWait2) {
  Options options = Base();
  options.listen.connection.linger_ms = 1000;
  Rig rig(options);
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(59));
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  rig.Advance(Seconds(2));
  rig.Quiet();
  rig.ExpectEmpty();
}

// --- a reader that takes its time ---

// Everything is acknowledged and over, but the application has paused and comes back by its timer.
TEST_P(CloseLimits, PausedReaderKeepsItsTimerWhenTheConnectionHasEnded) {
  Rig rig(Base());
  rig.handler().on_timer = [](Connection c) { c.Resume(); };
  rig.Establish();
  rig.c().Pause();
  rig.c().SetTimer(5000);
  rig.In(Fin(1).Acks(1).Octets(100));
  rig.Out(Ack(1).Acks(102));
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(102));
  rig.In(Ack(102).Acks(2));
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.Advance(Milliseconds(5005));
  rig.ExpectReceived(100);
  rig.ExpectClosed(CloseReason::kNormal);
  rig.ExpectEmpty();
}

WEIR_BOTH_FAMILIES(CloseLimits);

}  // namespace
}  // namespace weir::segment
