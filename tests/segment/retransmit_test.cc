// The retransmission timer: RFC 6298, and what is sent again when it runs out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Retransmission : public TransferTest {
 protected:
  // A handshake whose round trip takes this long.
  static void EstablishAfter(Rig& rig, Duration rtt, std::optional<uint32_t> ts = {}) {
    rig.In(ts ? Syn(0).Mss(kMss).Ts(*ts, 0) : Syn(0).Mss(kMss));
    const Seg syn_ack = rig.Out(SynAck(0).Acks(1));
    rig.Advance(rtt);
    Seg ack = Ack(1).Acks(1);
    rig.In(ts ? ack.Ts(*ts, syn_ack.options.ts_value) : ack);
    rig.Quiet();
  }
};

// --- RFC 6298 2: the computation ---

// RFC 6298 2.2, MUST-18
TEST_P(Retransmission, FirstSampleMakesTheTimeoutThreeRoundTrips) {  // RFC6298-2.2
  Rig rig(Base());
  EstablishAfter(rig, Milliseconds(100));
  const ConnectionInfo info = rig.c().Info();
  EXPECT_EQ(info.srtt_us, 100000u);
  EXPECT_EQ(info.rttvar_us, 50000u);
  EXPECT_EQ(info.rto_us, 300000u);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(300), Data(1, 10));
}

// RFC 6298 2.3, MUST-18: RTTVAR with the old SRTT, then SRTT; alpha 1/8, beta 1/4.
TEST_P(Retransmission, LaterSamplesFollowTheFormula) {  // RFC6298-2.3, RFC6298-3r, RFC8961-4.2
  Rig rig(Base());
  EstablishAfter(rig, Milliseconds(100));
  double srtt = 100000, rttvar = 50000;
  uint32_t seq = 1;
  for (const int64_t ms : {200, 50, 50, 300, 120, 120, 120, 20, 1, 90}) {
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Out(Data(seq, 10));
    seq += 10;
    rig.Advance(Milliseconds(ms));
    rig.In(Ack(1).Acks(seq));
    const double r = static_cast<double>(ms) * 1000;
    rttvar = 0.75 * rttvar + 0.25 * std::abs(srtt - r);
    srtt = 0.875 * srtt + 0.125 * r;
    const ConnectionInfo info = rig.c().Info();
    EXPECT_NEAR(info.srtt_us, srtt, 20);
    EXPECT_NEAR(info.rttvar_us, rttvar, 20);
    EXPECT_NEAR(info.rto_us, std::max(srtt + 4 * rttvar, 200000.0), 1100);
  }
}

// RFC 6298 2.3: the clock's granularity when the variance has vanished.
TEST_P(Retransmission, TimeoutStaysAboveTheRoundTripWhenThatIsConstant) {  // RFC6298-2.3g
  Options options = Base();
  options.tcp.rto_min_ms = 1;
  Rig rig(options);
  EstablishAfter(rig, Milliseconds(100));
  for (uint32_t i = 0; i < 60; ++i) {
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Out(Data(1 + 10 * i, 10));
    rig.Advance(Milliseconds(100));
    rig.In(Ack(1).Acks(11 + 10 * i));
  }
  EXPECT_GE(rig.c().Info().rto_us, 101000u);
  EXPECT_LE(rig.c().Info().rto_us, 103000u);
  rig.Quiet();
}

// RFC 6298 2.4 with the configured minimum.
TEST_P(Retransmission, TimeoutIsNeverBelowTheMinimum) {
  Rig rig(Base());
  EstablishAfter(rig, Milliseconds(1));
  EXPECT_EQ(rig.c().Info().rto_us, 200000u);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(200), Data(1, 10));
}

// --- RFC 6298 3 and 5: samples and the timer ---

// RFC 6298 5.7: the SYN-ACK timed out, so the first timeout of text is three seconds.
TEST_P(Retransmission, OfTextBehindALostSynAckWaitsThreeSeconds) {  // RFC6298-5.7
  Rig rig(Base());
  rig.In(Syn(0).Mss(kMss));
  rig.Out(SynAck(0).Acks(1));
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Seconds(3), Data(1, 10));
}

