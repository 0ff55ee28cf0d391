// Every way in which a connection closes: RFC 9293 3.6 and 3.10.7.4, TIME-WAIT with RFC 1337 and
// RFC 6191, and what SHLD-3 asks of an application that does not read to the end.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Closing : public RigTest {
 protected:
  void Shutdown(Rig& rig) {
    rig.c().Shutdown();
    rig.Turn();
  }
  void Close(Rig& rig) {
    rig.c().Close();
    rig.Turn();
  }
  // ESTABLISHED to TIME-WAIT by an active close.
  void IntoTimeWait(Rig& rig, std::optional<uint32_t> ts = {}) {
    rig.Establish({.ts = ts});
    Close(rig);
    const Seg fin = rig.Out(Fin(1).Acks(1));
    Seg peers = Fin(1).Acks(2);
    if (ts) peers.Ts(*ts, fin.options.ts_value);
    rig.In(peers);
    rig.Out(Ack(2).Acks(2));
    rig.ExpectClosed(CloseReason::kNormal);
    EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  }
  // A SYN for the tuple in TIME-WAIT, at this distance from the old connection's first SYN.
  void Reopen(Rig& rig, Seq peer_iss, std::optional<uint32_t> ts = {}) {
    rig.NewConnection(kPeerPort, peer_iss);
    Seg syn = Syn(0).Mss(1460);
    if (ts) syn.Ts(*ts, 0);
    rig.In(syn);
  }
};

// --- this side first ---

TEST_P(Closing, ActiveCloseGoesThroughFinWait1AndFinWait2ToTimeWait) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.ExpectState(TcpState::kFinWait1);
  rig.In(Ack(1).Acks(2));
  rig.Quiet();
  rig.ExpectState(TcpState::kFinWait2);
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.ExpectClosed(CloseReason::kNormal);  // MUST-12
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, FinThatAcknowledgesOursGoesStraightToTimeWait) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.ExpectClosed(CloseReason::kNormal);
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, SimultaneousCloseGoesThroughClosing) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(2).Acks(2));
  rig.ExpectState(TcpState::kClosing);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.In(Ack(2).Acks(2));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kNormal);
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, FinIsSentAgainInClosing) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(2).Acks(2));
  rig.OutAfter(Milliseconds(200), Fin(1).Acks(2));
}

TEST_P(Closing, FinFollowsEverythingThatWasAccepted) {
  Rig rig(Base());
  rig.Establish({.mss = 1000, .window = 1000});
  EXPECT_EQ(rig.Send(2500), 2500u);
  Shutdown(rig);
  rig.Out(Data(1, 1000).Acks(1));
  rig.Quiet();
  rig.ExpectState(TcpState::kEstablished);  // RFC 9293 3.10.4: queued until the text is out
  rig.In(Ack(1).Acks(1001).Win(1000));
  rig.Out(Data(1001, 1000).Acks(1));
  rig.In(Ack(1).Acks(2001).Win(1000));
  rig.Out(Data(2001, 500).Acks(1).Fin().Push());
  rig.ExpectState(TcpState::kFinWait1);
  rig.In(Ack(1).Acks(2502));
  rig.ExpectState(TcpState::kFinWait2);
}

TEST_P(Closing, TextAloneAcknowledgedDoesNotAcknowledgeTheFin) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes text) {
    EXPECT_EQ(c.Send(text), text.size());
    c.Shutdown();
  };
  rig.In(Data(1, 10).Acks(1));
  rig.Out(Data(1, 10).Acks(11).Fin());
  rig.In(Ack(11).Acks(11));
  rig.ExpectState(TcpState::kFinWait1);
  rig.In(Ack(11).Acks(12));
  rig.ExpectState(TcpState::kFinWait2);
}

TEST_P(Closing, FinIsSentAgainUntilItIsAcknowledged) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  for (const int ms : {200, 400, 800, 1600}) rig.OutAfter(Milliseconds(ms), Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(10));
  rig.Quiet();
  rig.ExpectState(TcpState::kFinWait2);
}

