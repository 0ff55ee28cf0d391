// Opening from the passive side: what the SYN-ACK offers, which options count, and every way in
// which the third segment can come or fail to come.
#include <gtest/gtest.h>

#include "segment/rig.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::segment {
namespace {

class PassiveOpen : public RigTest {
 protected:
  // What an MTU of 1500 leaves with fixed headers.
  uint16_t FullMss() const { return GetParam() ? 1460 : 1440; }
  uint16_t DefaultMss() const { return GetParam() ? 536 : 1220; }
};

// The third segment, and then one segment of text as long as the stack makes it.
void ExpectFullSegment(Rig& rig, uint32_t size) {
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.Send(size), size);
  rig.Out(Data(1, size).Acks(1));
  rig.In(Ack(1).Acks(1 + size));
  EXPECT_EQ(rig.Send(size + 1), size + 1);
  rig.Out(Data(1 + size, size).Acks(1));
  rig.Discard();
}

// --- what the SYN-ACK offers ---

TEST_P(PassiveOpen, SynAckCarriesTheMssOfTheInterfaceAndNothingThatWasNotOffered) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(536));
  // MUST-14, MUST-67, SHLD-5, MAY-3
  rig.Out(SynAck(0).Acks(1).Mss(FullMss()).Exactly());
}

TEST_P(PassiveOpen, MssIsNotReducedForTimestamps) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Ts(77, 0));
  // MUST-67
  rig.Out(SynAck(0).Acks(1).Mss(FullMss()).TsEcho(77).Exactly());
}

TEST_P(PassiveOpen, SynAckCarriesEveryOptionThatTheSynCarried) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Scale(7).Ts(77, 0));
  // RFC 7323 2.2, 3.2; 3 is the smallest shift that announces 262144 octets
  rig.Out(SynAck(0).Acks(1).Mss(FullMss()).Scale(3).TsEcho(77).Exactly());
}

TEST_P(PassiveOpen, TimestampsThatAreSwitchedOffAreNotOffered) {
  Options options = Base();
  options.tcp.timestamps = false;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460).Ts(77, 0));
  rig.Out(SynAck(0).Acks(1).Mss(FullMss()).Exactly());
  rig.In(Ack(1).Acks(1).Ts(78, 0));  // ignored where it was not agreed on (RFC 7323 3.2)
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(PassiveOpen, WindowOfTheSynAckIsNotScaled) {  // RFC7323-2.2u
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Scale(7));
  rig.Out(SynAck(0).Acks(1).Win(65535));  // RFC 7323 2.2
}

TEST_P(PassiveOpen, SmallReceiveBufferIsAnnouncedAsItIs) {
  Options options = Base();
  options.listen.connection.receive_buffer = 4096;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1).Win(4096));
}

TEST_P(PassiveOpen, WindowScaleIsUsedOnlyWhenBothSidesSentIt) {  // RFC7323-2.2s
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.c().Info().send_window_scale, 0);
  EXPECT_EQ(rig.c().Info().receive_window_scale, 0);
  EXPECT_EQ(rig.c().Info().receive_window, 65535u);
}

TEST_P(PassiveOpen, WindowOfThePeerIsScaledAfterItsSyn) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Scale(2).Win(100));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1).Win(100));
  EXPECT_EQ(rig.c().Info().send_window, 400u);
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 400).Acks(1));  // MUST-1
  rig.Quiet();
}

TEST_P(PassiveOpen, WindowScaleAboveFourteenCountsAsFourteen) {  // RFC7323-2.3
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Scale(15));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1).Win(65535));
  EXPECT_EQ(rig.c().Info().send_window_scale, 14);      // RFC 7323 2.3
  EXPECT_EQ(rig.c().Info().send_window, 65535u << 14);  // REC-1, MUST-1
}

// --- what the peer's MSS means ---

