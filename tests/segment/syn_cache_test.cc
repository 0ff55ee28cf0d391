// The SYN cache: what a SYN leaves behind, and what arrives for it.
#include <gtest/gtest.h>

#include <utility>

#include "segment/syn_cache.h"

namespace weir::segment {
namespace {

// --- what is kept ---

TEST_P(SynCache, EntryIsNoConnectionAndHoldsNoBuffer) {
  Rig rig(Remembering(1024));
  BeginMany(rig, 1000, 500, Syn(0).Mss(1460).Scale(7).SackOk().Ts(5, 0).Octets(100));
  EXPECT_EQ(HalfOpen(rig), 500u);
  EXPECT_EQ(rig.engine().usage().flights, 0u);
  EXPECT_EQ(rig.engine().live(), 0u) << "no control block";
  EXPECT_EQ(rig.pool().in_use(), 0u);
  rig.Turn();
  EXPECT_EQ(rig.counter(Counter::kTcpPassiveOpens), 500u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 0u);
}

TEST_P(SynCache, MoreHandshakesAreOpenThanThereAreControlBlocks) {
  Options options = Remembering(1024);
  options.tcp.max_connections = 2;
  Rig rig(options);
  const auto all = BeginMany(rig, 1000, 100);
  EXPECT_EQ(HalfOpen(rig), 100u);
  for (const size_t i : {99u, 0u}) {
    Return(rig, all[i]);
    rig.In(Ack(1).Acks(1));
  }
  EXPECT_EQ(rig.handler().opened.size(), 2u);
  Return(rig, all[1]);
  rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTcb), 1u);
  EXPECT_EQ(HalfOpen(rig), 98u) << "who found no room may come again";
  rig.c().Abort();
  rig.Turn();
  rig.Discard();
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 3u);
}

TEST_P(SynCache, HandshakeKeepsEverythingTheSynOffered) {
  for (const bool timestamps : {false, true}) {
    Rig rig(Remembering(1024));
    Seg syn = Syn(0).Mss(1333).Scale(9);
    if (timestamps) syn.Ts(77, 0);
    const Begun begun = Begin(rig, kPeerPort, syn);
    rig.Advance(Milliseconds(100));
    rig.In(timestamps ? Ack(1).Acks(1).Win(100).Ts(78, begun.ts_value) : Ack(1).Acks(1).Win(100));
    const ConnectionInfo info = rig.c().Info();
    EXPECT_EQ(info.mss, timestamps ? 1333 - 12 : 1333) << "exact, not rounded as by cookie";
    EXPECT_EQ(info.send_window, 100u << 9);
    EXPECT_EQ(info.timestamps, timestamps);
    EXPECT_NEAR(info.srtt_us, 100000u, 1000u) << "and the round trip is known";
    EXPECT_EQ(HalfOpen(rig), 0u);
  }
}

// --- what arrives for it ---

struct Arrival {
  const char* what;
  Seg segment;
  enum Then { kOpens, kStays, kIsGone } then;
  std::optional<Seg> answer;
};