TEST_P(Closing, FinOfTheLastSegmentIsSentAgainWithItsText) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes text) {
    EXPECT_EQ(c.Send(text), text.size());
    c.Close();
  };
  rig.In(Data(1, 10).Acks(1));
  rig.Out(Data(1, 10).Acks(11).Fin());
  rig.OutAfter(Milliseconds(200), Data(1, 10).Acks(11).Fin());
  rig.In(Ack(11).Acks(11));  // no sample, so the back-off stays (RFC 6298 5)
  rig.OutAfter(Milliseconds(400), Fin(11).Acks(11));
}

// --- half close ---

TEST_P(Closing, TextStillArrivesAfterThisSideHalfClosed) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Data(1, 100).Acks(1));  // FIN-WAIT-1
  rig.In(Data(101, 100).Acks(2));
  rig.Out(Ack(2).Acks(201));
  rig.In(Data(201, 100).Acks(2));  // FIN-WAIT-2
  rig.OutAfter(Milliseconds(40), Ack(2).Acks(301));
  rig.ExpectReceived(300);
  rig.In(Data(301, 10).Acks(2).Fin());
  rig.Out(Ack(2).Acks(312));
  rig.ExpectReceived(310);
  rig.ExpectClosed(CloseReason::kNormal);
}

TEST_P(Closing, SendingWorksAfterThePeerHalfClosed) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kCloseWait);
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100).Acks(2));
  rig.In(Ack(2).Acks(101));
  rig.Advance(Seconds(3600));
  rig.Quiet();
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(Closing, HalfClosedConnectionWaitsInFinWait2AsLongAsTheApplicationHoldsIt) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(86400));
  rig.ExpectState(TcpState::kFinWait2);
  rig.In(Data(1, 10).Acks(2));
  rig.ExpectReceived(10);
  rig.Discard();
}

TEST_P(Closing, FinWait2WithNobodyLeftEndsAfter60Seconds) {
  Rig rig(Base());
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Milliseconds(59990));
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.Advance(Milliseconds(20));
  rig.Quiet();
  rig.ExpectEmpty();
  EXPECT_EQ(rig.handler().closed.size(), 1u);
}

TEST_P(Closing, SixtySecondsOfFinWait2BeginWhenTheApplicationLetsGo) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(1000));
  Close(rig);
  rig.Advance(Milliseconds(59990));
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  rig.Advance(Milliseconds(20));
  rig.ExpectEmpty();
}

// --- the peer first ---

TEST_P(Closing, PassiveCloseGoesThroughCloseWaitAndLastAck) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kCloseWait);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  Close(rig);
  rig.Out(Fin(1).Acks(2));
  rig.ExpectState(TcpState::kLastAck);
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.In(Ack(2).Acks(2));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kNormal);  // MUST-12
  rig.ExpectEmpty();
}

TEST_P(Closing, CloseInOnPeerClosedPutsFinAndAckIntoOneSegment) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_peer_closed = [](Connection c) { c.Close(); };
  rig.In(Fin(1).Acks(1));
  rig.Out(Fin(1).Acks(2));
  rig.Quiet();
  rig.ExpectState(TcpState::kLastAck);
}

TEST_P(Closing, TextThatComesWithTheFinIsDeliveredFirst) {
  Rig rig(Base());
  rig.Establish();
  size_t received_then = 0;
  rig.handler().on_peer_closed = [&](Connection) { received_then = rig.handler().received.size(); };
  rig.In(Data(1, 100).Acks(1).Fin());
  rig.Out(Ack(1).Acks(102));
  EXPECT_EQ(received_then, 100u);
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(Closing, FinOutOfOrderWaitsForTheGap) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(101).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(102));
  rig.ExpectReceived(100);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(Closing, FinWithTextOutOfOrderWaitsForTheGap) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(101, 50).Acks(1).Fin());
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(152));
  rig.ExpectReceived(150);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
}

// Found by fuzzing: it moved to the end of the text that came around it.
TEST_P(Closing, FinInsideTextThatGoesOnIsIgnored) {
  for (const bool fin_first : {true, false}) {
    Rig rig(Base());
    rig.Establish();
    rig.In(fin_first ? Fin(121).Acks(1) : Data(101, 50).Acks(1));
    rig.Out(Ack(1).Acks(1));
    rig.In(fin_first ? Data(101, 50).Acks(1) : Fin(121).Acks(1));
    rig.Out(Ack(1).Acks(1));
    rig.In(Data(1, 100).Acks(1));
    rig.Out(Ack(1).Acks(151));
    rig.ExpectReceived(150);
    EXPECT_EQ(rig.handler().peer_closed, 0u);
    rig.ExpectState(TcpState::kEstablished);
  }
}

