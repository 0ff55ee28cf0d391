// Timestamps: what is echoed, what is refused, and how our own clock looks (RFC 7323).
#include <gtest/gtest.h>

#include <set>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Timestamps : public TransferTest {
 protected:
  // The peer's clock stands at 1000 during the handshake.
  static void Open(Rig& rig) { rig.Establish({.ts = 1000}); }
  static constexpr uint32_t kText = 1448;
};

// RFC 7323 3.2: on everything once it was agreed on.
TEST_P(Timestamps, AreOnEverySegment) {  // RFC7323-3.2a, RFC7323-3.2r
  Rig rig(Base());
  rig.In(Syn(0).Mss(kMss).Ts(1000, 0));
  rig.Out(SynAck(0).Acks(1).TsEcho(1000));
  rig.In(Ack(1).Acks(1).Ts(1001, 0));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).TsEcho(1001));
  rig.In(Data(1, 10).Acks(11).Ts(1002, 0));
  rig.OutAfter(Milliseconds(40), Ack(11).Acks(11).TsEcho(1002));
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(11).Acks(11).TsEcho(1002));
  rig.c().Abort();
  rig.Turn();
  rig.Out(RstAck(12).TsEcho(1002));
}

// MUST-16: the option takes its space from the text.
TEST_P(Timestamps, MakeSegmentsTwelveOctetsShorter) {
  Rig rig(Base());
  Open(rig);
  EXPECT_EQ(rig.Send(2 * kText), 2 * kText);
  rig.Out(Data(1, kText).TsEcho(1000));
  rig.Out(Data(1 + kText, kText).TsEcho(1000));
}

TEST_P(Timestamps, AreNotSentWhenThePeerDidNotOfferThem) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(kMss));
  rig.Out(SynAck(0).Acks(1).NoTs());
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).NoTs());
}

// RFC 7323 3.2
TEST_P(Timestamps, ThatWereNotAgreedOnAreIgnored) {  // RFC7323-3.2n
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1).Ts(1000, 0));
  rig.In(Data(11, 10).Acks(1).Ts(1, 0));
  rig.Out(Ack(1).Acks(21).NoTs());
  rig.ExpectReceived(20);
}

// RFC 7323 5.4: milliseconds.
TEST_P(Timestamps, RunInMilliseconds) {  // RFC7323-5.4c
  Rig rig(Base());
  rig.In(Syn(0).Mss(kMss).Ts(1000, 0));
  const Seg syn_ack = rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1).Ts(1001, syn_ack.options.ts_value));
  rig.Advance(Seconds(7));
  EXPECT_EQ(rig.Send(10), 10u);
  const Seg text = rig.Out(Data(1, 10));
  EXPECT_EQ(text.options.ts_value - syn_ack.options.ts_value, 7000u);
}

// RFC 7323 5.4, 7.1: every connection has its own offset.
TEST_P(Timestamps, DoNotTellTheClockOfOtherConnections) {  // RFC7323-5.4o
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  std::set<uint32_t> values;
  for (uint16_t port = 41000; port < 41020; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(kMss).Ts(1000, 0));
    values.insert(rig.Any().options.ts_value);
  }
  EXPECT_EQ(values.size(), 20u);
}

// --- TS.Recent, RFC 7323 4.3 ---

TEST_P(Timestamps, EchoOfADelayedAcknowledgementIsTheEarliest) {  // RFC7323-4.3d
  Rig rig(Base());
  Open(rig);
  rig.In(Data(1, 10).Acks(1).Ts(1010, 0));
  rig.In(Data(11, 10).Acks(1).Ts(1020, 0));
  rig.Out(Ack(1).Acks(21).TsEcho(1010));
}

TEST_P(Timestamps, EchoDoesNotFollowASegmentOutOfOrder) {  // RFC7323-4.3a
  Rig rig(Base());
  Open(rig);
  rig.In(Data(11, 10).Acks(1).Ts(1020, 0));
  rig.Out(Ack(1).Acks(1).TsEcho(1000));
}

TEST_P(Timestamps, EchoFollowsTheSegmentThatFillsAGap) {  // RFC7323-4.3g
  Rig rig(Base());
  Open(rig);
  rig.In(Data(11, 10).Acks(1).Ts(1020, 0));
  rig.Out(Ack(1).Acks(1).TsEcho(1000));
  rig.In(Data(1, 10).Acks(1).Ts(1030, 0));
  rig.Out(Ack(1).Acks(21).TsEcho(1030));
}