// Karn's rule for the handshake.
TEST_P(Retransmission, OfTheSynAckGivesNoSample) {  // RFC6298-3
  Rig rig(Base());
  rig.In(Syn(0).Mss(kMss));
  rig.Out(SynAck(0).Acks(1));
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1));
  rig.Advance(Milliseconds(10));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.c().Info().srtt_us, 0u);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.Advance(Milliseconds(80));
  rig.In(Ack(1).Acks(11));
  EXPECT_EQ(rig.c().Info().srtt_us, 80000u);
}

// RFC 6298 5.5, MUST-19: doubled each time, up to the maximum.
TEST_P(Retransmission, IntervalsDoubleUpToTheMaximum) {
  Rig rig(Base());  // RFC6298-2.5, RFC6298-5.5, RFC8961-4.3, RFC8961-4.4
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  int64_t ms = 200;
  for (int i = 0; i < 12; ++i) {
    rig.OutAfter(Milliseconds(ms), Data(1, 10));
    ms = std::min<int64_t>(2 * ms, 120000);
  }
}

// MUST-18: Karn's rule.
TEST_P(Retransmission, GivesNoSample) {  // RFC6298-3
  Rig rig(Base());
  EstablishAfter(rig, Milliseconds(100));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(300), Data(1, 10));
  rig.Advance(Milliseconds(10));
  rig.In(Ack(1).Acks(11));
  EXPECT_EQ(rig.c().Info().srtt_us, 100000u);
  EXPECT_EQ(rig.c().Info().rttvar_us, 50000u);
}

// RFC 6298 5, Karn's other half: only a sample ends the back-off, or a path slower than the timeout
// would never be measured.
TEST_P(Retransmission, KeepsItsBackOffUntilThereIsASample) {  // RFC6298-5.6
  Rig rig(Base());
  EstablishAfter(rig, Milliseconds(100));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(300), Data(1, 10));
  rig.OutAfter(Milliseconds(600), Data(1, 10));
  rig.In(Ack(1).Acks(11));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(11, 10));
  rig.Advance(Milliseconds(1190));
  rig.Quiet();
  rig.In(Ack(1).Acks(21));  // a sample of 1190 ms
  EXPECT_GT(rig.c().Info().srtt_us, 200000u);
  EXPECT_EQ(rig.c().Info().rto_us / 1000,
            (rig.c().Info().srtt_us + 4 * rig.c().Info().rttvar_us + 999) / 1000);
}

// RFC 7323 4: with timestamps the echo tells which transmission it was.
TEST_P(Retransmission, GivesASampleWithTimestamps) {
  Rig rig(Base());
  EstablishAfter(rig, Milliseconds(100), 5000);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  const Seg again = rig.OutAfter(Milliseconds(300), Data(1, 10));
  rig.Advance(Milliseconds(100));
  rig.In(Ack(1).Acks(11).Ts(5400, again.options.ts_value));
  EXPECT_NEAR(rig.c().Info().srtt_us, 100000u, 1000);
  EXPECT_NEAR(rig.c().Info().rttvar_us, 37500u, 1000);
}

// RFC 6298 5.2
TEST_P(Retransmission, StopsWhenEverythingIsAcknowledged) {  // RFC6298-5.2
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(2920), 2920u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 1460));
  rig.In(Ack(1).Acks(2921));
  rig.Advance(Seconds(300));
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().flights, 0u);
}

// RFC 6298 5.3
TEST_P(Retransmission, TimerStartsAnewWithEachNewAcknowledgement) {  // RFC6298-5.3
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(2920), 2920u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 1460));
  rig.Advance(Milliseconds(150));
  rig.In(Ack(1).Acks(1461));
  const auto rto = Milliseconds(rig.c().Info().rto_us / 1000);
  rig.OutAfter(rto, Data(1461, 1460));
}

