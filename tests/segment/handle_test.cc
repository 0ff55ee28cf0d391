// What an application may do with a connection, and what it is told: weir/connection.h and
// weir/handler.h, sentence by sentence.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Handles : public RigTest {
 protected:
  // Ends the connection by the peer's RST.
  void ResetByPeer(Rig& rig) { rig.In(Rst(1)); }
};

// Counts its calls; `context` of SendOwned.
void CountRelease(void* context) { ++*static_cast<unsigned*>(context); }

// --- a handle that outlives its connection ---

TEST_P(Handles, HandleThatWasNeverSetDoesNothing) {
  Connection c;
  EXPECT_FALSE(c.alive());
  EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
  unsigned released = 0;
  EXPECT_FALSE(c.SendOwned(Pattern(1, 10), CountRelease, &released));
  EXPECT_EQ(released, 0u);
  EXPECT_EQ(c.send_room(), 0u);
  c.Pause();
  c.Resume();
  c.Shutdown();
  c.Close();
  c.Abort();
  c.SetTimer(1);
  c.set_user(7);
  EXPECT_EQ(c.user(), 0u);
  EXPECT_FALSE(c.SetNoDelay(true));
  EXPECT_FALSE(c.SetKeepAlive(true));
  EXPECT_EQ(c.remote(), Endpoint{});
  EXPECT_EQ(c.Info().state, TcpState::kClosed);
}

TEST_P(Handles, HandleKeptTooLongFindsNothing) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  c.set_user(7);
  ResetByPeer(rig);
  EXPECT_FALSE(c.alive());
  EXPECT_EQ(c.user(), 0u);
  EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
  unsigned released = 0;
  EXPECT_FALSE(c.SendOwned(Pattern(1, 10), CountRelease, &released));
  EXPECT_EQ(c.send_room(), 0u);
  EXPECT_FALSE(c.SetNoDelay(true));
  EXPECT_EQ(c.remote(), Endpoint{});
  c.Abort();
  c.Close();
  c.SetTimer(1);
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kReset);
  EXPECT_EQ(rig.handler().timers, 0u);
  EXPECT_EQ(released, 0u);
}

TEST_P(Handles, OldHandleDoesNotFindTheNextConnectionInItsPlace) {
  Rig rig(Base());
  rig.Establish();
  Connection old = rig.c();
  old.set_user(7);
  ResetByPeer(rig);
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  EXPECT_NE(rig.c(), old);
  EXPECT_EQ(rig.c().user(), 0u) << "the old connection's";
  old.Abort();
  old.set_user(9);
  rig.Turn();
  rig.Quiet();
  rig.ExpectOpen();
  EXPECT_EQ(rig.c().user(), 0u);
}

TEST_P(Handles, HandleOfATimeWaitFindsNothing) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  c.Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_FALSE(c.alive());
  c.Abort();
  c.Close();
  rig.Turn();
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Handles, HandlesCompareEqualOnlyForOneConnection) {
  Rig rig(Base());
  rig.Establish();
  const Connection first = rig.c();
  rig.In(Data(1, 10).Acks(1));
  Connection seen;
  rig.handler().on_data = [&](Connection c, Bytes) { seen = c; };
  rig.In(Data(11, 10).Acks(1));
  EXPECT_EQ(seen, first);
  rig.Discard();
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  EXPECT_NE(rig.c(), first);
}

// --- the application's own 64 bits ---

TEST_P(Handles, UserIsKeptUntilOnClosedHasReturned) {
  Rig rig(Base());
  uint64_t in_on_closed = 0;
  Endpoint remote, local;
  rig.handler().on_open = [](Connection c) {
    EXPECT_EQ(c.user(), 0u);
    c.set_user(0xfedcba9876543210u);
  };
  rig.handler().on_closed = [&](Connection c, CloseReason) {
    in_on_closed = c.user();
    remote = c.remote();
    local = c.local();
  };
  rig.Establish();
  ResetByPeer(rig);
  EXPECT_EQ(in_on_closed, 0xfedcba9876543210u);
  EXPECT_EQ(remote, (Endpoint{PeerAddress(GetParam()), kPeerPort}));
  EXPECT_EQ(local, (Endpoint{StackAddress(GetParam()), kStackPort}));
}

// --- the timer ---

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
    unsigned released = 0;
    EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
    EXPECT_FALSE(c.SendOwned(Pattern(1, 10), CountRelease, &released));
    EXPECT_EQ(c.send_room(), 0u);
    rig.Turn();
    rig.Out(Fin(1).Acks(1));
    EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
    rig.In(Ack(1).Acks(2));
    EXPECT_EQ(rig.handler().writable, 0u);
    EXPECT_EQ(released, 0u);
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

// --- SendOwned ---

