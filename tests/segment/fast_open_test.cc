// TCP Fast Open (RFC 7413), a server's part: text that comes with the SYN, and all that must not
// come of it.
#include <gtest/gtest.h>

#include "segment/rig.h"
#include "tcp/fast_open_cookie.h"

namespace weir::segment {
namespace {

using Bits = wire::TcpOptions;

class FastOpen : public TransferTest {
 protected:
  Options On() const {
    Options options = Base();
    options.listen.fast_open = true;
    return options;
  }
  // What the rig's stack gives to its peer.
  static wire::FastOpenCookie CookieOf(const Rig& rig, bool v4 = GetParam()) {
    return tcp::FastOpenCookieCodec({7, 8}).Make(PeerAddress(v4), rig.now());
  }
  static Seg SynWith(const Rig& rig, uint32_t size) {
    return Syn(0).Mss(1460).Cookie(CookieOf(rig)).Octets(size);
  }
  // A connection that has `size` octets before its handshake is over.
  static void Open(Rig& rig, uint32_t size = 100) {
    rig.In(SynWith(rig, size));
    rig.Out(SynAck(0).Acks(1 + size).Mss(1460).Exactly());
    rig.ExpectState(TcpState::kSynReceived);
  }
  // Whether a client gets in by fast open, from a port of its own; a client that does not goes
  // away.
  static bool Opens(Rig& rig, uint16_t port, uint32_t size = 10) {
    rig.NewConnection(port);
    const size_t before = rig.handler().opened.size();
    rig.In(SynWith(rig, size));
    const Seg answer = rig.Any();
    const bool opened = rig.handler().opened.size() != before;
    EXPECT_EQ(answer.ack, opened ? 1 + size : 1);
    if (!opened) rig.In(Rst(1));
    return opened;
  }
};

// --- cookies ---

// RFC7413-4.1.2
TEST_P(FastOpen, ClientThatAsksGetsACookie) {
  Rig rig(On());
  rig.In(Syn(0).Mss(1460).Cookie());
  rig.Out(SynAck(0).Acks(1).Mss(1460).Cookie(CookieOf(rig)).Exactly());
  EXPECT_EQ(rig.engine().usage().half_open, 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpenCookiesSent), 1u);
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1).Mss(1460).Exactly());  // once
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(FastOpen, OldOptionIsAnsweredByTheOldOption) {
  Rig rig(On());
  rig.In(Syn(0).Mss(1460).Cookie({.experimental = true}));
  wire::FastOpenCookie cookie = CookieOf(rig);
  cookie.experimental = true;
  rig.Out(SynAck(0).Acks(1).Cookie(cookie));
  rig.NewConnection(kPeerPort + 1);
  rig.In(Syn(0).Mss(1460).Cookie(cookie).Octets(10));
  rig.Out(SynAck(0).Acks(11).Mss(1460).Exactly());
}

// RFC7413-2.1: off unless asked for, and then the option is like any other unknown one.
TEST_P(FastOpen, IsOffUnlessTheListenerWantsIt) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Cookie());
  rig.Out(SynAck(0).Acks(1).Mss(1460).Exactly());
  rig.NewConnection(kPeerPort + 1);
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Exactly());
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpenBadCookies), 0u);
}

// RFC7413-4.1.1: without SYN the option means nothing.
TEST_P(FastOpen, OptionOnOtherSegmentsIsIgnored) {
  Rig rig(On());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1).Cookie());
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11).Exactly());
  rig.ExpectReceived(10);
}

// RFC7413-4.2.2b: the text waits for the handshake, and a new cookie helps the next time.
TEST_P(FastOpen, BadCookieOpensTheOrdinaryWayAndIsReplaced) {
  Rig rig(On());
  wire::FastOpenCookie bad = CookieOf(rig);
  bad.octets[3] ^= 1;
  rig.In(Syn(0).Mss(1460).Cookie(bad).Octets(100));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Cookie(CookieOf(rig)).Exactly());
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpenBadCookies), 1u);
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectReceived(100);
  rig.Discard();
}

TEST_P(FastOpen, CookieOfAnotherAddressIsBad) {
  Rig rig(On());
  rig.In(Syn(0).Mss(1460).Cookie(CookieOf(rig, !GetParam())).Octets(100));
  rig.Out(SynAck(0).Acks(1).Cookie(CookieOf(rig)));
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpenBadCookies), 1u);
}