TEST_P(Closing, FinOutOfOrderInFinWait2WaitsForTheGap) {
  Rig rig(Base());
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.In(Fin(101).Acks(2));
  rig.Out(Ack(2).Acks(1));
  rig.ExpectState(TcpState::kFinWait2);
  rig.In(Data(1, 100).Acks(2));
  rig.Out(Ack(2).Acks(102));
  rig.ExpectReceived(100);
  rig.ExpectClosed(CloseReason::kNormal);
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, FinBehindTheWindowIsCutOffWithTheTextBeforeIt) {
  Options options = Base();
  options.listen.connection.receive_buffer = 2048;
  Rig rig(options);
  rig.Establish();
  rig.c().Pause();
  rig.InBurst({Data(1, 1024).Acks(1), Data(1025, 1030).Acks(1).Fin()});
  rig.Out(Ack(1).Acks(2049).Win(0));
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(Closing, FinThatComesAgainIsAcknowledgedAgain) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  for (int i = 0; i < 3; ++i) {
    rig.In(Fin(1).Acks(1));
    rig.Out(Ack(1).Acks(2));
  }
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(Closing, TextBehindTheFinIsNotDelivered) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1).Fin());
  rig.Out(Ack(1).Acks(12));
  rig.In(Data(12, 50).Acks(1));
  rig.Discard();
  rig.ExpectReceived(10);
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(Closing, FinIsSentAgainInLastAck) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_peer_closed = [](Connection c) { c.Close(); };
  rig.In(Fin(1).Acks(1));
  rig.Out(Fin(1).Acks(2));
  for (const int ms : {200, 400, 800}) rig.OutAfter(Milliseconds(ms), Fin(1).Acks(2));
  rig.In(Fin(1).Acks(1));  // the peer's comes again too
  rig.Out(Ack(2).Acks(2));
  rig.ExpectState(TcpState::kLastAck);
  rig.In(Ack(2).Acks(2));
  rig.ExpectClosed(CloseReason::kNormal);
  rig.ExpectEmpty();
}

TEST_P(Closing, LastAckIsGivenUpLikeAnyRetransmission) {
  Options options = Base();
  options.tcp.orphan_retries = 3;
  Rig rig(options);
  rig.Establish();
  rig.handler().on_peer_closed = [](Connection c) { c.Close(); };
  rig.In(Fin(1).Acks(1));
  rig.Out(Fin(1).Acks(2));
  for (const int ms : {200, 400, 800}) rig.OutAfter(Milliseconds(ms), Fin(1).Acks(2));
  rig.OutAfter(Milliseconds(1600), RstAck(2).Acks(2));  // MUST-20
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(Closing, ResetInEveryClosingStateEndsTheConnection) {
  for (const int state : {0, 1, 2, 3, 4}) {
    SCOPED_TRACE(state);
    Rig rig(Base());
    rig.Establish();
    uint32_t next = 1;
    if (state == 0 || state == 4) {
      rig.In(Fin(1).Acks(1));  // CLOSE-WAIT
      next = 2;
    }
    if (state != 0) Shutdown(rig);
    if (state == 2) rig.In(Ack(1).Acks(2));  // FIN-WAIT-2
    if (state == 3) {
      rig.In(Fin(1).Acks(1));  // CLOSING
      next = 2;
    }
    const TcpState states[] = {TcpState::kCloseWait, TcpState::kFinWait1, TcpState::kFinWait2,
                               TcpState::kClosing, TcpState::kLastAck};
    rig.ExpectState(states[state]);
    rig.Discard();
    rig.In(Rst(next));
    rig.Quiet();
    rig.ExpectClosed(CloseReason::kReset);  // MUST-12
    rig.ExpectEmpty();
  }
}

// --- text that nobody will read ---

TEST_P(Closing, CloseWithUnreadTextResets) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 100).Acks(1));
  Close(rig);
  rig.Out(RstAck(1).Acks(101));  // SHLD-3
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(Closing, CloseAfterEverythingWasReadSendsFin) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));
  Close(rig);
  rig.Out(Fin(1).Acks(101));
}

