// The SYN cache: what a SYN leaves behind, for how long, how it ends, and that nothing is lost when
// it gives way - every ISS is a cookie.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "segment/rig.h"

namespace weir::segment {
namespace {

using tcp::SynState;

constexpr uint16_t kOtherPort = 81;

// A handshake that the peer has begun.
struct Begun {
  uint16_t port = 0;
  Seq iss;
  uint32_t ts_value = 0;  // of the SYN-ACK
};

class SynCache : public TransferTest {
 protected:
  // `backlog` handshakes are remembered by each listener, `entries` in all.
  Options Remembering(uint32_t backlog, uint32_t entries = 16384) const {
    Options options = Base();
    options.iss_near_wrap = false;  // the ISS is a cookie
    options.tcp.syn_cookies = SynCookies::kAuto;
    options.tcp.syn_backlog = backlog;
    options.tcp.max_half_open = entries;
    return options;
  }
  static Begun Begin(Rig& rig, uint16_t port, Seg syn = Syn(0).Mss(1460)) {
    rig.NewConnection(port);
    rig.In(syn);
    const Seg got = rig.Out(SynAck(0).Acks(1));
    return {port, rig.iss(), got.options.ts_value};
  }
  static std::vector<Begun> BeginMany(Rig& rig, uint16_t first_port, uint16_t count,
                                      const Seg& syn = Syn(0).Mss(1460)) {
    std::vector<Begun> all;
    for (uint16_t i = 0; i < count; ++i) {
      all.push_back(Begin(rig, static_cast<uint16_t>(first_port + i), syn));
    }
    return all;
  }
  static void Return(Rig& rig, const Begun& to) { rig.ReturnTo(to.port, to.iss); }
  static uint32_t HalfOpen(Rig& rig) { return rig.engine().usage().half_open; }
  static SynState StateOf(Rig& rig) { return rig.engine().listener(rig.listener()).policy.state(); }
  // Another port with a backlog of its own.
  static uint16_t ListenOn(Rig& rig, uint16_t port, std::optional<SynCookies> cookies = {},
                           std::optional<uint32_t> backlog = {}) {
    ListenOptions options{.port = port, .syn_backlog = backlog, .syn_cookies = cookies};
    const auto listener = rig.engine().Listen(*rig.engine().WithDefaults(options), &rig.handler());
    EXPECT_TRUE(listener);
    return listener.value_or(0);
  }
};

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

// --- time ---

// 0, 1, 3, 7, 15, 31 s.
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

TEST_P(SynCache, SynAckIsSentAgainFiveTimesAndForgottenAfter63Seconds) {
  Rig rig(Remembering(1024));
  Begin(rig, kPeerPort, Syn(0).Mss(1460).Ts(77, 0));
  for (const int64_t wait : {1, 2, 4, 8, 16}) {
    rig.OutAfter(Seconds(wait), SynAck(0).Acks(1).TsEcho(77));
  }
  rig.Advance(Milliseconds(31900));
  EXPECT_EQ(HalfOpen(rig), 1u);
  rig.Advance(Milliseconds(200));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAckRetransmits), 5u);
  EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenTimedOut), 1u);
  rig.ExpectEmpty();
}

TEST_P(SynCache, UnderPressureSynAckIsSentAgainTwice) {
  Rig rig(Remembering(4));
  BeginMany(rig, 1000, 2);
  EXPECT_EQ(StateOf(rig), SynState::kNormal) << "the third will see two";
  Begin(rig, 1002);
  EXPECT_EQ(StateOf(rig), SynState::kPressure);
  rig.Advance(Milliseconds(6900));  // 1 + 2 + 4
  EXPECT_EQ(rig.pending(), 6u);
  rig.Discard();
  EXPECT_EQ(HalfOpen(rig), 3u);
  rig.Advance(Milliseconds(200));
  EXPECT_EQ(HalfOpen(rig), 0u);
  rig.Quiet();
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();  // given up earlier than the peer may expect: its cookie is good
}