TEST_P(FastOpen, CookieOfThePreviousKeyOpensAndIsReplaced) {
  Rig rig(On());
  const wire::FastOpenCookie old = CookieOf(rig);
  rig.Advance(Milliseconds(tcp::FastOpenCookieCodec::kEpochMs));
  rig.other_frames.clear();
  ASSERT_NE(CookieOf(rig), old);
  rig.In(Syn(0).Mss(1460).Cookie(old).Octets(100));
  rig.Out(SynAck(0).Acks(101).Mss(1460).Cookie(CookieOf(rig)).Exactly());
  rig.ExpectReceived(100);
  rig.OutAfter(Seconds(1), SynAck(0).Acks(101).Mss(1460).Exactly());
  rig.Advance(Milliseconds(tcp::FastOpenCookieCodec::kEpochMs));
  rig.Discard();
  rig.NewConnection(kPeerPort + 1);
  rig.In(Syn(0).Mss(1460).Cookie(old).Octets(100));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Cookie(CookieOf(rig)).Exactly());
}

// --- opening ---

// RFC7413-4.2.2
TEST_P(FastOpen, TextOfTheSynIsAcknowledgedAndDeliveredAtOnce) {
  Rig rig(On());
  Open(rig);
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectReceived(100);
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpens), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpEstablished), 0u);
  rig.Advance(Milliseconds(30));
  rig.In(Ack(101).Acks(1));
  rig.Quiet();
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.handler().opened.size(), 1u) << "once";
  EXPECT_EQ(rig.counter(Counter::kTcpEstablished), 1u);
  EXPECT_EQ(rig.c().Info().srtt_us, 30000u);
  rig.In(Data(101, 50).Acks(1));
  rig.ExpectReceived(150);
  rig.Discard();
}

TEST_P(FastOpen, OptionsOfTheSynCount) {
  Rig rig(On());
  rig.In(SynWith(rig, 100).Mss(1400).Scale(7).Ts(77, 0));
  const Seg answer = rig.Out(SynAck(0).Acks(101).Mss(1460).Scale(3).TsEcho(77).Exactly());
  rig.In(Ack(101).Acks(1).Win(100).Ts(78, answer.options.ts_value));
  const ConnectionInfo info = rig.c().Info();
  EXPECT_EQ(info.mss, 1400 - 12);
  EXPECT_EQ(info.send_window, 100u << 7);
  EXPECT_TRUE(info.timestamps);
}

TEST_P(FastOpen, TextAfterTheHandshakeMayComeWithItsLastSegment) {
  Rig rig(On());
  Open(rig);
  rig.In(Fin(101).Acks(1).Octets(50));
  rig.Out(Ack(1).Acks(152));
  rig.ExpectReceived(150);
  rig.ExpectState(TcpState::kCloseWait);
}

TEST_P(FastOpen, GoodCookieWithoutTextOpensAtOnce) {
  Rig rig(On());
  rig.handler().on_open = [](Connection c) { (void)c.Send(Pattern(1, 10)); };
  rig.In(SynWith(rig, 0));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Exactly());
  rig.Out(Data(1, 10).Acks(1));
  rig.In(Ack(1).Acks(11));
  rig.Quiet();
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(FastOpen, WindowLimitsWhatASynMayBring) {
  Options options = On();
  options.tcp.receive_buffer = 500;
  options.listen.connection.deliver_when_full = true;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) { c.Pause(); };
  rig.In(SynWith(rig, 1000));
  rig.Out(SynAck(0).Acks(501).Win(0));
  rig.In(Ack(501).Acks(1));
  rig.c().Resume();
  rig.Turn();
  rig.Out(Ack(1).Acks(501).Win(500));
  rig.ExpectReceived(500);
}

TEST_P(FastOpen, SynTwiceInOneBurstOpensOnce) {
  Rig rig(On());
  rig.InBurst({SynWith(rig, 100), SynWith(rig, 100)});
  rig.Out(SynAck(0).Acks(101));
  rig.Quiet();
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectReceived(100);
}

// Nor does Nagle's algorithm take the SYN for text.
TEST_P(FastOpen, ShortAnswerDoesNotWait) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 10)); };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  rig.Out(Data(1, 10).Acks(101));
  EXPECT_EQ(rig.c().Info().unsent, 0u);
}