// RFC 6298 5.1: a segment behind others does not push the timer back.
TEST_P(Retransmission, TimerIsNotPushedBackBySending) {  // RFC6298-5.1
  Options options = Base();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.Advance(Milliseconds(150));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(11, 10));
  const Duration waited = rig.UntilNext(Milliseconds(52));
  EXPECT_GE(waited, Milliseconds(49));
  EXPECT_EQ(rig.Any().seq, 1u);
}

// MUST-20, SHLD-11: fifteen times, which takes far more than 100 seconds; then RST and the news.
TEST_P(Retransmission, GivesUpAtR2) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  for (int i = 0; i < 15; ++i) {
    rig.UntilNext(Seconds(121));
    rig.Out(Data(1, 10));
  }
  rig.UntilNext(Seconds(121));
  rig.Out(RstAck(11));
  EXPECT_GT(rig.elapsed(), Seconds(900));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(Retransmission, CountsFromZeroAfterProgress) {
  Options options = Base();
  options.tcp.retries2 = 3;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(2920), 2920u);
  rig.Discard();
  for (int i = 0; i < 3; ++i) {
    rig.UntilNext(Seconds(10));
    rig.Out(Data(1, 1460));
  }
  rig.In(Ack(1).Acks(1461));
  rig.Out(Data(1461, 1460));
  for (int i = 0; i < 3; ++i) {
    rig.UntilNext(Seconds(10));
    rig.Out(Data(1461, 1460));
  }
  rig.ExpectOpen();
}

// --- what is sent again ---

// RFC 6298 5.4: the earliest segment, and the rest only as the window grows again.
TEST_P(Retransmission, BeginsWithTheOldestSegmentAlone) {  // RFC6298-5.4
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(5840), 5840u);
  for (uint32_t i = 0; i < 4; ++i) rig.Out(Data(1 + 1460 * i, 1460));
  rig.OutAfter(Milliseconds(200), Data(1, 1460));
  rig.Quiet();
  rig.In(Ack(1).Acks(1461));
  rig.Out(Data(1461, 1460));
  rig.Out(Data(2921, 1460));
  rig.Quiet();
  rig.In(Ack(1).Acks(4381));
  rig.Out(Data(4381, 1460));
  rig.In(Ack(1).Acks(5841));
  rig.Advance(Seconds(10));
  rig.Quiet();
}

TEST_P(Retransmission, SkipsWhatThePeerTurnsOutToHave) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(5840), 5840u);
  for (uint32_t i = 0; i < 4; ++i) rig.Out(Data(1 + 1460 * i, 1460));
  rig.OutAfter(Milliseconds(200), Data(1, 1460));
  rig.In(Ack(1).Acks(4381));  // only the first and the last were lost
  rig.Out(Data(4381, 1460));
  rig.In(Ack(1).Acks(5841));
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(5841, 100));
}

TEST_P(Retransmission, OfAPartlyAcknowledgedSegmentIsTheRestOfIt) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(1460), 1460u);
  rig.Out(Data(1, 1460));
  rig.In(Ack(1).Acks(501));
  rig.OutAfter(Milliseconds(200), Data(501, 960));
  rig.In(Ack(1).Acks(1461));
  EXPECT_EQ(rig.engine().usage().flights, 0u);
}

TEST_P(Retransmission, JoinsSegmentsThatWereShort) {
  Options options = Base();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.Establish();
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rig.Send(100), 100u);
    rig.Out(Data(1 + 100 * i, 100));
  }
  rig.OutAfter(Milliseconds(200), Data(1, 300));
}

TEST_P(Retransmission, CarriesThePresentAcknowledgement) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).Acks(1));
  rig.In(Data(1, 50).Acks(1));
  rig.OutAfter(Milliseconds(40), Ack(11).Acks(51));
  rig.OutAfter(Milliseconds(160), Data(1, 10).Acks(51));
}

TEST_P(Retransmission, OfAFinFollowsTheSameTimer) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.OutAfter(Milliseconds(200), Fin(1).Acks(1));
  rig.OutAfter(Milliseconds(400), Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kFinWait2);
  rig.Advance(Seconds(100));
  rig.Quiet();
}