TEST_P(Closing, CloseWhileTextIsBeingDeliveredSendsFin) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes) { c.Close(); };
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Fin(1).Acks(101));
}

TEST_P(Closing, TextAfterCloseInFinWait1Resets) {  // MAY-1
  Rig rig(Base());
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Data(1, 10).Acks(1));
  rig.Out(RstAck(2).Acks(1));  // SHLD-3
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(Closing, TextAfterCloseInFinWait2Resets) {
  Rig rig(Base());
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.In(Data(1, 10).Acks(2).Fin());
  rig.Out(RstAck(2).Acks(1));  // SHLD-3
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(Closing, OldTextThatComesAgainAfterCloseIsOnlyAcknowledged) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1));
  Close(rig);
  rig.Out(Fin(1).Acks(11));
  rig.In(Data(1, 10).Acks(1));
  rig.Out(Ack(2).Acks(11));
  rig.In(Fin(11).Acks(2));
  rig.Out(Ack(2).Acks(12));
  rig.ExpectClosed(CloseReason::kNormal);
}

TEST_P(Closing, TextThatCameAlongWithTheCloseOfThisSideIsDeliveredFirst) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1).Fin());
  rig.Out(Ack(1).Acks(12));
  Shutdown(rig);
  rig.Out(Fin(1).Acks(12));
  rig.In(Ack(12).Acks(2));
  EXPECT_TRUE(rig.handler().closed.empty()) << "there is text to read";
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.ExpectClosed(CloseReason::kNormal);
  rig.ExpectEmpty();
}

// --- TIME-WAIT ---

TEST_P(Closing, TimeWaitLasts60Seconds) {
  Rig rig(Base());
  IntoTimeWait(rig);
  rig.Advance(Milliseconds(59990));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);  // MUST-13
  rig.Advance(Milliseconds(20));
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(Closing, TimeWaitOwnsNothingButItsRecord) {
  Rig rig(Base());
  IntoTimeWait(rig);
  rig.Turn();
  EXPECT_EQ(rig.engine().usage().flights, 0u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 0u);
  EXPECT_EQ(rig.pool().in_use(), 0u);
}

TEST_P(Closing, FinThatComesAgainRestartsTimeWait) {
  Rig rig(Base());
  IntoTimeWait(rig);
  rig.Advance(Seconds(50));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));  // RFC 9293 3.10.7.4 eighth
  rig.Advance(Milliseconds(59990));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  rig.Advance(Milliseconds(20));
  rig.ExpectEmpty();
}

TEST_P(Closing, ResetInTimeWaitIsIgnored) {  // RFC1337-3
  Rig rig(Base());
  IntoTimeWait(rig);
  for (const uint32_t seq : {2u, 3u, 1u, 1000000u}) rig.In(Rst(seq));  // RFC 1337
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, AckInTimeWaitIsNotAnswered) {
  Rig rig(Base());
  IntoTimeWait(rig);
  for (int i = 0; i < 3; ++i) {
    rig.In(Ack(2).Acks(2));
    rig.Advance(Seconds(1));
  }
  rig.Quiet();
}