TEST_P(SynCache, WhileCookiesAreOutSynAckIsNotSentAgain) {
  Rig rig(Remembering(4));
  const auto all = BeginMany(rig, 1000, 4);
  Begin(rig, 2000);
  EXPECT_EQ(StateOf(rig), SynState::kCookie);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  rig.Advance(Milliseconds(990));
  EXPECT_EQ(HalfOpen(rig), 4u);
  rig.Advance(Milliseconds(20));
  rig.Quiet();
  EXPECT_EQ(HalfOpen(rig), 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpSynAckRetransmits), 0u);
  for (const Begun& begun : all) {
    Return(rig, begun);
    rig.In(Ack(1).Acks(1));
  }
  EXPECT_EQ(rig.handler().opened.size(), 4u) << "and nothing is lost";
}

// Requirement K4: whoever never sent those SYNs.
TEST_P(SynCache, SynAcksSentAgainShareALimitPerSecond) {
  Options options = Remembering(1024);
  options.tcp.syn_ack_retransmits_per_second = 10;
  Rig rig(options);
  BeginMany(rig, 1000, 100);
  rig.Advance(Milliseconds(1010));
  EXPECT_EQ(rig.pending(), 10u);
  rig.Discard();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAcksLimited), 90u);
  rig.Advance(Seconds(64));
  EXPECT_EQ(rig.pending(), 40u) << "ten in each of the other four rounds";
  rig.Discard();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAckRetransmits), 50u);
  rig.ExpectEmpty();  // who was not sent one is not kept for longer
}

TEST_P(SynCache, TimerOfManyEntriesTakesSeveralTurns) {
  Options options = Remembering(8192);
  options.tcp.syn_ack_retransmits_per_second = 100000;
  uint64_t most = 0, before = 0;
  const Rig* of = nullptr;
  options.around_turn = [&](bool begins) {
    if (of == nullptr) return;
    const uint64_t sent = of->counter(Counter::kTcpSynAckRetransmits);
    if (!begins) most = std::max(most, sent - before);
    before = sent;
  };
  Rig rig(options);
  of = &rig;
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < 4000; ++i) {
    burst.push_back(Syn(0).Mss(1460).From(static_cast<uint16_t>(1000 + i)));
    if (burst.size() < 500) continue;
    rig.InBurst(burst);
    burst.clear();
  }
  rig.Discard();
  most = 0;
  rig.Advance(Seconds(2));
  rig.Discard();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAckRetransmits), 4000u);
  EXPECT_EQ(most, 1024u) << "of one turn (requirement S6)";
}

// --- giving way ---

TEST_P(SynCache, OldestGivesWayAndItsPeerComesBackWithEverything) {
  for (const bool timestamps : {false, true}) {
    SCOPED_TRACE(timestamps);
    Rig rig(Remembering(100, 4));
    ListenOn(rig, kOtherPort);
    Seg syn = Syn(0).Mss(1400).Scale(8).SackOk();
    if (timestamps) syn.Ts(77, 0);
    const Begun first = Begin(rig, kPeerPort, syn);
    BeginMany(rig, 1000, 3);
    EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted), 0u);
    Begin(rig, 2000, Syn(0).Mss(1460).To(kOtherPort));
    EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted), 1u);
    EXPECT_EQ(HalfOpen(rig), 4u);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 0u);
    Return(rig, first);
    const Seg ack = Data(1, 100).Acks(1).Win(1000);
    rig.In(timestamps ? Seg(ack).Ts(78, first.ts_value) : ack);
    rig.ExpectReceived(100);
    const ConnectionInfo info = rig.c().Info();
    EXPECT_EQ(info.mss, timestamps ? 1400 - 12 : 1400);
    EXPECT_EQ(info.send_window, 1000u << 8);
    EXPECT_EQ(info.receive_window_scale, 3) << "as was announced";
    EXPECT_EQ(info.timestamps, timestamps);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
    rig.Discard();
    EXPECT_EQ(rig.Send(1000), 1000u);
    const Seg text = rig.Out(Data(1, 1000).Acks(101));
    // Requirement C7. Without timestamps both are 0.
    EXPECT_GE(static_cast<int32_t>(text.options.ts_value - first.ts_value), 0);
  }
}