TEST_P(SynCache, EntryAnswersEverySegmentAsSynReceived) {
  constexpr uint32_t kEdge = 65536;  // the first number right of the window
  const Arrival arrivals[] = {
      {"the final ACK", Ack(1).Acks(1), Arrival::kOpens, {}},
      {"with text", Data(1, 10).Acks(1), Arrival::kOpens, {}},
      {"with FIN", Fin(1).Acks(1), Arrival::kOpens, Ack(1).Acks(2)},
      {"text behind a gap", Data(11, 10).Acks(1), Arrival::kOpens, Ack(1).Acks(1)},
      {"urgent text", Data(1, 10).Acks(1).Urgent(5), Arrival::kOpens, {}},
      {"an ACK of too little", Ack(1).Acks(0), Arrival::kStays, Rst(0)},
      {"an ACK of too much", Ack(1).Acks(2), Arrival::kStays, Rst(2)},
      {"text with a wrong ACK", Data(1, 10).Acks(1000), Arrival::kStays, Rst(1000)},
      {"an ACK outside the window", Ack(kEdge + 1).Acks(1), Arrival::kStays, Ack(1).Acks(1)},
      {"text outside the window", Data(kEdge, 10).Acks(1), Arrival::kStays, Ack(1).Acks(1)},
      {"text without ACK", Seg{.seq = 1}.Octets(10), Arrival::kStays, {}},
      {"FIN without ACK", Seg{.flags = wire::kTcpFin, .seq = 1}, Arrival::kStays, {}},
      {"no flag", Seg{.seq = 1}, Arrival::kStays, {}},
      {"the SYN again", Syn(0).Mss(1460), Arrival::kStays, SynAck(0).Acks(1)},
      {"another SYN outside the window", Syn(0x80000000u), Arrival::kStays, Ack(1).Acks(1)},
      {"another SYN in the window", Syn(1000).Mss(1460), Arrival::kIsGone, {}},
      {"a SYN-ACK", SynAck(0).Acks(1), Arrival::kStays, Ack(1).Acks(1)},
      {"RST at its number", Rst(1), Arrival::kIsGone, {}},
      {"RST with ACK at its number", RstAck(1).Acks(1), Arrival::kIsGone, {}},
      {"RST elsewhere in the window", Rst(2), Arrival::kStays, Ack(1).Acks(1)},
      {"RST outside the window", Rst(kEdge + 1), Arrival::kStays, {}},
      {"RST of its SYN", Rst(0), Arrival::kStays, {}},
  };
  for (const Arrival& arrival : arrivals) {
    SCOPED_TRACE(arrival.what);
    Rig rig(Remembering(1024));
    Begin(rig, kPeerPort);
    rig.In(arrival.segment);
    if (arrival.answer) rig.Out(*arrival.answer);
    rig.Quiet();
    EXPECT_EQ(HalfOpen(rig), arrival.then == Arrival::kStays ? 1u : 0u);
    EXPECT_EQ(rig.handler().opened.size(), arrival.then == Arrival::kOpens ? 1u : 0u);
    if (arrival.then == Arrival::kStays) {
      rig.In(Ack(1).Acks(1));
      rig.ExpectState(TcpState::kEstablished);
    } else if (arrival.then == Arrival::kIsGone) {
      EXPECT_TRUE(rig.handler().closed.empty()) << "nobody is told (MUST-11)";
      rig.ExpectEmpty();
    }
    rig.Discard();
    if (HasFailure()) return;
  }
}

TEST_P(SynCache, TimestampsGuardTheEntry) {
  Rig rig(Remembering(1024));
  const Begun begun = Begin(rig, kPeerPort, Syn(0).Mss(1460).Ts(1000, 0));
  rig.In(Ack(1).Acks(1).Ts(999, begun.ts_value));
  rig.Out(Ack(1).Acks(1).TsEcho(1000));  // RFC 7323 5.3
  rig.In(Ack(1).Acks(1));
  rig.Quiet();  // RFC 7323 3.2
  EXPECT_EQ(rig.counter(Counter::kDropTcpPaws), 1u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTimestamp), 1u);
  rig.In(Ack(1).Acks(1).Ts(1000, begun.ts_value));
  rig.ExpectState(TcpState::kEstablished);
}

// RFC 9293 3.10.7.4: two segments of strangers do not make two answers.
TEST_P(SynCache, ChallengesOfAnEntryAreLimited) {
  Rig rig(Remembering(1024));
  Begin(rig, kPeerPort);
  for (int i = 0; i < 100; ++i) {
    rig.In(Rst(2));
    rig.In(Syn(0x80000000u));
    rig.In(Ack(0x80000000u).Acks(1));
  }
  rig.Out(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kTcpChallengeAcksLimited), 299u);
}

TEST_P(SynCache, SynAgainIsAnsweredOncePerInterval) {
  Rig rig(Remembering(1024));
  Begin(rig, kPeerPort);
  for (int i = 0; i < 100; ++i) rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAcksLimited), 99u);
  rig.Advance(Milliseconds(500));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Quiet();
}