TEST_P(PassiveOpen, MssThatIsAbsentIsTheDefaultOfTheFamily) {
  Rig rig(Base());
  rig.In(Syn(0));
  rig.Out(SynAck(0).Acks(1));
  ExpectFullSegment(rig, DefaultMss());  // MUST-15
}

TEST_P(PassiveOpen, SegmentsAreAsLongAsThePeersMss) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1000));
  rig.Out(SynAck(0).Acks(1));
  ExpectFullSegment(rig, 1000);  // MUST-14, SHLD-28
}

TEST_P(PassiveOpen, TimestampsAreSubtractedFromTheText) {
  Rig rig(Base());
  rig.Establish({.mss = 1000, .ts = 77});
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 988).Acks(1).TsEcho(77));  // MUST-16
  rig.Out(Data(989, 12).Acks(1).TsEcho(77));
}

TEST_P(PassiveOpen, SegmentsAreNoLongerThanTheInterfaceTakes) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(9000));
  rig.Out(SynAck(0).Acks(1));
  ExpectFullSegment(rig, FullMss());  // MUST-16
}

TEST_P(PassiveOpen, TinyMssIsNotBelieved) {
  for (const uint16_t mss : {0, 1, 87}) {
    SCOPED_TRACE(mss);
    Rig rig(Base());
    rig.In(Syn(0).Mss(mss));
    rig.Out(SynAck(0).Acks(1));
    ExpectFullSegment(rig, 88);
  }
}

// --- options of every kind ---

TEST_P(PassiveOpen, UnknownOptionsAreSkippedByTheirLength) {
  Rig rig(Base());
  // MUST-6, MUST-4: kinds 254, 200 and 253 around the MSS
  rig.In(Syn(0).RawOptions({254, 4, 9, 9, 200, 2, 2, 4, 0x03, 0xe8, 253, 6, 1, 2, 3, 4}));
  rig.Out(SynAck(0).Acks(1));
  ExpectFullSegment(rig, 1000);
}

TEST_P(PassiveOpen, OptionsAreReadAtAnyAlignment) {
  for (uint32_t shift = 0; shift < 8; ++shift) {
    SCOPED_TRACE(shift);
    Rig rig(Base());
    std::vector<uint8_t> octets(shift, 1);
    octets.insert(octets.end(), {2, 4, 0x03, 0xe8, 1, 3, 3, 5, 8, 10, 0, 0, 0, 77, 0, 0, 0, 0});
    rig.In(Syn(0).RawOptions(octets));
    rig.Out(SynAck(0).Acks(1).Mss(FullMss()).Scale(3).TsEcho(77).Exactly());  // MUST-64
    rig.In(Ack(1).Acks(1).Ts(78, 0));
    EXPECT_EQ(rig.c().Info().mss, 988);
    EXPECT_EQ(rig.c().Info().send_window_scale, 5);
  }
}

TEST_P(PassiveOpen, OptionsAfterTheEndOfTheListAreIgnored) {
  Rig rig(Base());
  rig.In(Syn(0).RawOptions({0, 2, 4, 0x03, 0xe8, 0, 0, 0}));
  rig.Out(SynAck(0).Acks(1));
  ExpectFullSegment(rig, DefaultMss());  // MUST-4, MUST-69
}

TEST_P(PassiveOpen, IllegalOptionLengthsHarmNothingAndHideOnlyWhatFollows) {
  const std::vector<uint8_t> illegal[] = {{254, 0}, {254, 1}, {8, 0},   {2, 1},     {3, 41},
                                          {8, 10},  {2, 4},   {5, 255}, {254, 253}, {1, 1, 1, 254}};
  for (const std::vector<uint8_t>& tail : illegal) {
    SCOPED_TRACE(testing::PrintToString(tail));
    Rig rig(Base());
    std::vector<uint8_t> octets{2, 4, 0x03, 0xe8};
    octets.resize(4 + (4 - tail.size() % 4) % 4, 1);  // so that the tail ends the header
    octets.insert(octets.end(), tail.begin(), tail.end());
    rig.In(Syn(0).RawOptions(octets));
    rig.Out(SynAck(0).Acks(1));
    ExpectFullSegment(rig, 1000);  // MUST-7
  }
}

