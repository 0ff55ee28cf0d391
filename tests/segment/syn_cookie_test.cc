// SYN cookies on the wire: handshakes that nobody here remembers.
#include <gtest/gtest.h>

#include <algorithm>

#include "segment/rig.h"

namespace weir::segment {
namespace {

// With sanitizers, one in so many of the offsets from 64 on.
#ifdef __SANITIZE_ADDRESS__
constexpr uint32_t kOffsetStep = (kMss - 64) / 4;  // the last of them is kMss
#else
constexpr uint32_t kOffsetStep = 1;
#endif

class Cookies : public TransferTest {
 protected:
  Options Always() const {
    Options options = Base();
    options.iss_near_wrap = false;  // the ISS is no clock
    options.tcp.syn_cookies = SynCookies::kAlways;
    return options;
  }
  // `backlog` half-open connections are remembered, and fill it.
  Options Auto(uint32_t backlog) const {
    Options options = Always();
    options.tcp.syn_cookies = SynCookies::kAuto;
    options.tcp.syn_backlog = backlog;
    return options;
  }
  static void Fill(Rig& rig, uint16_t backlog) {
    for (uint16_t i = 0; i < backlog; ++i) {
      rig.In(Syn(0).Mss(1460).From(static_cast<uint16_t>(1000 + i)));
    }
    rig.Discard();
    rig.NewConnection(kPeerPort);
  }
};

TEST_P(Cookies, HandshakeLeavesNothingBehindUntilItIsComplete) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460).Scale(7).Ts(77, 0));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Scale(3).TsEcho(77).Win(65535).Exactly());
  EXPECT_EQ(rig.engine().usage().connections, 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  rig.Advance(Seconds(20));
  rig.Quiet();  // C11: no retransmission
}

TEST_P(Cookies, AcknowledgementOpensWithEverythingTheSynOffered) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1400).Scale(9).Ts(77, 0));
  const Seg syn_ack = rig.Out(SynAck(0).Acks(1));
  rig.Advance(Milliseconds(100));
  rig.In(Ack(1).Acks(1).Win(100).Ts(177, syn_ack.options.ts_value));
  rig.Quiet();
  rig.ExpectOpen();
  const ConnectionInfo info = rig.c().Info();
  EXPECT_EQ(info.mss, 1400 - 12);
  EXPECT_EQ(info.send_window_scale, 9);
  EXPECT_EQ(info.receive_window_scale, 3);
  EXPECT_TRUE(info.timestamps);
  EXPECT_EQ(info.send_window, 100u << 9);
  EXPECT_EQ(info.srtt_us, 0u);
  EXPECT_EQ(info.rto_us, 1000000u) << "no sample, and no timeout of a SYN either";
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
  EXPECT_EQ(rig.Send(10), 10u);
  const Seg text = rig.Out(Data(1, 10));
  EXPECT_GE(static_cast<int32_t>(text.options.ts_value - syn_ack.options.ts_value), 0);  // C7
}

// A client without timestamps keeps its window scale.
TEST_P(Cookies, WindowScaleSurvivesWithoutTimestamps) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460).Scale(7));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Scale(3).Exactly());
  rig.In(Ack(1).Acks(1).Win(1000));
  rig.ExpectOpen();
  EXPECT_EQ(rig.c().Info().send_window, 128000u);
  EXPECT_EQ(rig.c().Info().mss, 1460);
}

// C11: no answer is longer than its SYN.
TEST_P(Cookies, AnswerHasNoOptionThatTheSynHasNot) {
  Rig rig(Always());
  rig.In(Syn(0));
  rig.Out(SynAck(0).Acks(1).Exactly());
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  EXPECT_EQ(rig.c().Info().mss, GetParam() ? 536 : 1220);  // MUST-15
}

TEST_P(Cookies, TextAndFinOfTheFinalAckAreTaken) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Fin(1).Acks(1).Octets(100));
  rig.Out(Ack(1).Acks(102));
  rig.ExpectReceived(100);
  rig.ExpectState(TcpState::kCloseWait);
}