// RFC 7323 2.2, 3.2: a peer that hears nothing may leave its options out.
TEST_P(SynCache, SynAgainWithFewerOptionsIsAnsweredWithThose) {
  for (const SynCookies cookies : {SynCookies::kAuto, SynCookies::kOff}) {
    Options options = Remembering(8);
    options.listen.syn_cookies = cookies;
    Rig rig(options);
    rig.In(Syn(0).Mss(1460).Scale(7).SackOk().Ts(1000, 0));
    rig.Discard();  // lost
    rig.Advance(Milliseconds(990));
    rig.NewConnection(kPeerPort);
    rig.In(Syn(0).Mss(1400));
    EXPECT_EQ(rig.Out(SynAck(0).Acks(1)).options.present, wire::TcpOptions::kMss);
    rig.In(Ack(1).Acks(1));
    rig.In(Data(1, 10).Acks(1));
    EXPECT_EQ(rig.handler().opened.size(), 1u);
    EXPECT_EQ(rig.counter(Counter::kDropTcpNoTimestamp), 0u);
    rig.Discard();
    EXPECT_EQ(rig.Send(2000), 2000u);
    rig.Out(Data(1, 1400).Acks(11));
    rig.Discard();
  }
}

TEST_P(SynCache, AnswerToTheSynBeforeIsTakenWithItsOptions) {
  Rig rig(Remembering(8));
  const Begun first = Begin(rig, kPeerPort, Syn(0).Mss(1460).Scale(7).Ts(1000, 0));
  rig.Advance(Milliseconds(990));
  Begin(rig, kPeerPort, Syn(0).Mss(1460));  // the first answer was only late
  Return(rig, first);
  rig.In(Ack(1).Acks(1).Ts(2500, first.ts_value).Win(100));
  ASSERT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.c().Info().send_window, 100u << 7);
  EXPECT_EQ(HalfOpen(rig), 0u);
  rig.Send(10);
  EXPECT_TRUE(rig.Out(Data(1, 10).Acks(1)).options.has(wire::TcpOptions::kTimestamps));
}

TEST_P(SynCache, SynAgainHasTheLatestTimestampEchoed) {
  Rig rig(Remembering(8));
  Begin(rig, kPeerPort, Syn(0).Mss(1460).Ts(1000, 0));
  rig.Advance(Milliseconds(990));
  rig.In(Syn(0).Mss(1460).Ts(1990, 0));
  EXPECT_EQ(rig.Out(SynAck(0).Acks(1)).options.ts_echo, 1990u);
}

// The ISS alone would be 24 bits to guess.
TEST_P(SynCache, AckWithAnEchoOfNothingWeSentOpensNothing) {
  Rig rig(Remembering(8));
  const Begun begun = Begin(rig, kPeerPort, Syn(0).Mss(1460).Ts(1000, 0));
  for (const uint32_t echo : {begun.ts_value + 1, begun.ts_value ^ 0x55555555u, 0u}) {
    rig.In(Ack(1).Acks(1).Ts(1001, echo));
    rig.Quiet();
  }
  EXPECT_EQ(rig.handler().opened.size(), 0u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpCookie), 3u);
  rig.In(Ack(1).Acks(1).Ts(1001, begun.ts_value));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
}

// A challenge has the clock's time, which the peer echoes from then on.
TEST_P(SynCache, EchoOfAChallengeOpens) {
  Rig rig(Remembering(8));
  Begin(rig, kPeerPort, Syn(0).Mss(1460).Ts(1000, 0));
  rig.Advance(Milliseconds(600));
  rig.In(Syn(500000).Mss(1460).Ts(1001, 0));  // a stranger's
  const Seg challenge = rig.Out(Ack(1).Acks(1));
  rig.Advance(Milliseconds(20));
  rig.In(Data(1, 10).Acks(1).Ts(1620, challenge.options.ts_value));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.Discard();
}

// Handshakes may take longer than cookies are good.
TEST_P(SynCache, EchoFitsForAsLongAsTheEntryLives) {
  for (int64_t seconds = 1; seconds < 60; seconds += 7) {
    Rig rig(Remembering(8));
    const Begun begun = Begin(rig, kPeerPort, Syn(0).Mss(1460).Scale(7).Ts(1000, 0));
    rig.Advance(Seconds(seconds));
    const size_t again = rig.pending();
    const uint32_t echo = again == 0 ? begun.ts_value : rig.Any().options.ts_value;
    rig.Discard();
    rig.In(Ack(1).Acks(1).Ts(1000 + 1000 * static_cast<uint32_t>(seconds), echo));
    EXPECT_EQ(rig.handler().opened.size(), 1u) << seconds << " s, SYN-ACK " << again;
  }
}

// --- one tuple, twice ---