TEST_P(PassiveOpen, OptionsAreTakenInAnySegment) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1000));
  rig.Out(SynAck(0).Acks(1));
  // MUST-5, MUST-6, MUST-65: with an MSS where none belongs, which changes nothing
  const std::vector<uint8_t> octets{2, 4, 0, 100, 254, 4, 9, 9, 3, 3, 9, 0};
  rig.In(Ack(1).Acks(1).RawOptions(octets));
  rig.In(Data(1, 10).Acks(1).RawOptions(octets));
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.c().Info().mss, 1000);
  EXPECT_EQ(rig.c().Info().send_window, 65535u);
  rig.In(Fin(11).Acks(1).RawOptions(octets));
  rig.Out(Ack(1).Acks(12));
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.In(Rst(12).RawOptions(octets));
  rig.ExpectClosed(CloseReason::kReset);
}

// Walks the options of a frame as an outsider would; returns their kinds, or a complaint.
std::string KindsOf(const std::vector<uint8_t>& frame, bool v4) {
  const size_t tcp =
      wire::kEthernetHeaderSize + (v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize);
  const size_t end = tcp + (frame[tcp + 12] >> 4) * 4u;
  std::string kinds;
  for (size_t at = tcp + wire::kTcpHeaderSize; at < end;) {
    const uint8_t kind = frame[at];
    if (kind == 0) {
      while (at < end) {
        if (frame[at++] != 0) return "padding that is not zero";
      }
      return kinds;
    }
    kinds += std::to_string(kind) + " ";
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= end || frame[at + 1] < 2 || at + frame[at + 1] > end) return "illegal length";
    at += frame[at + 1];
  }
  return kinds;
}

TEST_P(PassiveOpen, OptionsThatWeSendHaveLengthsAndTheMssIsOnSynsOnly) {  // RFC7323-2.2s
  Rig rig(Base());
  std::vector<std::string> kinds;
  rig.on_frame = [&](const std::vector<uint8_t>& frame) {
    kinds.push_back(KindsOf(frame, GetParam()));
  };
  rig.In(Syn(0).Mss(1460).Scale(7).Ts(77, 0));
  const Seg syn_ack = rig.Any();
  rig.In(Ack(1).Acks(1).Ts(78, syn_ack.options.ts_value));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.c().Close();
  rig.Turn();
  rig.Discard();
  // MUST-65, MUST-68, MUST-69
  EXPECT_EQ(kinds, (std::vector<std::string>{"2 1 1 8 1 3 ", "1 1 8 ", "1 1 8 "}));
}

// --- initial sequence numbers ---

TEST_P(PassiveOpen, IssFollowsAClockOfFourMicroseconds) {  // RFC6528-3c
  Rig rig(Base());
  rig.In(Syn(0));
  rig.Out(SynAck(0).Acks(1));
  const Seq first = rig.iss();
  rig.In(Rst(1));
  rig.Advance(Seconds(2));
  rig.NewConnection(kPeerPort);
  rig.In(Syn(0));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_EQ(Distance(first, rig.iss()), 500000u);  // MUST-8
}

TEST_P(PassiveOpen, IssOfAnotherPortTellsNothing) {  // RFC6528-3k
  Rig rig(Base());
  rig.In(Syn(0));
  rig.Out(SynAck(0).Acks(1));
  uint32_t far = 0;
  for (uint16_t port = 1; port <= 64; ++port) {
    rig.In(Syn(0).From(port));
    const Seg got = rig.Any();  // relative to the first ISS, at the same time
    if (got.seq - 0x100000 < 0xffe00000u) ++far;
  }
  EXPECT_GT(far, 56u);  // MUST-9, SHLD-1: by chance 64 * 4095 / 4096
}