TEST_P(Timestamps, EchoFollowsAcknowledgementsWithoutText) {
  Rig rig(Base());
  Open(rig);
  rig.In(Ack(1).Acks(1).Ts(1050, 0));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).TsEcho(1050));
}

TEST_P(Timestamps, EchoDoesNotFollowADuplicate) {  // RFC7323-4.3a
  Rig rig(Base());
  Open(rig);
  rig.In(Data(1, 10).Acks(1).Ts(1010, 0));
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11).TsEcho(1010));
  rig.In(Data(1, 10).Acks(1).Ts(1020, 0));
  rig.Out(Ack(1).Acks(11).TsEcho(1010));
}

// RFC 5961 5: who has to guess the ACK cannot push the peer's own segments out with PAWS.
TEST_P(Timestamps, OfASegmentWithAnImpossibleAckAreForgotten) {
  Rig rig(Base());
  Open(rig);
  rig.In(Data(1, 10).Acks(100000).Ts(2000000000, 0));
  rig.Discard();
  rig.In(Data(1, 10).Acks(1).Ts(1001, 0));
  rig.ExpectReceived(10);
}

// --- PAWS, RFC 7323 5 ---

TEST_P(Timestamps, ThatAreOldMakeTextAnOldDuplicate) {  // RFC7323-5.3
  Rig rig(Base());
  Open(rig);
  rig.In(Data(1, 10).Acks(1).Ts(999, 0));
  rig.Out(Ack(1).Acks(1).TsEcho(1000));
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.counter(Counter::kDropTcpPaws), 1u);
  rig.In(Data(1, 10).Acks(1).Ts(1000, 0));
  rig.ExpectReceived(10);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
}

// RFC 7323 5.3: PAWS goes first, so nothing of the segment counts, not even its ACK.
TEST_P(Timestamps, ThatAreOldMakeAcknowledgementsOldToo) {  // RFC7323-5.3
  Rig rig(Base());
  Open(rig);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.In(Ack(1).Acks(11).Ts(999, 0));
  EXPECT_EQ(rig.c().Info().unacknowledged, 10u);
  rig.Discard();
}

TEST_P(Timestamps, AreComparedAcrossTheirWrap) {
  Rig rig(Base());
  rig.Establish({.ts = 0xfffffff0u});
  rig.In(Data(1, 10).Acks(1).Ts(5, 0));
  rig.ExpectReceived(10);
  rig.In(Data(11, 10).Acks(1).Ts(0xfffffff8u, 0));
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.counter(Counter::kDropTcpPaws), 1u);
  rig.Discard();
}

// RFC 7323 5.2: s < t if 0 < t - s < 2^31.
TEST_P(Timestamps, AreOldByLessThanHalfTheirRange) {
  for (const uint32_t age : {1u, 0x7fffffffu, 0x80000000u, 0x80000001u}) {
    SCOPED_TRACE(age);
    Rig rig(Base());
    Open(rig);
    rig.In(Data(1, 10).Acks(1).Ts(1000 - age, 0));
    rig.ExpectReceived(age < 0x80000000u ? 0 : 10);
    rig.Discard();
  }
}

// RFC 7323 5.5: after 24 days TS.Recent says nothing any more.
TEST_P(Timestamps, AreBelievedAnewAfterMoreThan24Days) {  // RFC7323-5.5
  for (const uint32_t days : {25, 30, 45}) {
    SCOPED_TRACE(std::to_string(days) + " days");
    Rig rig(Base());
    Open(rig);
    rig.Advance(Seconds(days * 86400LL));
    rig.In(Data(1, 10).Acks(1).Ts(1000 + days * 86400000u, 0));
    rig.ExpectReceived(10);
    rig.Discard();
  }
}

// RFC 7323 3.2: dropped, and the connection comes to no harm.
TEST_P(Timestamps, ThatAreMissingMakeASegmentBeDropped) {  // RFC7323-3.2m, RFC7323-3.2h
  Rig rig(Base());
  Open(rig);
  rig.In(Data(1, 10).Acks(1));
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.ExpectReceived(0);
  rig.ExpectOpen();
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTimestamp), 1u);
}

// RFC 7323 5.2: RST is exempt from both rules.
TEST_P(Timestamps, DoNotProtectFromAReset) {  // RFC7323-5.2
  for (const bool missing : {true, false}) {
    Rig rig(Base());
    Open(rig);
    rig.In(missing ? Rst(1) : Rst(1).Ts(5, 0));
    rig.ExpectClosed(CloseReason::kReset);
  }
}

WEIR_BOTH_FAMILIES(Timestamps);

}  // namespace
}  // namespace weir::segment
