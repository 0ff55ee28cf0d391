// RFC 5961: what somebody off the path can do to a connection whose numbers he has to guess.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kWindow = 65535;

class BlindAttacks : public RigTest {
 protected:
  // Nothing of the connection has changed: text flows in both directions.
  void ExpectUnharmed(Rig& rig) {
    rig.Discard();
    rig.ExpectState(TcpState::kEstablished);
    rig.In(Data(1, 10).Acks(1));
    rig.ExpectReceived(10);
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Out(Data(1, 10).Acks(11));
    rig.In(Ack(11).Acks(11));
    rig.Quiet();
  }
};

// --- RST ---

TEST_P(BlindAttacks, ResetExactlyAtTheNextNumberResets) {  // RFC5961-3.2e
  Rig rig(Base());
  rig.Establish();
  rig.In(Rst(1));  // RFC 5961 3.2
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(BlindAttacks, ResetWithTextResets) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Rst(1).Text("go away"));  // SHLD-2
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectReceived(0);
}

TEST_P(BlindAttacks, ResetAtAClosedWindowResets) {
  Options options = Base();
  options.listen.connection.receive_buffer = 2048;
  Rig rig(options);
  rig.Establish();
  rig.c().Pause();
  rig.InBurst({Data(1, 1024).Acks(1), Data(1025, 1024).Acks(1)});
  rig.Out(Ack(1).Acks(2049).Win(0));
  rig.In(Rst(2050));
  rig.Quiet();
  rig.ExpectOpen();
  rig.In(Rst(2049));  // MUST-66
  rig.ExpectClosed(CloseReason::kReset);
}

TEST_P(BlindAttacks, ResetElsewhereInTheWindowIsChallenged) {  // RFC5961-3.2i
  for (const uint32_t seq : {2u, 1000u, kWindow}) {
    SCOPED_TRACE(seq);
    Rig rig(Base());
    rig.Establish();
    rig.In(Rst(seq));
    rig.Out(Ack(1).Acks(1));  // RFC 5961 3.2
    ExpectUnharmed(rig);
  }
}

TEST_P(BlindAttacks, ResetOutsideTheWindowIsDroppedInSilence) {  // RFC5961-3.2o
  Rig rig(Base());
  rig.Establish();
  for (const uint32_t seq : {0u, 0xfffffff0u, 1 + kWindow, 2 + kWindow, 0x80000000u}) {
    SCOPED_TRACE(seq);
    rig.In(Rst(seq));
    rig.Quiet();  // RFC 5961 3.2
  }
  EXPECT_EQ(rig.counter(Counter::kDropTcpReset), 5u);
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, PeerThatWasChallengedResetsExactly) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Rst(100));
  const Seg challenge = rig.Out(Ack(1).Acks(1));
  rig.In(Rst(*challenge.ack));  // what a host without the connection answers
  rig.ExpectClosed(CloseReason::kReset);
}

TEST_P(BlindAttacks, ResetBehindAGapIsNotExact) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(101, 100).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.In(Rst(201));  // where the peer really is, but not where we are
  rig.Out(Ack(1).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(201));
  rig.In(Rst(201));
  rig.ExpectClosed(CloseReason::kReset);
}

// --- SYN ---

TEST_P(BlindAttacks, SynIsChallengedWhateverItsNumber) {  // RFC5961-4.2
  for (const uint32_t seq : {0u, 1u, 1000u, 1000000u, 0x80000000u}) {
    SCOPED_TRACE(seq);
    Rig rig(Base());
    rig.Establish();
    rig.In(Syn(seq).Mss(1460));
    rig.Out(Ack(1).Acks(1));  // RFC 5961 4.2
    ExpectUnharmed(rig);
  }
}

TEST_P(BlindAttacks, SynAckOnAnEstablishedConnectionIsChallenged) {
  Rig rig(Base());
  rig.Establish();
  rig.In(SynAck(0).Acks(1));
  rig.Out(Ack(1).Acks(1));
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, SynWithTextDeliversNothingAndIsLimitedToo) {
  Rig rig(Base());
  rig.Establish();
  for (int i = 0; i < 5; ++i) {
    rig.In(Syn(0).Text("text"));
    rig.In(Syn(1).Text("text"));
    rig.In(Syn(1000000).Text("text"));
    rig.In(Syn(1000000).Fin());
  }
  rig.Out(Ack(1).Acks(1));
  rig.Quiet();  // RFC 5961 7
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, ResetWithTextThatOverlapsIsLimitedToo) {
  Rig rig(Base());
  rig.Establish();
  for (int i = 0; i < 5; ++i) {
    rig.In(Rst(0).Text("text"));
    rig.In(Rst(65530).Text("beyond the window"));
    rig.In(Syn(0xfffffff0u).Text("and from before it into it"));
  }
  rig.Out(Ack(1).Acks(1));
  rig.Quiet();  // RFC 5961 7
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, SynIsChallengedInTheClosingStates) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.In(Syn(2).Mss(1460));
  rig.Out(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kCloseWait);
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(2));
  rig.Advance(Milliseconds(500));
  rig.Discard();
  rig.In(Syn(2).Mss(1460));
  rig.Out(Ack(2).Acks(2));
  rig.In(Ack(2).Acks(2));
  rig.ExpectClosed(CloseReason::kNormal);
}