// "SYN cookies ate my dog": with the final ACK and the first octets lost, a later segment must not
// pass for the first. The first segment to arrive begins at each offset in turn; then the peer
// sends again what was not acknowledged. Whoever remembers the handshake keeps that segment.
TEST_P(Cookies, LostFinalAckFollowedByTextLosesNoOctetAtAnyOffset) {
  constexpr uint32_t kStream = 2 * kMss;
  constexpr uint16_t kOther = 81;
  enum Memory { kNone, kEvicted, kRemembered };
  for (const Memory memory : {kNone, kEvicted, kRemembered}) {
    for (const bool timestamps : {false, true}) {
      SCOPED_TRACE(testing::Message() << "memory " << memory << ", timestamps " << timestamps);
      Options options = memory == kNone ? Always() : Auto(1024);
      if (memory == kEvicted) options.tcp.max_half_open = 1;
      Rig rig(options);
      const ListenOptions other{.port = kOther};
      ASSERT_TRUE(rig.engine().Listen(*rig.engine().WithDefaults(other), &rig.handler()));
      for (uint32_t offset = 0; offset <= kMss; offset += offset < 64 ? 1 : kOffsetStep) {
        const auto port = static_cast<uint16_t>(2000 + offset);
        rig.NewConnection(port);
        Seg syn = Syn(0).Mss(1460).Scale(7);
        rig.In(timestamps ? syn.Ts(77, 0) : syn);
        const Seg syn_ack = rig.Any();
        const Seq iss = rig.iss();
        if (memory == kEvicted) {
          rig.NewConnection(1000);
          rig.In(Syn(offset).Mss(1460).To(kOther));
          rig.Discard();
          rig.ReturnTo(port, iss);
        }
        const auto text = [&](uint32_t from, uint32_t size) {
          Seg seg = Data(1 + from, size).Acks(1);
          rig.In(timestamps ? seg.Ts(78, syn_ack.options.ts_value) : seg);
        };
        rig.handler().received.clear();
        text(offset, std::min(kMss, kStream - offset));
        ASSERT_EQ(rig.c().alive(), offset == 0 || memory == kRemembered) << offset;
        for (uint32_t from = 0; from < kStream; from += kMss) text(from, kMss);
        rig.ExpectReceived(kStream);
        rig.c().Abort();
        rig.Turn();
        rig.Discard();
        if (HasFailure()) return;
      }
      EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted) != 0, memory != kRemembered);
      EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted) != 0, memory == kEvicted);
    }
  }
}

TEST_P(Cookies, SynWhoseAnswerWasLostIsAnsweredAgain) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Advance(Seconds(1));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
}

// All in one burst: the client begins anew, and what comes of its first attempt opens by cookie and
// is reset, before the new SYN has its turn.
TEST_P(Cookies, SynIsAnsweredWhoseOldConnectionOpensAndEndsBesideIt) {
  constexpr Seq kAgain = kPeerIss + 100'000;
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.InBurst({Syn(100'000).Mss(1460), Ack(1).Acks(1), Rst(1)});
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
  EXPECT_EQ(rig.engine().listener(rig.listener()).counts.syns, 2u);
  const Seg answer = rig.Any();
  EXPECT_TRUE(answer.syn());
  EXPECT_EQ(answer.ack, 100'001u);
  rig.Quiet();
  rig.ReturnTo(kPeerPort, rig.iss() + answer.seq, kAgain);
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  EXPECT_EQ(rig.engine().usage().connections, 1u);
}

TEST_P(Cookies, ReplayedAcknowledgementOpensNothingMore) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  for (int i = 0; i < 1000; ++i) rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
}

TEST_P(Cookies, ForgedAcknowledgementsAreDroppedInSilence) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  for (uint32_t i = 0; i < 1000; ++i) rig.In(Ack(1).Acks(2 + i * 4194301));
  rig.Quiet();  // C10
  EXPECT_EQ(rig.engine().usage().connections, 0u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpCookie), 1000u);
}

// A minute after the last cookie went out none can be good, and stray ACKs get their RST again.
TEST_P(Cookies, ListenerThatHasSentNoneLatelyBelievesNone) {
  Rig rig(Always());
  rig.In(Ack(1).Acks(1).Absolute());
  EXPECT_TRUE(rig.Any().rst());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Advance(Seconds(61));
  rig.In(Ack(1).Acks(1));
  EXPECT_TRUE(rig.Any().rst());
  EXPECT_TRUE(rig.handler().opened.empty());
}

TEST_P(Cookies, ResetOfAHandshakeIsIgnored) {
  Rig rig(Always());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Rst(1));
  rig.In(RstAck(1).Acks(1));
  rig.Quiet();
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
}

// --- auto ---