TEST_P(SynCache, EntriesGiveWayInTheOrderOfTheirAge) {
  Rig rig(Remembering(100, 4));
  ListenOn(rig, kOtherPort);
  const auto all = BeginMany(rig, 1000, 4);
  Return(rig, all[1]);
  rig.In(Ack(1).Acks(1));  // opens, and makes room for one
  BeginMany(rig, 2000, 2, Syn(0).Mss(1460).To(kOtherPort));
  EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted), 1u);
  const uint64_t accepted = rig.counter(Counter::kTcpCookiesAccepted);
  for (const size_t i : {2u, 3u}) {
    Return(rig, all[i]);
    rig.In(Ack(1).Acks(1));
  }
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), accepted) << "they were still there";
  Return(rig, all[0]);
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), accepted + 1);
  EXPECT_EQ(rig.handler().opened.size(), 4u);
}

// An entry whose peer could not come back is not given up for somebody new.
TEST_P(SynCache, EntryWithoutACookieDoesNotGiveWay) {
  Rig rig(Remembering(100, 4));
  const uint16_t other = ListenOn(rig, kOtherPort, SynCookies::kOff);
  const auto all = BeginMany(rig, 1000, 4, Syn(0).Mss(1460).To(kOtherPort));
  EXPECT_EQ(rig.engine().listener(other).half_open, 4u);
  Begin(rig, kPeerPort);
  EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted), 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u) << "who came last is not remembered";
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  rig.NewConnection(3000);
  rig.In(Syn(0).Mss(1460).To(kOtherPort));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), 1u);
  for (const Begun& begun : all) {
    Return(rig, begun);
    rig.In(Ack(1).Acks(1).To(kOtherPort));
  }
  EXPECT_EQ(rig.handler().opened.size(), 5u);
}

// The peer may echo either: both carry the proof. The bits above it follow the clock, so that one
// in 700 differs after three seconds.
TEST_P(SynCache, EitherTimestampBringsBackAnEntryWhoseSynAckWasSentAgain) {
  constexpr uint16_t kFirst = 1000, kCount = 5000;
  Options options = Remembering(kCount + 100);
  options.tcp.syn_ack_retransmits_per_second = 100000;
  Rig rig(options);
  std::vector<Seq> iss(kCount);
  std::vector<uint32_t> sent(kCount), again(kCount);
  const auto collect = [&](std::vector<uint32_t>& values) {
    while (rig.pending() != 0) {
      const Seg seg = rig.Any();
      const size_t i = *seg.destination_port - kFirst;
      if (i >= kCount) continue;  // the one that came last, below
      iss[i] = rig.iss() + seg.seq;
      values[i] = seg.options.ts_value;
    }
  };
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < kCount; ++i) {
    burst.push_back(Syn(0).Mss(1460).Ts(77, 0).From(static_cast<uint16_t>(kFirst + i)));
    if (burst.size() == 500) {
      rig.InBurst(std::exchange(burst, {}));
      collect(sent);
    }
  }
  rig.In(Syn(0).Mss(1460).From(uint16_t{60000}));
  rig.Discard();
  EXPECT_EQ(StateOf(rig), SynState::kPressure);
  rig.Advance(Milliseconds(6900));
  collect(again);
  rig.Advance(Milliseconds(200));
  rig.Discard();
  ASSERT_LT(HalfOpen(rig), kCount / 2u) << "most are given up early";
  size_t differ = 0;
  for (uint16_t i = 0; i < kCount; ++i) {
    ASSERT_NE(again[i], 0u);
    EXPECT_GE(static_cast<int32_t>(again[i] - sent[i]), 0) << "never back";
    if (again[i] == sent[i]) continue;
    rig.ReturnTo(static_cast<uint16_t>(kFirst + i), iss[i]);
    rig.In(Ack(1).Acks(1).Ts(78, differ % 2 == 0 ? again[i] : sent[i]));
    EXPECT_EQ(rig.handler().opened.size(), ++differ);
  }
  EXPECT_GE(rig.counter(Counter::kTcpCookiesAccepted), 1u) << "or this shows nothing";
}