// --- SYN-RECEIVED ---

TEST_P(PassiveOpen, SynAckIsSentAgainFiveTimesAndForgottenAfter63Seconds) {
  Rig rig(Base());  // RFC6298-2.1, RFC8961-4.1
  rig.In(Syn(0).Mss(1460).Scale(7).Ts(77, 0));
  const Seg same = SynAck(0).Acks(1).Mss(FullMss()).Scale(3).TsEcho(77).Exactly();
  rig.Out(same);
  for (const int seconds : {1, 2, 4, 8, 16}) rig.OutAfter(Seconds(seconds), same);  // MUST-22
  rig.Advance(Milliseconds(31980));
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  rig.Advance(Milliseconds(30));
  rig.Quiet();
  rig.ExpectEmpty();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAckRetransmits), 5u);
  EXPECT_TRUE(rig.handler().closed.empty());
}

TEST_P(PassiveOpen, SynThatComesAgainIsAnsweredAgain) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Advance(Milliseconds(600));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1).Mss(FullMss()));
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(PassiveOpen, SynThatComesAgainDoesNotMoveTheTimer) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Advance(Milliseconds(600));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.OutAfter(Milliseconds(400), SynAck(0).Acks(1));  // RFC 6298 5.1: it is running
}

TEST_P(PassiveOpen, SynsAgainAndAgainDoNotKeepTheEntryAlive) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  for (int i = 0; i < 71; ++i) {  // until 63.9 s
    rig.Advance(Milliseconds(900));
    rig.In(Syn(0).Mss(1460));
  }
  rig.Discard();
  EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenTimedOut), 1u);
}

TEST_P(PassiveOpen, HandshakeIsNotTimedWhenItsSynAckWentOutTwice) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Advance(Milliseconds(600));
  rig.In(Syn(0).Mss(1460));
  rig.Discard();
  rig.Advance(Milliseconds(5));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.c().Info().srtt_us, 0u);  // MUST-18: Karn's algorithm
}

TEST_P(PassiveOpen, WrongFinalAckIsRefusedAndTheEntryStays) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  for (const uint32_t wrong : {0u, 2u, 70000u, 0x80000000u}) {
    rig.In(Ack(1).Acks(wrong));
    rig.Out(Rst(wrong));  // RFC 9293 3.10.7.4 fifth
  }
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(PassiveOpen, ResetInSynReceivedGoesBackToListenAndNobodyIsTold) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Rst(1));  // MUST-11
  rig.Quiet();
  rig.ExpectEmpty();
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.NewConnection(kPeerPort);
  rig.Establish();
}

TEST_P(PassiveOpen, ResetInSynReceivedThatIsNotExactIsChallenged) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Rst(2));
  rig.Out(Ack(1).Acks(1));  // RFC 5961 3.2
  rig.In(Rst(0));
  rig.In(Rst(70000));
  rig.Quiet();
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(PassiveOpen, OtherSynInsideTheWindowGoesBackToListen) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Syn(100).Mss(1460));  // RFC 9293 3.10.7.4 fourth
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(PassiveOpen, OtherSynOutsideTheWindowIsChallengedAndTheEntryStays) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Syn(1000000).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(PassiveOpen, SegmentOutsideTheWindowIsAnsweredByAnAckAndTheEntryStays) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(100000, 10).Acks(1));
  rig.Out(Ack(1).Acks(1));
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(PassiveOpen, SegmentWithoutAckDoesNotOpen) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Seg{.flags = wire::kTcpPsh, .seq = 1}.Octets(10));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoAck), 1u);
}

// --- the third segment ---

TEST_P(PassiveOpen, TextOfTheFinalAckIsDelivered) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  rig.ExpectReceived(100);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
}

TEST_P(PassiveOpen, TextCompletesTheHandshakeWhenTheFinalAckWasLost) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  rig.ExpectReceived(100);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
}