// RFC7413-4.2.2w: an answer of one round trip's worth need not wait for the handshake.
TEST_P(FastOpen, AnswerGoesOutWithinTheInitialWindow) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 20 * kMss)); };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  for (uint32_t i = 0; i < 10; ++i) rig.Out(Data(1 + i * kMss, kMss).Acks(101));
  rig.Quiet();
  rig.ExpectState(TcpState::kSynReceived);
  rig.In(Ack(101).Acks(1 + 2 * kMss));
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_GE(rig.pending(), 2u);
  rig.Discard();
}

// Nothing of it has to be sent twice, least of all the SYN-ACK before it.
TEST_P(FastOpen, AnswerToAnUnknownNeighbourWaitsAsAWhole) {
  Options options = On();
  options.introduced = false;
  Rig rig(options);
  rig.handler().on_data = [](Connection c, Bytes) {
    EXPECT_EQ(c.Send(Pattern(1, 10 * kMss)), 10 * kMss);
  };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  for (uint32_t i = 0; i < 10; ++i) rig.Out(Data(1 + i * kMss, kMss).Acks(101));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kNeighbourWaits), 11u);
  EXPECT_EQ(rig.counter(Counter::kDropNeighbourWaiting), 0u);
}

TEST_P(FastOpen, PeersWindowLimitsTheAnswer) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 5000)); };
  rig.In(SynWith(rig, 100).Win(1000).Scale(7));  // never scaled in a SYN
  rig.Out(SynAck(0).Acks(101));
  rig.Out(Data(1, 1000));
  rig.Quiet();
  rig.In(Ack(101).Acks(1).Win(1000));
  EXPECT_GE(rig.pending(), 2u);
  rig.Discard();
}

// The handshake's last segment says nothing about text behind the SYN-ACK, lost or not.
TEST_P(FastOpen, AcknowledgementOfTheSynAloneIsNoDuplicate) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 4 * kMss)); };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  for (uint32_t i = 0; i < 4; ++i) rig.Out(Data(1 + i * kMss, kMss));
  for (int i = 0; i < 3; ++i) rig.In(Ack(101).Acks(1));
  rig.Quiet();
  rig.In(Ack(101).Acks(1));  // the third duplicate
  rig.Out(Data(1, kMss));
}

TEST_P(FastOpen, TextBehindTheSynAckHasItsOwnTimer) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 10)); };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  rig.Out(Data(1, 10));
  rig.Advance(Milliseconds(20));
  rig.In(Ack(101).Acks(1));
  rig.OutAfter(Milliseconds(200), Data(1, 10));
  rig.In(Ack(101).Acks(11));
  rig.Advance(Seconds(10));
  rig.Quiet();
}

// --- closing ---

// RFC 9293 3.10.4: in SYN-RECEIVED the FIN waits.
TEST_P(FastOpen, FinWaitsForTheHandshake) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) {
    (void)c.Send(Pattern(1, 10));
    c.Close();
  };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  rig.Out(Data(1, 10).Acks(101));
  rig.Quiet();
  rig.In(Ack(101).Acks(11));
  rig.Out(Fin(11).Acks(101));
  rig.In(Fin(101).Acks(12));
  rig.Out(Ack(12).Acks(102));
  rig.ExpectClosed(CloseReason::kNormal);
}

TEST_P(FastOpen, AbortInOnOpenLeavesNothing) {
  Rig rig(On());
  rig.handler().on_open = [](Connection c) { c.Abort(); };
  rig.In(SynWith(rig, 100));
  const Seg reset = rig.Any();  // the first that the peer hears of our sequence numbers
  EXPECT_TRUE(reset.rst());
  EXPECT_EQ(reset.ack, 101u);
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(FastOpen, ResetEndsItAndTheApplicationHearsOfIt) {
  Rig rig(On());
  Open(rig);
  rig.In(Rst(101));
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(FastOpen, PeerThatNeverAnswersIsGivenUp) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 10)); };
  rig.In(SynWith(rig, 100));
  rig.Advance(Seconds(64));
  EXPECT_EQ(rig.pending(), 7u) << "six SYN-ACKs, and the text once";
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(FastOpen, OutlivesItsListener) {
  Rig rig(On());
  Open(rig);
  rig.engine().CloseListener(rig.listener());
  rig.Turn();
  rig.In(Ack(101).Acks(1));
  rig.Quiet();
  rig.ExpectState(TcpState::kEstablished);
}

// --- what is lost ---