TEST_P(Closing, SegmentOutsideTheWindowInTimeWaitIsAnsweredOnce) {
  Rig rig(Base());
  IntoTimeWait(rig);
  for (int i = 0; i < 3; ++i) rig.In(Ack(1000000).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.Quiet();
}

TEST_P(Closing, TextInTimeWaitIsNotDelivered) {
  Rig rig(Base());
  IntoTimeWait(rig);
  rig.In(Data(2, 10).Acks(2));
  rig.Discard();
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

// --- a new SYN in TIME-WAIT (MAY-2, SHLD-4) ---

// RFC 6191 3, with the FIN at kPeerIss + 1 and the old connection's last TSval 1000.
struct ReuseCase {
  const char* name;
  bool old_timestamps;
  std::optional<uint32_t> new_ts;
  int32_t seq_after_fin;
  bool accepted;
};

TEST_P(Closing, SynInTimeWaitIsTakenWhenItIsNewerThanTheOldConnection) {
  const ReuseCase cases[] = {
      {"later timestamp, later number", true, 1001, 1, true},
      {"later timestamp, earlier number", true, 1001, -1000, true},
      {"same timestamp, later number", true, 1000, 1, true},
      {"same timestamp, same number", true, 1000, 0, false},
      {"same timestamp, earlier number", true, 1000, -1, false},
      {"earlier timestamp, later number", true, 999, 100000, false},
      {"timestamps no more, later number", true, {}, 1, true},
      {"timestamps no more, same number", true, {}, 0, false},
      {"timestamps no more, earlier number", true, {}, -5, false},
      {"timestamps are new, later number", false, 5, 1, true},
      {"timestamps are new, earlier number", false, 5, -1000, true},
      {"never timestamps, later number", false, {}, 1, true},
      {"never timestamps, much later number", false, {}, 0x7fffffff, true},
      {"never timestamps, same number", false, {}, 0, false},
      {"never timestamps, earlier number", false, {}, -1, false},
  };  // RFC6191-3a, RFC6191-3b, RFC6191-3c, RFC6191-3d, RFC6191-3e
  for (const ReuseCase& reuse : cases) {
    SCOPED_TRACE(reuse.name);
    Rig rig(Base());
    IntoTimeWait(rig, reuse.old_timestamps ? std::optional<uint32_t>(1000) : std::nullopt);
    const Seq old_next = rig.iss() + 2;
    Reopen(rig, kPeerIss + 1 + static_cast<uint32_t>(reuse.seq_after_fin), reuse.new_ts);
    const Seg got = rig.Any();
    rig.Quiet();
    EXPECT_EQ(got.syn(), reuse.accepted) << got.ToString();
    EXPECT_EQ(rig.engine().usage().time_wait, reuse.accepted ? 0u : 1u);
    EXPECT_EQ(rig.counter(Counter::kTcpTimeWaitReused), reuse.accepted ? 1u : 0u);
    if (!reuse.accepted) continue;
    EXPECT_GT(rig.iss() - old_next, 65535) << "the new ISS is within the old connection's reach";
    rig.In(reuse.new_ts ? Ack(1).Acks(1).Ts(*reuse.new_ts, got.options.ts_value) : Ack(1).Acks(1));
    EXPECT_EQ(rig.handler().opened.size(), 2u);
    rig.ExpectState(TcpState::kEstablished);
  }
}

TEST_P(Closing, IssAfterTimeWaitIsAboveTheOldConnectionHoweverMuchItSent) {
  Rig rig(Base());
  rig.Establish();
  rig.c().SetNoDelay(true);
  uint32_t sent = 0;
  // More than the clock of the ISS moves in that time.
  while (sent < 400000) {
    EXPECT_EQ(rig.Send(10000), 10000u);
    rig.Discard();
    sent += 10000;
    rig.In(Ack(1).Acks(1 + sent));
    rig.Discard();
  }
  Close(rig);
  rig.Out(Fin(1 + sent).Acks(1));
  rig.In(Fin(1).Acks(2 + sent));
  rig.Out(Ack(2 + sent).Acks(2));
  const Seq old_next = rig.iss() + sent + 2;
  Reopen(rig, kPeerIss + 100);
  rig.Out(SynAck(0).Acks(1));
  EXPECT_GT(rig.iss() - old_next, 65535);  // MAY-2
}

TEST_P(Closing, SynInTimeWaitIsRefusedInSilenceOnlyAfterTheFirst) {
  Rig rig(Base());
  IntoTimeWait(rig);
  for (int i = 0; i < 4; ++i) rig.In(Syn(1).Mss(1460));
  rig.Out(Ack(2).Acks(2));  // says where we are; the rest is limited
  rig.Quiet();
}

TEST_P(Closing, SynInTimeWaitOpensNothingWhenTheListenerIsClosed) {
  Rig rig(Base());
  IntoTimeWait(rig);
  rig.engine().CloseListener(rig.listener());
  rig.In(Syn(1000).Mss(1460));
  rig.Out(Ack(2).Acks(2));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, OldestTimeWaitGivesWayWhenTheTableIsFull) {
  Options options = Base();
  options.tcp.max_time_wait = 4;
  Rig rig(options);
  for (uint16_t port = 1; port <= 4; ++port) {
    rig.NewConnection(port);
    rig.Establish();
    Close(rig);
    rig.Out(Fin(1).Acks(1));
    rig.In(Fin(1).Acks(2));
    rig.Out(Ack(2).Acks(2));
    rig.Advance(Seconds(1));
  }
  EXPECT_EQ(rig.engine().usage().time_wait, 4u);
  rig.NewConnection(5);
  rig.Establish();
  EXPECT_EQ(rig.engine().usage().time_wait, 4u) << "they take no place of connections";
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_EQ(rig.engine().usage().time_wait, 4u);
  EXPECT_EQ(rig.counter(Counter::kTcpTimeWaitRecycled), 1u);
  // The first is the one that is gone: its port knows nothing of an old connection.
  rig.NewConnection(1);
  rig.In(Fin(1).Acks(2));
  rig.Out(Rst(2));
  rig.NewConnection(2);
  rig.In(Rst(2));
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().time_wait, 4u);
}

TEST_P(Closing, TimeWaitWhoseTextIsUnreadDoesNotGiveWay) {
  Options options = Base();
  options.tcp.max_connections = 2;
  Rig rig(options);
  rig.NewConnection(1);
  rig.Establish();
  Connection paused = rig.c();
  paused.Pause();
  paused.Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Data(1, 10).Acks(2).Fin());
  rig.Out(Ack(2).Acks(12));
  rig.NewConnection(2);
  rig.Establish();
  Close(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_EQ(rig.engine().usage().time_wait, 2u);
  rig.NewConnection(3);
  rig.Establish();  // in the place of the second
  EXPECT_EQ(rig.handler().closed.size(), 1u);
  paused.Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().closed.size(), 2u);
}