TEST_P(SynCache, SameSynTwiceInABurstIsRememberedOnce) {
  Rig rig(Remembering(1024));
  rig.InBurst({Syn(0).Mss(1460), Syn(0).Mss(1460), Syn(0).Mss(1460)});
  rig.Out(SynAck(0).Acks(1));
  rig.Out(SynAck(0).Acks(1));  // the second, as SYN again; the third is held back
  rig.Quiet();
  EXPECT_EQ(HalfOpen(rig), 1u);
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  EXPECT_EQ(rig.engine().table().size(), 1u);
}

// The SYN was sent again while its SYN-ACK was on its way, and came in one burst with the ACK.
TEST_P(SynCache, SynAgainAndItsFinalAckInOneBurstMakeOneConnection) {
  for (const bool ack_first : {false, true}) {
    SCOPED_TRACE(ack_first);
    Rig rig(Remembering(8));
    BeginMany(rig, 1000, 8);
    const Begun mine = Begin(rig, kPeerPort);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
    rig.Advance(Seconds(3));  // the flood is over, and there is room
    rig.Discard();
    Return(rig, mine);
    std::vector<Seg> burst{Syn(0).Mss(1460), Data(1, 10).Acks(1)};
    if (ack_first) std::swap(burst[0], burst[1]);
    rig.InBurst(burst);
    rig.Discard();
    EXPECT_EQ(rig.handler().opened.size(), 1u);
    EXPECT_EQ(HalfOpen(rig), 0u);
    EXPECT_EQ(rig.engine().table().size(), 1u);
    rig.ExpectReceived(10);
    rig.In(Data(11, 10).Acks(1));
    rig.ExpectReceived(20);
    rig.Discard();
  }
}

// Requirement C9, for a handshake that was remembered: its ISS is a cookie all the same.
TEST_P(SynCache, FinalAckOfAConnectionThatIsOverOpensNothing) {
  Rig rig(Remembering(8));
  Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  rig.In(Rst(1));
  rig.ExpectClosed(CloseReason::kReset);
  const Begun mine{kPeerPort, rig.iss()};
  BeginMany(rig, 1000, 9);  // cookies are out
  EXPECT_EQ(StateOf(rig), SynState::kCookie);
  Return(rig, mine);
  for (int i = 0; i < 1000; ++i) rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpCookieReplayed), 1000u);
}

// F4: somebody else's SYNs on the tuple of a client whose handshake is not complete yet.
TEST_P(SynCache, StrangersSynsOnItsTupleDoNotKeepAClientOut) {
  Rig rig(Remembering(1024));
  const Begun mine = Begin(rig, kPeerPort, Syn(0).Mss(1400).Scale(7));
  for (uint32_t i = 1; i <= 1000; ++i) rig.In(Syn(i * 0x9e3779b1u).Mss(1460));
  rig.In(Syn(1000).Mss(1460));  // right in the window
  rig.In(Syn(0x12345678u).Mss(1460));
  rig.Discard();
  Return(rig, mine);
  rig.In(Data(1, 10).Acks(1).Win(1000));
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.c().Info().mss, 1400);
  EXPECT_EQ(rig.c().Info().send_window, 1000u << 7);
  EXPECT_EQ(HalfOpen(rig), 0u);
  rig.Discard();
}

// A client that leaves its options out when it sends its SYN again, and takes the first answer.
TEST_P(SynCache, AnswerThatThePeerTookDecidesAboutTheOptions) {
  Rig rig(Remembering(8));
  BeginMany(rig, 1000, 8);
  const Begun mine = Begin(rig, kPeerPort, Syn(0).Mss(1400).Scale(7).Ts(77, 0));
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  rig.Advance(Seconds(3));
  rig.Discard();
  rig.In(Syn(0).Mss(1400));
  rig.Discard();
  EXPECT_EQ(HalfOpen(rig), 1u);
  Return(rig, mine);
  rig.In(Data(1, 10).Acks(1).Win(1000).Ts(80, mine.ts_value));
  rig.ExpectReceived(10);
  EXPECT_TRUE(rig.c().Info().timestamps);
  EXPECT_EQ(rig.c().Info().send_window, 1000u << 7);
  rig.Discard();
}

WEIR_BOTH_FAMILIES(SynCache);

}  // namespace
}  // namespace weir::segment