// RFC7413-4.2.2r: without text and cookie, whatever the first one had.
TEST_P(FastOpen, SynAckGoesAgainAloneAndTextAfterTheHandshake) {
  Options options = On();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 2 * kMss)); };
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101));
  rig.Out(Data(1, kMss));
  rig.Out(Data(1 + kMss, kMss));
  rig.OutAfter(Seconds(1), SynAck(0).Acks(101).Mss(1460).Exactly());
  rig.Quiet();
  EXPECT_EQ(rig.c().Send(Pattern(1 + 2 * kMss, 10)), 10u);
  rig.Turn();
  rig.Quiet();
  rig.In(Ack(101).Acks(1));
  rig.Out(Data(1, kMss));
  rig.Out(Data(1 + kMss, kMss));
  rig.Out(Data(1 + 2 * kMss, 10));
}

TEST_P(FastOpen, TextThatArrivedDoesNotGoAgain) {
  Rig rig(On());
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 2 * kMss)); };
  rig.In(SynWith(rig, 100));
  rig.Discard();
  rig.OutAfter(Seconds(1), SynAck(0).Acks(101));
  rig.In(Ack(101).Acks(1 + kMss));
  rig.Out(Data(1 + kMss, kMss));
  rig.Quiet();
}

TEST_P(FastOpen, SynAgainIsAnsweredAgainAndDeliveredOnce) {
  Rig rig(On());
  Open(rig);
  rig.Advance(Milliseconds(100));
  rig.In(Syn(0).Mss(1460));  // as a client sends it again
  rig.Out(SynAck(0).Acks(101).Mss(1460).Exactly());
  rig.In(SynWith(rig, 100));  // as the network does
  rig.Quiet();                // not more often than twice a second
  rig.Advance(Milliseconds(500));
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(101).Mss(1460).Exactly());
  rig.ExpectReceived(100);
  rig.In(Ack(101).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.c().Info().srtt_us, 0u) << "Karn";
}

// A stranger who guesses the window cannot end what the application has.
// RFC 7413 4.2.1: it comes without the cookie, and some hosts leave out other options, too.
TEST_P(FastOpen, SynAgainWithoutOptionsEstablishesWithoutThem) {
  Rig rig(On());
  const auto cookie = CookieOf(rig);
  rig.In(Syn(0).Mss(1460).Ts(1000, 0).Scale(7).Cookie(cookie).Octets(10));
  rig.Out(SynAck(0).Acks(11));
  ASSERT_EQ(rig.handler().opened.size(), 1u);
  rig.Advance(Milliseconds(990));
  rig.In(Syn(0).Mss(1460));
  EXPECT_EQ(rig.Out(SynAck(0).Acks(11)).options.present, wire::TcpOptions::kMss);
  rig.In(Data(11, 10).Acks(1));
  EXPECT_EQ(rig.c().Info().state, TcpState::kEstablished);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTimestamp), 0u);
  rig.Discard();
}

TEST_P(FastOpen, AnotherSynInTheWindowIsChallenged) {
  Rig rig(On());
  Open(rig);
  rig.In(Syn(200).Mss(1460));
  rig.Out(Ack(1).Acks(101));
  rig.In(Ack(101).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(FastOpen, SegmentWithoutMemoryForItsTextOpensTheOrdinaryWay) {
  Options options = On();
  options.tcp.max_flights = 1;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) { c.Pause(); };
  Open(rig);
  EXPECT_FALSE(Opens(rig, kPeerPort + 1));
  EXPECT_EQ(rig.engine().usage().connections, 1u);
}

TEST_P(FastOpen, AnswerThatIsTooBigForThePathGoesAgainSmaller) {
  Options options = On();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.handler().on_data = [](Connection c, Bytes) { (void)c.Send(Pattern(1, 2000)); };
  rig.In(SynWith(rig, 100));
  rig.Discard();
  const uint32_t mtu = 1300;
  const wire::IcmpHeader error = GetParam() ? wire::IcmpHeader{.type = 3, .code = 4, .rest = mtu}
                                            : wire::IcmpHeader{.type = 2, .rest = mtu};
  rig.InFrame(ErrorFrame(error, rig.path().destination, rig.path().source, rig.iss() + 1));
  const uint32_t size = mtu - (GetParam() ? 40 : 60);
  rig.Out(Data(1, size));
  rig.Out(Data(1 + size, 2000 - size));
  rig.In(Ack(101).Acks(2001));
  rig.Quiet();
  EXPECT_EQ(rig.c().Info().mss, size);
}

// --- limits ---

// RFC7413-5.1, requirement F33.
TEST_P(FastOpen, BeyondTheLimitClientsOpenTheOrdinaryWay) {
  Options options = On();
  options.tcp.fast_open_pending = 2;
  Rig rig(options);
  EXPECT_TRUE(Opens(rig, kPeerPort + 1));
  EXPECT_TRUE(Opens(rig, kPeerPort + 2));
  EXPECT_FALSE(Opens(rig, kPeerPort + 3));
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpenPendingFull), 1u);
  rig.NewConnection(kPeerPort + 4);
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Exactly());
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  rig.Discard();
}

