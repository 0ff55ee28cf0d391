// For how long the SYN cache remembers, and how often it sends SYN-ACKs again.
#include <gtest/gtest.h>

#include <algorithm>

#include "segment/syn_cache.h"

namespace weir::segment {
namespace {

// 0, 1, 3, 7, 15, 31 s.
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

// It believes itself connected, and may have nothing to say that would bring its cookie back.
TEST_P(SynCache, WhoHasAcknowledgedIsNotGivenUpEarlyWhileCookiesAreOut) {
  Options options = Remembering(4);
  options.listening = false;
  Rig rig(options);
  tcp::ListenParameters parameters = *rig.engine().WithDefaults({.port = kStackPort});
  parameters.pull = true;
  parameters.backlog = 1;
  const auto listener = rig.engine().Listen(parameters, &rig.handler());
  ASSERT_TRUE(listener);
  const auto all = BeginMany(rig, 1000, 4);
  Begin(rig, 2000);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  for (const size_t i : {0u, 1u}) {
    Return(rig, all[i]);
    rig.In(Ack(1).Acks(1));
  }
  EXPECT_EQ(rig.counter(Counter::kDropTcpAcceptFull), 1u) << "the first is not accepted yet";
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1));
  rig.OutAfter(Seconds(2), SynAck(0).Acks(1));
  EXPECT_EQ(HalfOpen(rig), 1u);
  rig.engine().Accepted(*listener);
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 2u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 0u) << "it was still there";
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

}  // namespace
}  // namespace weir::segment