TEST_P(Handles, OwnedTextIsReleasedWhenItsLastOctetIsAcknowledged) {
  Rig rig(Base());
  rig.Establish({.mss = 1000});
  const std::vector<uint8_t> text = Pattern(1, 2500);
  unsigned released = 0;
  EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
  rig.Turn();
  rig.Out(Data(1, 1000).Acks(1));
  rig.Out(Data(1001, 1000).Acks(1));
  rig.In(Ack(1).Acks(2001));
  rig.Out(Data(2001, 500).Acks(1));
  rig.In(Ack(1).Acks(2500));
  EXPECT_EQ(released, 0u);
  rig.In(Ack(1).Acks(2501));
  EXPECT_EQ(released, 1u);
  ResetByPeer(rig);
  EXPECT_EQ(released, 1u);
}

TEST_P(Handles, OwnedTextIsReadAgainWhenItIsSentAgain) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 100);
  unsigned released = 0;
  EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
  rig.Turn();
  rig.Out(Data(1, 100).Acks(1));
  rig.OutAfter(Milliseconds(200), Data(1, 100).Acks(1));
  EXPECT_EQ(released, 0u);
  rig.In(Ack(1).Acks(101));
  EXPECT_EQ(released, 1u);
}

TEST_P(Handles, OwnedTextIsReleasedByAReset) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 100);
  unsigned released = 0;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(released, 0u);
  ResetByPeer(rig);
  EXPECT_EQ(released, 3u);
  rig.ExpectEmpty();
}

TEST_P(Handles, OwnedTextIsReleasedByAnAbort) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 100);
  unsigned released = 0;
  EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
  rig.c().Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(released, 1u);
  rig.ExpectEmpty();
}

TEST_P(Handles, OwnedTextIsReleasedWhenTheStackIsTakenDown) {
  const std::vector<uint8_t> text = Pattern(1, 100);
  unsigned released = 0;
  {
    Rig rig(Base());
    rig.Establish();
    EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
    rig.Turn();
    rig.Discard();
    EXPECT_EQ(released, 0u);
  }
  EXPECT_EQ(released, 1u);
}

TEST_P(Handles, OwnedTextIsSentInItsPlaceAmongTheCopied) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(11, 30);
  unsigned released = 0;
  EXPECT_EQ(rig.c().Send(Pattern(1, 10)), 10u);
  EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
  EXPECT_EQ(rig.c().Send(Pattern(41, 10)), 10u);
  rig.Turn();
  rig.Out(Data(1, 50).Acks(1));
  rig.In(Ack(1).Acks(40));
  EXPECT_EQ(released, 0u);
  rig.In(Ack(1).Acks(51));
  EXPECT_EQ(released, 1u);
}

TEST_P(Handles, OwnedTextDoesNotCountAgainstTheSendBuffer) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 100000);
  unsigned released = 0;
  EXPECT_TRUE(rig.c().SendOwned(text, CountRelease, &released));
  EXPECT_EQ(rig.c().send_room(), 2048u);
  rig.c().Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(released, 1u);
}

TEST_P(Handles, OwnedTextOfNoSizeIsRefused) {
  Rig rig(Base());
  rig.Establish();
  unsigned released = 0;
  EXPECT_FALSE(rig.c().SendOwned({}, CountRelease, &released));
  EXPECT_EQ(released, 0u);
}

// --- Send and OnWritable ---

TEST_P(Handles, SendTakesWhatFitsAndOnWritableFollows) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish({.mss = 1000});
  EXPECT_EQ(rig.Send(5000), 2048u);
  EXPECT_EQ(rig.c().send_room(), 0u);
  EXPECT_EQ(rig.c().Send(Pattern(1, 1)), 0u);
  rig.Out(Data(1, 1000).Acks(1));
  rig.Out(Data(1001, 1000).Acks(1));
  rig.Out(Data(2001, 48).Acks(1));
  EXPECT_EQ(rig.handler().writable, 0u);
  rig.In(Ack(1).Acks(1001));
  EXPECT_EQ(rig.handler().writable, 1u);
  EXPECT_EQ(rig.c().send_room(), 1000u);
  rig.In(Ack(1).Acks(2001));
  EXPECT_EQ(rig.handler().writable, 1u) << "nobody asked again";
  rig.Discard();
}

TEST_P(Handles, OnWritableIsNotCalledWhenSendTookEverything) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 1000).Acks(1));
  rig.In(Ack(1).Acks(1001));
  EXPECT_EQ(rig.handler().writable, 0u);
}

// --- OnData, Pause and Resume ---

TEST_P(Handles, PausedConnectionKeepsItsTextAndClosesItsWindow) {
  Options options = Base();
  options.listen.connection.receive_buffer = 4096;
  Rig rig(options);
  rig.Establish();
  rig.c().Pause();
  rig.InBurst({Data(1, 1000).Acks(1), Data(1001, 1000).Acks(1)});
  rig.Out(Ack(1).Acks(2001).Win(2096));
  rig.InBurst({Data(2001, 1000).Acks(1), Data(3001, 1000).Acks(1)});
  rig.Out(Ack(1).Acks(4001).Win(96));
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.c().Info().unread, 4000u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(4000);
  rig.Out(Ack(1).Acks(4001).Win(4096));
  rig.Quiet();
}