// --- the way back ---

// `per_second` SYNs of a flood, spread over `seconds`.
void Flood(Rig& rig, uint32_t per_second, uint32_t seconds) {
  constexpr uint32_t kBursts = 50;  // in a second
  uint32_t n = 0;
  for (uint32_t i = 0; i < seconds * kBursts; ++i) {
    std::vector<Seg> burst;
    for (uint32_t k = 0; k < per_second / kBursts; ++k) {
      burst.push_back(Syn(n * 7919u).Mss(1460).From(static_cast<uint16_t>(1024 + n % 60000)));
      ++n;
    }
    rig.InBurst(burst);
    rig.Advance(Milliseconds(1000 / kBursts));
    rig.Discard();
  }
}

// Requirement G6: whoever knocks two seconds after the flood has ended is remembered again.
TEST_P(SynCache, ListenerIsBackToNormalTwoSecondsAfterAFlood) {
  for (const int64_t after_ms : {100, 500, 990, 2000, 2100, 10000}) {
    SCOPED_TRACE(after_ms);
    Rig rig(Remembering(64));
    Flood(rig, 1000, 3);
    EXPECT_EQ(StateOf(rig), SynState::kCookie);
    rig.Advance(Milliseconds(after_ms));
    rig.Discard();
    const uint64_t cookies = rig.counter(Counter::kTcpCookiesSent);
    Begin(rig, kPeerPort);
    if (after_ms < 1000) continue;  // still by cookie, or not: both serve
    EXPECT_EQ(StateOf(rig), SynState::kNormal);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), cookies);
    EXPECT_EQ(HalfOpen(rig), 1u);
  }
}

// The same while clients keep coming, fewer in a second than a quarter of the backlog.
TEST_P(SynCache, ListenerIsBackToNormalTwoSecondsAfterAFloodThoughClientsKeepComing) {
  Rig rig(Remembering(64));
  Flood(rig, 1000, 3);
  std::optional<int> back_ms;
  for (int ms = 0; ms < 5000; ms += 100) {
    rig.NewConnection(static_cast<uint16_t>(2000 + ms));
    rig.Establish();
    if (!back_ms && StateOf(rig) == SynState::kNormal) back_ms = ms;
    EXPECT_TRUE(!back_ms || StateOf(rig) == SynState::kNormal) << "and stays";
    rig.Advance(Milliseconds(100));
    rig.Discard();
  }
  ASSERT_TRUE(back_ms);
  EXPECT_LE(*back_ms, 2000);
}

// F32: pulses at every interval that could hit windows, timers or the rotation of keys.
TEST_P(SynCache, PulsedFloodsKeepNobodyOut) {
  for (const int64_t period_ms : {20, 300, 1000, 1500, 2500, 15000, 30000}) {
    SCOPED_TRACE(period_ms);
    Rig rig(Remembering(64));
    uint16_t port = 2000;
    for (int pulse = 0; pulse < 12; ++pulse) {
      std::vector<Seg> burst;
      for (uint16_t i = 0; i < 200; ++i) {
        burst.push_back(Syn(0).Mss(1460).From(static_cast<uint16_t>(10000 + 200 * pulse + i)));
      }
      rig.InBurst(burst);
      rig.Discard();
      for (const int64_t part : {1, 2}) {
        const Begun begun = Begin(rig, ++port);
        rig.Advance(Milliseconds(period_ms * part / 3));
        rig.Discard();
        Return(rig, begun);
        rig.In(Ack(1).Acks(1));
        rig.Quiet();
        ASSERT_EQ(rig.handler().opened.size(), port - 2000u) << pulse;
        rig.In(Rst(1));
      }
    }
  }
}

