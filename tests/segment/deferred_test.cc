// Listeners on which only text opens a connection (defer_accept_ms).
#include <gtest/gtest.h>

#include "segment/syn_cache.h"

namespace weir::segment {
namespace {

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

// --- where the SYN was answered by cookie ---

TEST_P(Deferred, HandshakeThatComesBackByCookieIsRememberedAndOpensInTheEnd) {
  Options options = Deferring(10000);
  options.listen.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  Begin(rig, kPeerPort);
  EXPECT_EQ(HalfOpen(rig), 0u);
  rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(HalfOpen(rig), 1u);
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.counter(Counter::kDropTcpDeferred), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
  rig.OutAfter(Milliseconds(10000), SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.c().Info().srtt_us, 0u) << "no round trip";
  rig.Send(10);
  rig.Out(Data(1, 10).Acks(1));
}

TEST_P(Deferred, HandshakeThatComesBackByCookieOpensWithItsText) {
  Options options = Deferring(10000);
  options.listen.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  rig.Advance(Milliseconds(9000));
  rig.In(Data(1, 10).Acks(1));
  rig.ExpectReceived(10);
  EXPECT_EQ(HalfOpen(rig), 0u);
  rig.Discard();
}

// Up to the backlog; the others' text brings the cookie.
TEST_P(Deferred, HandshakesByCookieBeyondTheBacklogOpenWithTheirTextOnly) {
  Options options = Deferring(10000);
  options.listen.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  for (const Begun& begun : BeginMany(rig, 1000, 9)) {
    Return(rig, begun);
    rig.In(Ack(1).Acks(1));
  }
  EXPECT_EQ(HalfOpen(rig), 8u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpDeferred), 9u);
  rig.In(Data(1, 10).Acks(1));  // on the last one
  rig.ExpectReceived(10);
  EXPECT_EQ(HalfOpen(rig), 8u);
  rig.Discard();
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

// Nor is any cookie: who has acknowledged its SYN-ACK keeps its entry, whoever else wants room.
TEST_P(Deferred, PeerMayBeSilentForLongerThanCookiesAreGood) {
  Options options = Deferring(120000);
  options.tcp.max_half_open = 4;
  Rig rig(options);
  ListenOn(rig, kOtherPort);
  const Begun mine = Begin(rig, kPeerPort);
  rig.In(Ack(1).Acks(1));
  for (int round = 0; round < 10; ++round) {
    BeginMany(rig, static_cast<uint16_t>(1000 + 10 * round), 10, Syn(0).Mss(1460).To(kOtherPort));
    rig.Advance(Seconds(10));
    rig.Discard();
  }
  EXPECT_GT(rig.counter(Counter::kTcpHalfOpenEvicted), 50u);
  Return(rig, mine);
  rig.In(Data(1, 10).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 0u) << "the entry was there";
  rig.ExpectReceived(10);
  rig.Discard();
}

TEST_P(Deferred, PeersThatHaveAcknowledgedLeaveOthersTheirCookies) {
  Options options = Deferring(120000);
  options.tcp.max_half_open = 4;
  Rig rig(options);
  for (const Begun& begun : BeginMany(rig, 1000, 4)) {
    Return(rig, begun);
    rig.In(Ack(1).Acks(1));
  }
  Begin(rig, 2000);
  EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted), 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 1u);
  rig.In(Data(1, 10).Acks(1));
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

WEIR_BOTH_FAMILIES(Deferred);

}  // namespace
}  // namespace weir::segment
