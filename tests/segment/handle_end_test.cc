// How an application ends a connection, and what it is told of the end.
#include <gtest/gtest.h>

#include "segment/handles.h"

namespace weir::segment {
namespace {

// --- Abort ---

TEST_P(Handles, AbortSendsAResetAndIsReportedOnce) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100).Acks(1));
  Connection c = rig.c();
  c.Abort();
  c.Abort();
  rig.Turn();
  rig.Out(RstAck(101).Acks(1));  // RFC 9293 3.10.5
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kAborted);  // MUST-12
  rig.ExpectEmpty();
  rig.In(Ack(1).Acks(101));
  rig.Out(Rst(101));
}

TEST_P(Handles, AbortInACallbackIsReportedAfterIt) {
  Rig rig(Base());
  rig.Establish();
  bool returned = false;
  rig.handler().on_data = [&](Connection c, Bytes) {
    c.Abort();
    EXPECT_TRUE(rig.handler().closed.empty());
    returned = true;
  };
  rig.handler().on_closed = [&](Connection, CloseReason) { EXPECT_TRUE(returned); };
  rig.In(Data(1, 10).Acks(1));
  rig.Out(RstAck(1).Acks(11));
  rig.ExpectClosed(CloseReason::kAborted);
}

TEST_P(Handles, AbortThrowsUnreadTextAway) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1));
  rig.c().Abort();
  rig.Turn();
  rig.Out(RstAck(1).Acks(11));
  rig.ExpectReceived(0);
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(Handles, AbortInOnOpenResets) {
  Rig rig(Base());
  rig.handler().on_open = [](Connection c) { c.Abort(); };
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(1, 10).Acks(1));
  rig.Any();
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectReceived(0);
  rig.ExpectEmpty();
}

TEST_P(Handles, ConnectionMayEndAnotherInItsCallback) {
  Rig rig(Base());
  rig.Establish();
  Connection first = rig.c();
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  rig.handler().on_data = [&](Connection, Bytes) { first.Abort(); };
  rig.In(Data(1, 10).Acks(1));
  EXPECT_FALSE(first.alive());
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectOpen();
  EXPECT_TRUE(rig.Any().rst());
  rig.Discard();
}

TEST_P(Handles, ServerThatStopsSaysSo) {
  Rig rig(Base());
  rig.Establish();
  rig.engine().AbortAll(CloseReason::kShutdown);
  rig.Turn();
  rig.Out(RstAck(1).Acks(1));
  rig.ExpectClosed(CloseReason::kShutdown);
  rig.ExpectEmpty();
}

TEST_P(Handles, ServerThatStopsWaitsForNoPausedReader) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Data(1, 10).Acks(2).Fin());
  rig.Out(Ack(2).Acks(12));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  EXPECT_EQ(rig.handler().closed.size(), 0u);
  rig.engine().AbortAll(CloseReason::kShutdown);
  rig.Turn();
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kNormal);
}

// --- Close and Shutdown ---

TEST_P(Handles, CloseIsReportedOnceAndNothingElseIs) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  c.Close();
  c.Close();
  c.Shutdown();
  c.SetTimer(10);
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  EXPECT_TRUE(c.alive()) << "OnClosed is still to come";
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.Advance(Seconds(61));
  rig.ExpectClosed(CloseReason::kNormal);
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  EXPECT_EQ(rig.handler().timers, 0u);
  rig.ExpectEmpty();
}

TEST_P(Handles, ShutdownTwiceSendsOneFin) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Shutdown();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.c().Shutdown();
  rig.Turn();
  rig.Quiet();
}

TEST_P(Handles, AbortAfterCloseResets) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.c().Abort();
  rig.Turn();
  rig.Out(RstAck(2).Acks(1));
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(Handles, SendAfterShutdownOrCloseTakesNothing) {
  for (const bool close : {false, true}) {
    SCOPED_TRACE(close);
    Rig rig(Base());
    rig.Establish();
    Connection c = rig.c();
    close ? c.Close() : c.Shutdown();
    Owned text(10);
    EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
    EXPECT_FALSE(text.Send(c));
    EXPECT_EQ(c.send_room(), 0u);
    rig.Turn();
    rig.Out(Fin(1).Acks(1));
    EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
    rig.In(Ack(1).Acks(2));
    EXPECT_EQ(rig.handler().writable, 0u);
    EXPECT_EQ(text.released, 0u);
  }
}

TEST_P(Handles, DefaultHandlerClosesWhenThePeerDoes) {
  class Default : public Handler {
   public:
    void OnData(Connection, Bytes) override {}
  };
  Default handler;
  Options options = Base();
  options.handler = &handler;
  Rig rig(options);
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Fin(1).Acks(2));
  rig.In(Ack(2).Acks(2));
  rig.ExpectEmpty();
}

// --- OnClosed's reason ---

TEST_P(Handles, TextThatCameBeforeAResetIsDeliveredFirst) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_closed = [&](Connection, CloseReason) { rig.ExpectReceived(10); };
  rig.InBurst({Data(1, 10).Acks(1), Rst(11)});
  rig.ExpectReceived(10);
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(Handles, FinAndResetInOneBurstAreReportedOnce) {
  Rig rig(Base());
  rig.Establish();
  rig.InBurst({Fin(1).Acks(1), Rst(2), Rst(2)});
  rig.Discard();
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(Handles, OpeningAndResetInOneBurstAreReportedInOrder) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.InBurst({Ack(1).Acks(1), Rst(1)});
  rig.Quiet();
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(Handles, GivingUpIsReportedAsTimeOut) {
  Options options = Base();
  options.tcp.retries2 = 2;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Advance(Seconds(10));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);  // MUST-20, MUST-12
  rig.ExpectEmpty();
}

TEST_P(Handles, CallsInOnClosedDoNothing) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_closed = [](Connection c, CloseReason) {
    EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
    c.SetTimer(10);
    c.Resume();
    c.Shutdown();
    c.Abort();
    c.Close();
  };
  ResetByPeer(rig);
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kReset);
  EXPECT_EQ(rig.handler().timers, 0u);
  rig.ExpectEmpty();
}

}  // namespace
}  // namespace weir::segment