// --- under pressure of frames ---

// Requirement K8: three quarters of the burst are for connections, if any has a segment in it.
TEST_P(SynCache, SynsGetAQuarterOfABurstWhileThePortIsOverrun) {
  Rig rig(Remembering(1024));
  rig.Establish();
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < 31; ++i) {
    burst.push_back(Syn(0).Mss(1460).From(static_cast<uint16_t>(1000 + i)));
  }
  rig.InBurst(burst);
  EXPECT_EQ(rig.pending(), 31u);
  rig.Discard();
  for (Seg& syn : burst) syn.From(static_cast<uint16_t>(*syn.source_port + 1000));
  rig.Press(true);
  rig.InBurst(burst);
  EXPECT_EQ(rig.pending(), 31u) << "nobody else waits";
  rig.Discard();
  for (Seg& syn : burst) syn.From(static_cast<uint16_t>(*syn.source_port + 1000));
  burst.push_back(Data(1, 100).Acks(1));
  rig.InBurst(burst);
  rig.ExpectReceived(100);
  EXPECT_EQ(rig.pending(), 8u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynShare), 23u);
  rig.Discard();
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
}

TEST_P(SynCache, HandshakesThatAreOpenAreNoSyns) {
  Rig rig(Remembering(1024));
  rig.Establish();
  const auto all = BeginMany(rig, 1000, 30);
  rig.Press(true);
  std::vector<Seg> burst;
  for (const Begun& begun : all) {
    const Seq peer = kPeerIss + 1, own = begun.iss + 1;
    burst.push_back(Ack(peer.value).Acks(own.value).From(begun.port).Absolute());
  }
  burst.push_back(Syn(0).Mss(1460).From(uint16_t{5000}));
  rig.InBurst(burst);
  EXPECT_EQ(rig.handler().opened.size(), 31u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynShare), 0u);
  rig.Discard();
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

// --- TIME-WAIT ---

// An ISS that follows the clock is no cookie: who is given up early could not come back (K12).
TEST_P(SynCache, HandshakeOnAReusedTupleIsNotGivenUpEarly) {
  Options options = Remembering(1024);
  options.tcp.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  rig.Establish();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.NewConnection(kPeerPort, kPeerIss + 1000);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_EQ(HalfOpen(rig), 1u);
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1));
  rig.OutAfter(Seconds(2), SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

// Nor is TIME-WAIT given up for a SYN that cannot be served: nothing would be left of the tuple.
TEST_P(SynCache, TimeWaitStaysWhenThereIsNoRoomForItsSuccessor) {
  enum Full { kCache, kAcceptQueue, kControlBlocks };
  for (const Full full : {kCache, kAcceptQueue, kControlBlocks}) {
    SCOPED_TRACE(full);
    Options options = Remembering(1024, 4);
    options.tcp.syn_cookies = SynCookies::kOff;
    options.tcp.max_connections = full == kControlBlocks ? 2 : 64;
    options.listening = false;
    Rig rig(options);
    tcp::ListenParameters parameters = *rig.engine().WithDefaults({.port = kStackPort});
    parameters.pull = true;
    parameters.backlog = full == kAcceptQueue ? 2 : 64;
    const auto listener = rig.engine().Listen(parameters, &rig.handler());
    ASSERT_TRUE(listener);
    rig.Establish();
    rig.engine().Accepted(*listener);
    rig.c().Close();
    rig.Turn();
    rig.Out(Fin(1).Acks(1));
    rig.In(Fin(1).Acks(2));
    rig.Out(Ack(2).Acks(2));
    if (full == kCache) {
      BeginMany(rig, 1000, 4);
    } else {
      for (const uint16_t port : {1000, 1001}) {
        rig.NewConnection(port);
        rig.Establish();
      }
    }
    EXPECT_EQ(rig.engine().usage().time_wait, 1u);
    rig.NewConnection(kPeerPort, kPeerIss + 1000);
    rig.In(Syn(0).Mss(1460));
    rig.Quiet();
    EXPECT_EQ(rig.engine().usage().time_wait, 1u);
    EXPECT_EQ(rig.counter(Counter::kTcpTimeWaitReused), 0u);
  }
}

// --- who says nothing ---

class Deferred : public SynCache {
 protected:
  Options Deferring(uint32_t ms) const {
    Options options = Remembering(8);
    options.listen.defer_accept_ms = ms;
    return options;
  }
};

TEST_P(Deferred, ConnectionOpensWithItsFirstText) {
  Rig rig(Deferring(10000));
  Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.counter(Counter::kDropTcpDeferred), 2u);
  rig.Advance(Milliseconds(9900));
  rig.Quiet();  // the SYN-ACK has been acknowledged
  EXPECT_EQ(HalfOpen(rig), 1u);
  rig.In(Data(1, 10).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectReceived(10);
  rig.Discard();
}

TEST_P(Deferred, ConnectionOpensWithItsFin) {
  Rig rig(Deferring(10000));
  Begin(rig, kPeerPort);
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kCloseWait);
}