TEST_P(Handles, PauseInOnDataStopsTheNextCall) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes) { c.Pause(); };
  rig.InBurst({Data(1, 1000).Acks(1), Data(1001, 1000).Acks(1)});
  rig.Out(Ack(1).Acks(2001));
  rig.ExpectReceived(1000);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(2000);
}

TEST_P(Handles, ResumeWithoutPauseDeliversNothingTwice) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1));
  rig.c().Resume();
  rig.c().Pause();
  rig.c().Pause();
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().deliveries.size(), 1u);
  rig.Advance(Milliseconds(40));
  rig.Discard();
}

TEST_P(Handles, PeerClosedWaitsForThePausedReader) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1).Fin());
  rig.Out(Ack(1).Acks(12));
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.ExpectState(TcpState::kCloseWait);
  rig.Advance(Seconds(100));
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
}

TEST_P(Handles, ResetIsReportedToAPausedReaderAtOnce) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1));
  rig.In(Rst(11));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(Handles, TextIsDeliveredNoFasterThanItCanBeAnswered) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish({.mss = 1024, .window = 0});
  size_t echoed = 0;
  rig.handler().on_data = [&](Connection c, Bytes text) { echoed += c.Send(text); };
  rig.InBurst({Data(1, 1000).Acks(1).Win(0), Data(1001, 1000).Acks(1).Win(0),
               Data(2001, 1000).Acks(1).Win(0)});
  rig.ExpectReceived(2048);
  EXPECT_EQ(echoed, 2048u);
  rig.Discard();
  rig.In(Ack(3001).Acks(1));  // the window opens
  rig.Discard();
  rig.In(Ack(3001).Acks(2049));
  rig.ExpectReceived(3000);
  EXPECT_EQ(echoed, 3000u);
  rig.Discard();
}

TEST_P(Handles, TextIsDeliveredAllTheSameWhereTheListenerSaysSo) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  options.listen.connection.deliver_when_full = true;
  Rig rig(options);
  rig.Establish({.window = 0});
  rig.handler().on_data = [](Connection c, Bytes text) { (void)c.Send(text); };
  rig.InBurst({Data(1, 1000).Acks(1).Win(0), Data(1001, 1000).Acks(1).Win(0),
               Data(2001, 1000).Acks(1).Win(0)});
  rig.ExpectReceived(3000);
  rig.Discard();
}

// --- Info ---

TEST_P(Handles, InfoSaysWhatIsGoingOn) {
  Rig rig(Base());
  rig.Establish({.mss = 1000, .window = 1500});
  EXPECT_EQ(rig.Send(3000), 3000u);
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1).Win(1500));
  rig.In(Data(21, 10).Acks(1).Win(1500));
  const ConnectionInfo info = rig.c().Info();
  EXPECT_EQ(info.state, TcpState::kEstablished);
  EXPECT_EQ(info.remote, (Endpoint{PeerAddress(GetParam()), kPeerPort}));
  EXPECT_EQ(info.local, (Endpoint{StackAddress(GetParam()), kStackPort}));
  EXPECT_EQ(info.mss, 1000);
  EXPECT_EQ(info.announced_mss, GetParam() ? 1460 : 1440);
  EXPECT_EQ(info.send_window, 1500u);
  EXPECT_EQ(info.congestion_window, 10000u);
  EXPECT_EQ(info.unacknowledged + info.unsent, 3000u);
  EXPECT_GE(info.unacknowledged, 1000u);
  EXPECT_EQ(info.unread, 10u);
  EXPECT_EQ(info.out_of_order, 10u);
  rig.Discard();
}

TEST_P(Handles, InfoCountsDoublingsAndProbes) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  EXPECT_EQ(rig.c().Info().backoff, 0);
  rig.OutAfter(Milliseconds(200), Data(1, 100));
  rig.OutAfter(Milliseconds(400), Data(1, 100));
  EXPECT_EQ(rig.c().Info().backoff, 2);
  rig.In(Ack(1).Acks(101).Win(0));
  EXPECT_EQ(rig.Send(100), 100u);
  for (int probes = 0; probes < 3; ++probes) {
    EXPECT_EQ(rig.c().Info().probes, probes);
    rig.UntilNext(Seconds(20));
    rig.Out(Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
  }
  rig.In(Ack(1).Acks(101));
  rig.Out(Data(101, 100));
  EXPECT_EQ(rig.c().Info().probes, 0);
}

WEIR_BOTH_FAMILIES(Handles);

}  // namespace
}  // namespace weir::segment