TEST_P(Retransmission, OfTextWithAFinHasBoth) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(0), 0u);
  const std::vector<uint8_t> text = Pattern(1, 100);
  EXPECT_EQ(rig.c().Send(text), 100u);
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Data(1, 100).Fin());
  rig.OutAfter(Milliseconds(200), Data(1, 100).Fin());
  rig.In(Ack(1).Acks(101));  // the text but not the FIN
  rig.Advance(Seconds(1));
  rig.Out(Fin(101));
  rig.Discard();
  rig.In(Ack(1).Acks(102));
  rig.ExpectState(TcpState::kFinWait2);
}

// A buffer that the driver has not sent yet must not be written to.
TEST_P(Retransmission, WorksWhileTheDriverStillHoldsTheBuffer) {
  Rig rig(Base());
  rig.Establish();
  rig.DriverKeepsBuffers(true);
  EXPECT_EQ(rig.Send(2000), 2000u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 540));
  rig.OutAfter(Milliseconds(200), Data(1, 1460));
  rig.In(Ack(1).Acks(501));  // and the record of the text is cut meanwhile
  rig.Out(Data(1461, 540));
  rig.Advance(Milliseconds(500));
  const Seg again = rig.Any();
  EXPECT_EQ(again.seq, 501u);
  EXPECT_EQ(again.text, Pattern(501, static_cast<uint32_t>(again.text.size())));
  rig.Discard();
  rig.In(Ack(1).Acks(2001));
  rig.Discard();
  EXPECT_GT(rig.pool().in_use(), 0u);
  rig.DriverKeepsBuffers(false);
  rig.In(Rst(1));
  rig.ExpectEmpty();
}

// Keep-alive probes that nobody answered are not retransmissions of what is sent next.
TEST_P(Retransmission, AfterUnansweredKeepAlivesBeginsWithTheOrdinaryTimeout) {
  Options options = Base();
  options.listen.connection.keep_alive = true;
  Rig rig(options);
  rig.Establish();
  rig.OutAfter(Seconds(7200), Ack(0).Acks(1));
  rig.OutAfter(Seconds(75), Ack(0).Acks(1));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(200), Data(1, 10));
  EXPECT_EQ(rig.c().Info().retransmissions, 1u);
  EXPECT_EQ(rig.c().Info().slow_start_threshold, 2 * kMss);
}

// MUST-20, SHLD-10: at R1 IP hears of it, and asks the next hop whether it is there.
TEST_P(Retransmission, OfTheThirdTimeDoubtsTheNextHop) {
  Rig rig(Base());
  rig.Establish();
  rig.Advance(Seconds(2));  // the next hop has not been heard of for a while
  unsigned asked = 0;
  rig.on_frame = [&asked](const std::vector<uint8_t>& octets) {
    wire::Frame frame;
    wire::ParseFrame(octets, {}, frame);
    if (frame.kind == wire::FrameKind::kTcp) return;
    ++asked;
    EXPECT_EQ(frame.destination_mac, kPeerMac);  // alone at first
  };
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.OutAfter(Milliseconds(200), Data(1, 10));
  rig.OutAfter(Milliseconds(400), Data(1, 10));
  EXPECT_EQ(asked, 0u);
  rig.OutAfter(Milliseconds(800), Data(1, 10));
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(rig.counter(Counter::kNeighbourSuspicions), 1u);
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNoAnswer);  // SHLD-9
}

// A peer that is only being asked for SYN-ACKs proves nothing about its next hop: a flood of SYNs
// must not make us ask.
TEST_P(Retransmission, OfASynAckDoubtsNobody) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(kMss));
  rig.Out(SynAck(0).Acks(1));
  for (const int seconds : {1, 2, 4, 8, 16}) rig.OutAfter(Seconds(seconds), SynAck(0).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kNeighbourSuspicions), 0u);
}

WEIR_BOTH_FAMILIES(Retransmission);

}  // namespace
}  // namespace weir::segment