// The SYN-ACK goes out once more, and what comes back opens.
TEST_P(Deferred, ConnectionOpensInTheEndAllTheSame) {
  Rig rig(Deferring(10000));
  Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  rig.OutAfter(Milliseconds(10000), SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  rig.Send(10);
  rig.Out(Data(1, 10).Acks(1));
}

// RFC 6298 3: the time that the peer takes to speak is no round trip.
TEST_P(Deferred, TimeUntilTheTextIsNoRoundTrip) {
  Rig rig(Deferring(10000));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.Advance(Milliseconds(20));
  rig.In(Ack(1).Acks(1));
  rig.Advance(Milliseconds(4000));
  rig.In(Data(1, 10).Acks(1));
  ASSERT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.c().Info().srtt_us, 0u);
  EXPECT_EQ(rig.c().Info().rto_us, 1000000u);
  rig.Discard();
}

TEST_P(Deferred, LateSynDoesNotUndoWhatThePeerHasAcknowledged) {
  Rig rig(Deferring(120000));
  rig.In(Syn(0).Mss(1460).Ts(1000, 0));
  const uint32_t echo = rig.Out(SynAck(0).Acks(1)).options.ts_value;
  rig.In(Ack(1).Acks(1).Ts(1001, echo));
  rig.Advance(Milliseconds(600));
  rig.In(Syn(0).Mss(1460));
  EXPECT_TRUE(rig.Out(SynAck(0).Acks(1)).options.has(wire::TcpOptions::kTimestamps));
  rig.Advance(Seconds(100));  // no cookie is good for so long
  rig.In(Data(1, 10).Acks(1).Ts(101600, echo));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.Discard();
}

TEST_P(Deferred, PeerThatHasGoneIsForgotten) {
  Rig rig(Deferring(10000));
  Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  rig.OutAfter(Milliseconds(10000), SynAck(0).Acks(1));
  rig.Advance(Milliseconds(1010));
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(Deferred, TextBringsTheCookieOfAHandshakeThatNobodyRemembers) {
  Options options = Deferring(10000);
  options.tcp.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  rig.Quiet();
  rig.ExpectEmpty();
  rig.In(Data(1, 10).Acks(1));
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.Discard();
}

WEIR_BOTH_FAMILIES(Deferred);
WEIR_BOTH_FAMILIES(SynCache);

}  // namespace
}  // namespace weir::segment