TEST_P(Closing, TimeWaitThatBeganInThisBurstDoesNotGiveWay) {
  Options options = Base();
  options.tcp.max_connections = 1;
  Rig rig(options);
  rig.Establish();
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.InBurst({Fin(1).Acks(2), Syn(0).Mss(1460).From(uint16_t{7})});
  rig.Out(Ack(2).Acks(2));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kNormal);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTcb), 1u);
  rig.In(Syn(0).Mss(1460).From(uint16_t{7}));
  EXPECT_TRUE(rig.Any().syn());
}

// Nor does the one whose OnClosed is running, and would be changed once more after it.
TEST_P(Closing, TimeWaitDoesNotGiveWayToAnOpenInItsOwnOnClosed) {
  Options options = Base();
  options.tcp.max_connections = 1;
  Rig rig(options);
  rig.Establish();
  Connection next;
  rig.handler().on_closed = [&](Connection, CloseReason) {
    const int local = rig.stack().ip().SourceFor(rig.path().source.address);
    next = rig.engine()
               .Connect(static_cast<uint8_t>(local), 50000, rig.path().source,
                        rig.engine().config(), &rig.handler())
               .value_or(Connection());
  };
  Shutdown(rig);
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.Quiet();
  EXPECT_EQ(next, Connection{}) << "the table is full";
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Closing, TimeWaitIsNotGivenUpForASynThatTheBacklogRefuses) {
  Options options = Base();
  options.tcp.syn_backlog = 1;
  Rig rig(options);
  IntoTimeWait(rig);
  rig.In(Syn(0).Mss(1460).From(uint16_t{7}));
  rig.Discard();
  Reopen(rig, kPeerIss + 100);
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), 1u);
}

// Only the peer's own FIN: a stranger must not be able to keep the record.
TEST_P(Closing, FinThatIsNotThePeersDoesNotRestartTimeWait) {
  Rig rig(Base());
  IntoTimeWait(rig);
  rig.Advance(Seconds(50));
  rig.In(Fin(0x40000000u).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.In(Fin(100).Acks(2));  // in the window, but the stream has ended
  rig.Out(Ack(2).Acks(2));
  rig.Advance(Milliseconds(10010));
  rig.ExpectEmpty();
}

TEST_P(Closing, TextBeyondTheFinIsForgottenWhenTheFinComes) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(100, 10).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kCloseWait);
  EXPECT_EQ(rig.engine().usage().flights, 0u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 0u);
}

WEIR_BOTH_FAMILIES(Closing);

}  // namespace
}  // namespace weir::segment