TEST_P(Cookies, FullBacklogTurnsToCookiesAndBackWhenAQuarterIsFree) {
  Rig rig(Auto(8));
  Fill(rig, 8);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 0u);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  EXPECT_EQ(rig.engine().usage().connections, 8u);
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), 0u);
  rig.Advance(Seconds(64));  // those that nobody follows up are gone
  rig.Discard();
  rig.NewConnection(kPeerPort + 1);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  EXPECT_EQ(rig.engine().usage().connections, 2u);
}

// Two answers to one SYN, of which the client takes the first: no reset for it.
TEST_P(Cookies, AnswerByCookieStaysGoodWhenTheSynCameAgainAndWasRemembered) {
  for (const bool timestamps : {false, true}) {
    Rig rig(Auto(8));
    Fill(rig, 8);
    Seg syn = Syn(0).Mss(1460).Scale(7);
    if (timestamps) syn.Ts(77, 0);
    rig.In(syn);
    const Seg first = rig.Out(SynAck(0).Acks(1));
    for (uint16_t i = 0; i < 8; ++i) {
      rig.In(Rst(1).From(static_cast<uint16_t>(1000 + i)));  // room again
    }
    rig.Advance(Seconds(31));
    rig.In(syn);
    EXPECT_EQ(rig.engine().usage().half_open, 1u);
    const Seg second = rig.Any();
    EXPECT_NE(second.seq, 0u) << "a cookie of another key";
    Seg ack = Ack(1).Acks(1);
    if (timestamps) ack.Ts(78, first.options.ts_value);
    rig.In(ack);
    rig.Quiet();
    EXPECT_EQ(rig.handler().opened.size(), 1u);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Out(Data(1, 10));
    EXPECT_EQ(rig.c().Info().send_window_scale, 7);
  }
}

TEST_P(Cookies, FloodOfSynsCostsNoMemoryAndTheClientGetsIn) {
  Rig rig(Auto(16));
  for (uint16_t i = 0; i < 2000; ++i) {
    rig.In(Syn(i).Mss(1460).From(static_cast<uint16_t>(1024 + i)));
    rig.Discard();
  }
  EXPECT_EQ(rig.engine().usage().connections, 16u);
  rig.NewConnection(kPeerPort);
  rig.Establish();
}

TEST_P(Cookies, FullTableLosesTheHandshakeAndNotTheListener) {
  Options options = Always();
  options.tcp.max_connections = 1;
  Rig rig(options);
  rig.Establish();
  rig.NewConnection(kPeerPort + 1);
  rig.In(Syn(0).Mss(1460));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTcb), 1u);
}

// K12: a SYN that reuses a tuple in TIME-WAIT needs an ISS above the old one, which no cookie is.
TEST_P(Cookies, TimeWaitIsReusedWithoutACookie) {
  Rig rig(Always());
  rig.Establish();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  const Seq old = rig.iss();
  rig.NewConnection(kPeerPort, kPeerIss + 1000);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_GT(rig.iss(), old);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u) << "of the first connection";
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

// F4: who guesses the tuple and the window takes nothing away from the peer.
TEST_P(Cookies, HandshakeThatAStrangersSynEndsIsCompletedByItsCookie) {
  Rig rig(Auto(8));
  rig.In(Syn(0).Mss(1460).Scale(7));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Syn(500).Mss(1460));
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().half_open, 0u);
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  EXPECT_EQ(rig.c().Info().send_window_scale, 7);
}

// --- several servers behind one address ---

// Two servers, the second's clock `skew` ahead, and a network that sends what follows a SYN to the
// other one. Where in an epoch all this happens is `at`.
class SharedCookies : public Cookies {
 protected:
  Options Server(Duration ahead, SynCookies cookies = SynCookies::kAlways) const {
    Options options = Always();
    options.tcp.syn_cookies = cookies;
    options.tcp.cookies_shared = true;
    options.ahead = ahead;
    return options;
  }
  // The acknowledgement of what `answered` said, for the other rig.
  static Seg AckOf(const Rig& answered, const Seg& syn_ack, bool timestamps) {
    Seg ack = Ack(answered.irs().value + 1).Acks(answered.iss().value + 1).Win(1000).Absolute();
    if (timestamps) ack.Ts(78, syn_ack.options.ts_value);
    return ack;
  }
};