TEST_P(PassiveOpen, FinalAckAndTextInOneBurstMakeOneAck) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.InBurst({Ack(1).Acks(1), Data(1, 1000).Acks(1), Data(1001, 1000).Acks(1)});
  rig.ExpectReceived(2000);
  rig.Out(Ack(1).Acks(2001));  // MUST-58, MUST-59
  rig.Quiet();
}

TEST_P(PassiveOpen, SynAndFinalAckInOneBurstDoNotOpen) {
  Rig rig(Base());
  // The ACK guesses an ISS before ours is known to anybody.
  rig.InBurst({Syn(0).Mss(1460), Ack(1).Acks(1)});
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.Discard();
}

TEST_P(PassiveOpen, FinOfTheFinalAckOpensAndHalfCloses) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(PassiveOpen, TextOfASynIsNotAcknowledgedAndTakenWhenItComesAgain) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Octets(50));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(1, 50).Acks(1));
  rig.ExpectReceived(50);
}

TEST_P(PassiveOpen, SynWithOtherFlagsOpensLikeAnyOther) {
  Rig rig(Base());
  const uint8_t flags = wire::kTcpPsh | wire::kTcpUrg | wire::kTcpEce | wire::kTcpCwr;
  rig.In(Syn(0).Mss(1460).Flag(flags));
  const Seg got = rig.Out(SynAck(0).Acks(1));
  EXPECT_EQ(got.flags & (wire::kTcpEce | wire::kTcpCwr), 0) << "ECN is not spoken here";
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

// --- many at once ---

TEST_P(PassiveOpen, FullBacklogRefusesInSilenceUntilAnEntryIsFree) {
  Options options = Base();
  options.tcp.syn_backlog = 4;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  for (uint16_t port = 1; port <= 3; ++port) {
    rig.In(Syn(0).Mss(1460).From(port));
    rig.Any();
  }
  rig.In(Syn(0).Mss(1460).From(uint16_t{4}));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), 1u);
  rig.In(Ack(1).Acks(1));  // one of the four completes
  rig.ExpectState(TcpState::kEstablished);
  rig.In(Syn(0).Mss(1460).From(uint16_t{4}));
  EXPECT_TRUE(rig.Any().syn());
  rig.In(Rst(1).From(uint16_t{1}));  // another is reset
  rig.In(Syn(0).Mss(1460).From(uint16_t{5}));
  EXPECT_TRUE(rig.Any().syn());
}

TEST_P(PassiveOpen, BacklogIsFreeAgainWhenItsEntriesTimeOut) {
  Options options = Base();
  options.tcp.syn_backlog = 4;
  Rig rig(options);
  for (uint16_t port = 1; port <= 5; ++port) rig.In(Syn(0).Mss(1460).From(port));
  rig.Advance(Seconds(64));
  rig.Discard();
  rig.NewConnection(kPeerPort);
  rig.Establish();
}

TEST_P(PassiveOpen, EndsSilentlyWithItsListener) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Discard();
  rig.engine().CloseAllListeners();
  rig.Turn();
  rig.Quiet();
  rig.ExpectEmpty();
  rig.In(Ack(1).Acks(1));  // a peer in earnest
  rig.Out(Rst(1));
}

TEST_P(PassiveOpen, GoodClientOpensAfterAHundredSynsThatNobodyFollowsUp) {
  Rig rig(Base());
  for (uint16_t port = 1; port <= 100; ++port) rig.In(Syn(0).Mss(1460).From(port));
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().connections, 100u);
  EXPECT_EQ(rig.engine().live(), 0u);  // none of them would hold up a drain
  rig.NewConnection(kPeerPort);
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectReceived(100);
  rig.Advance(Milliseconds(40));
  rig.Out(Ack(1).Acks(101));
  rig.Advance(Seconds(64));
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  EXPECT_EQ(rig.engine().live(), 1u);
}

WEIR_BOTH_FAMILIES(PassiveOpen);

}  // namespace
}  // namespace weir::segment