TEST_P(FastOpen, HandshakeThatIsOverMakesRoom) {
  Options options = On();
  options.tcp.fast_open_pending = 1;
  Rig rig(options);
  Open(rig);
  rig.In(Ack(101).Acks(1));
  EXPECT_TRUE(Opens(rig, kPeerPort + 1));
  EXPECT_FALSE(Opens(rig, kPeerPort + 2));
}

// RFC7413-5.1r: a host whose address was forged says so by RST; that must not invite the next.
TEST_P(FastOpen, ResetBeforeTheHandshakeIsOverMakesNoRoomForAMinute) {
  Options options = On();
  options.tcp.fast_open_pending = 1;
  Rig rig(options);
  Open(rig);
  rig.In(Rst(101));
  EXPECT_FALSE(Opens(rig, kPeerPort + 1));
  rig.Advance(Seconds(59));
  EXPECT_FALSE(Opens(rig, kPeerPort + 2));
  rig.Advance(Seconds(61));
  EXPECT_TRUE(Opens(rig, kPeerPort + 3));
}

TEST_P(FastOpen, AbortMakesNoRoomEither) {
  Options options = On();
  options.tcp.fast_open_pending = 1;
  Rig rig(options);
  Open(rig);
  rig.c().Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_FALSE(Opens(rig, kPeerPort + 1));
}

TEST_P(FastOpen, PeerThatWasGivenUpMakesRoom) {
  Options options = On();
  options.tcp.fast_open_pending = 1;
  Rig rig(options);
  Open(rig);
  rig.Advance(Seconds(64));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_TRUE(Opens(rig, kPeerPort + 1));
}

// Nothing is remembered of a SYN then, so nothing may be acknowledged of it; nor is the answer
// longer than the SYN.
TEST_P(FastOpen, IsOffWhileSynsAreAnsweredByCookie) {
  Options options = On();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  rig.In(SynWith(rig, 100));
  rig.Out(SynAck(0).Acks(1).Mss(1460).Exactly());
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectReceived(100);
  rig.Discard();
  rig.NewConnection(kPeerPort + 1);
  rig.In(Syn(0).Mss(1460).Cookie());
  rig.Out(SynAck(0).Acks(1).Mss(1460).Exactly());
}

TEST_P(FastOpen, WaitsForTextWhereTheListenerDoes) {
  Options options = On();
  options.listen.defer_accept_ms = 1000;
  Rig rig(options);
  rig.In(SynWith(rig, 0));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.NewConnection(kPeerPort + 1);
  Open(rig);
}

// S63, F33: a flood of SYNs with good cookies and text, from addresses that never answer.
TEST_P(FastOpen, FloodOfGoodCookiesIsHeldAtTheLimit) {
  Options options = On();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAuto;
  options.tcp.syn_backlog = 16;
  options.tcp.fast_open_pending = 8;
  Rig rig(options);
  size_t pool = 0;
  for (uint16_t i = 0; i < 2000; ++i) {
    rig.NewConnection(static_cast<uint16_t>(1024 + i));
    rig.In(SynWith(rig, 1000));
    if (i % 3 == 0) rig.In(Rst(1001));  // a host that knows nothing of it
    rig.Discard();
    const tcp::Usage usage = rig.engine().usage();
    ASSERT_LE(usage.connections - usage.half_open, 8u);
    ASSERT_LE(usage.half_open, 16u);
    ASSERT_LE(usage.flights, 8u);
    ASSERT_LE(usage.kept_buffers, 8u);
    if (i == 100) pool = rig.pool().in_use();
    if (i > 100) {
      ASSERT_LE(rig.pool().in_use(), pool);
    }
  }
  EXPECT_EQ(rig.handler().opened.size(), 8u);
  rig.NewConnection(kPeerPort);
  rig.Establish();
}

WEIR_BOTH_FAMILIES(FastOpen);

}  // namespace
}  // namespace weir::segment