TEST_P(SharedCookies, AreTakenByTheOtherServerWhateverTheSkewAndThePlaceInTheEpoch) {
  for (const int skew_s : {-25, 0, 25}) {
    for (int at_s = 0; at_s < 60; at_s += 12) {
      for (const bool timestamps : {false, true}) {
        Rig a(Server(Seconds(at_s))), b(Server(Seconds(at_s + skew_s)));
        Seg syn = Syn(0).Mss(1400).Scale(7);
        if (timestamps) syn.Ts(77, 0);
        a.In(syn);
        const Seg syn_ack = a.Out(SynAck(0).Acks(1));
        a.Advance(Seconds(4));
        b.Advance(Seconds(4));
        b.In(AckOf(a, syn_ack, timestamps));
        b.Quiet();
        b.ExpectOpen();
        EXPECT_EQ(b.counter(Counter::kTcpCookiesAccepted), 1u) << skew_s << ' ' << at_s;
        EXPECT_EQ(b.c().Info().send_window, 128000u);
        // The peer would drop by PAWS what is older than the SYN-ACK.
        EXPECT_EQ(b.Send(10), 10u);
        const Seg text = b.Any();
        EXPECT_EQ(text.text.size(), 10u);
        if (!timestamps) continue;
        EXPECT_GE(static_cast<int32_t>(text.options.ts_value - syn_ack.options.ts_value), 0)
            << skew_s << ' ' << at_s;
      }
    }
  }
}

// A minute after it was made it is too old for everybody, and so it is when made two epochs ahead.
TEST_P(SharedCookies, AreRefusedWhenClocksAreTooFarApart) {
  for (const int skew_s : {-61, 61}) {
    Rig a(Server({})), b(Server(Seconds(skew_s)));
    a.In(Syn(0).Mss(1460));
    const Seg syn_ack = a.Out(SynAck(0).Acks(1));
    b.In(AckOf(a, syn_ack, false));
    EXPECT_TRUE(b.Any().rst()) << skew_s;
    EXPECT_TRUE(b.handler().opened.empty());
  }
}

// A server that is not flooded itself believes the cookies of one that is, but what is none gets
// its RST as ever: somebody's connection is gone.
TEST_P(SharedCookies, AServerThatHasSentNoneTakesThemAndStillResetsWhatIsNone) {
  Rig a(Server({})), b(Server({}, SynCookies::kAuto));
  a.In(Syn(0).Mss(1460));
  const Seg syn_ack = a.Out(SynAck(0).Acks(1));
  b.In(Ack(1).Acks(a.iss().value + 2).Absolute());
  EXPECT_TRUE(b.Any().rst());
  EXPECT_TRUE(b.handler().opened.empty());
  b.In(AckOf(a, syn_ack, false));
  b.ExpectOpen();
}

TEST_P(SharedCookies, AListenerWithoutCookiesTakesNone) {
  Rig a(Server({})), b(Server({}, SynCookies::kOff));
  a.In(Syn(0).Mss(1460));
  const Seg syn_ack = a.Out(SynAck(0).Acks(1));
  b.In(AckOf(a, syn_ack, false));
  EXPECT_TRUE(b.Any().rst());
}

// The SYN came again, to a server that had room and remembered it; the client takes the first
// answer.
TEST_P(SharedCookies, AnAnswerOfAnotherServerIsAsGoodAsTheSecondOne) {
  for (const bool timestamps : {false, true}) {
    Rig a(Server({})), b(Server(Seconds(20), SynCookies::kAuto));
    Seg syn = Syn(0).Mss(1460).Scale(7);
    if (timestamps) syn.Ts(77, 0);
    a.In(syn);
    const Seg first = a.Out(SynAck(0).Acks(1));
    b.In(syn);
    b.Out(SynAck(0).Acks(1));
    b.In(AckOf(a, first, timestamps));
    b.Quiet();
    b.ExpectState(TcpState::kEstablished);
  }
}

// What is announced is proved as well: servers that announce different scales refuse each other.
TEST_P(SharedCookies, AreRefusedByAServerThatAnnouncesAnotherScale) {
  Options other = Server({});
  other.tcp.window_scale = 9;
  Rig a(Server({})), b(other);
  a.In(Syn(0).Mss(1460).Scale(7));
  const Seg syn_ack = a.Out(SynAck(0).Acks(1));
  b.In(AckOf(a, syn_ack, false));
  EXPECT_TRUE(b.Any().rst());
}

WEIR_BOTH_FAMILIES(Cookies);
WEIR_BOTH_FAMILIES(SharedCookies);

}  // namespace
}  // namespace weir::segment