// --- ACK and injected text ---

TEST_P(BlindAttacks, AckOfWhatWasNeverSentIsAnsweredAndItsTextDropped) {  // RFC5961-5.2
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(2));
  rig.Out(Ack(1).Acks(1));  // RFC 9293 3.10.7.4 fifth
  rig.ExpectReceived(0);
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, TextWithAnAckTooOldIsDropped) {  // RFC5961-5.2
  Rig rig(Base());
  rig.Establish({.window = 1000});
  rig.In(Data(1, 10).Acks(1 - 1001u));
  rig.Out(Ack(1).Acks(1));  // RFC 5961 5.2, MAY-12
  rig.ExpectReceived(0);
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, TextWithAnAckWithinTheLargestWindowIsTaken) {
  Rig rig(Base());
  rig.Establish({.window = 1000});
  rig.In(Data(1, 10).Acks(1 - 1000u));
  rig.ExpectReceived(10);  // RFC 5961 5.2
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
}

TEST_P(BlindAttacks, LargestWindowCountsNotTheLatest) {
  Rig rig(Base());
  rig.Establish({.window = 1000});
  rig.In(Ack(1).Acks(1).Win(10));
  rig.In(Data(1, 10).Acks(1 - 1000u));
  rig.ExpectReceived(10);  // MAX.SND.WND
  rig.Discard();
}

TEST_P(BlindAttacks, TextWithoutAckIsDropped) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Seg{.seq = 1}.Octets(10));
  rig.In(Seg{.flags = wire::kTcpFin, .seq = 1});
  rig.Quiet();
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoAck), 2u);
  ExpectUnharmed(rig);
}

TEST_P(BlindAttacks, FinOutsideTheWindowClosesNothing) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1000000).Acks(1));
  rig.Out(Ack(1).Acks(1));
  ExpectUnharmed(rig);
}

// --- the limit ---

TEST_P(BlindAttacks, ChallengesAreLimitedPerInterval) {
  Rig rig(Base());
  rig.Establish();
  for (int i = 0; i < 100; ++i) {
    rig.In(Syn(5).Mss(1460));
    rig.In(Rst(5));
    rig.In(Ack(1).Acks(5000));
  }
  rig.Out(Ack(1).Acks(1));
  rig.Quiet();  // RFC 5961 7
  EXPECT_EQ(rig.counter(Counter::kTcpChallengeAcks), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpChallengeAcksLimited), 299u);
  rig.Advance(Milliseconds(500));
  rig.In(Syn(5).Mss(1460));
  rig.Out(Ack(1).Acks(1));
}

TEST_P(BlindAttacks, ChallengesKeepToTheirRate) {  // RFC5961-7
  Rig rig(Base());
  rig.Establish();
  unsigned sent = 0;
  for (int ms = 0; ms < 10000; ms += 10) {
    rig.In(Syn(5).Mss(1460));
    sent += static_cast<unsigned>(rig.pending());
    rig.Discard();
    rig.Advance(Milliseconds(10));
  }
  EXPECT_GE(sent, 20u);
  EXPECT_LE(sent, 22u);  // one more for the interval that has begun, one where the clock wraps
}

TEST_P(BlindAttacks, ChallengesOfOneConnectionTakeNothingFromAnother) {  // RFC5961-7c
  Rig rig(Base());
  rig.Establish();
  rig.In(Syn(5).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  rig.In(Syn(5).Mss(1460));
  rig.Out(Ack(1).Acks(1));  // RFC 5961 7; a shared limit tells strangers who talks to whom
}

TEST_P(BlindAttacks, IntervalOfTheLimitIsConfigured) {  // RFC5961-7
  Options options = Base();
  options.tcp.challenge_ack_interval_ms = 5000;
  Rig rig(options);
  rig.Establish();
  unsigned sent = 0;
  for (int s = 0; s < 20; ++s) {
    rig.In(Syn(5).Mss(1460));
    sent += static_cast<unsigned>(rig.pending());
    rig.Discard();
    rig.Advance(Seconds(1));
  }
  EXPECT_GE(sent, 4u);
  EXPECT_LE(sent, 5u);
}

WEIR_BOTH_FAMILIES(BlindAttacks);

}  // namespace
}  // namespace weir::segment
