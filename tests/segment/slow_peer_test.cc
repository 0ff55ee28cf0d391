// Limits for slow peers: idle_timeout_ms, first_text_ms, min_rate and min_request_rate.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class SlowPeer : public TransferTest {
 protected:
  Options With(const ConnectionOptions& limits) const {
    Options options = Base();
    options.listen.connection = limits;
    return options;
  }
  static void ExpectTooSlow(Rig& rig, Counter why) {
    rig.ExpectClosed(CloseReason::kTooSlow);
    EXPECT_EQ(rig.counter(why), 1u);
    EXPECT_EQ(rig.counter(Counter::kTcpTimedOut), 0u);
    rig.ExpectEmpty();
  }
  // The reset comes after `d`, up to `late` later.
  static void ResetBetween(Rig& rig, Duration d, Duration late) {
    const Time begin = rig.now();
    while (rig.handler().closed.empty() && rig.now() - begin <= d + late) {
      rig.Advance(Milliseconds(50));
    }
    EXPECT_GE(rig.now() - begin, d);
    EXPECT_LE(rig.now() - begin, d + late + Milliseconds(50));
    rig.Discard();
  }
};

// --- idle_timeout_ms ---

TEST_P(SlowPeer, ConnectionOnWhichNothingMovesIsReset) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish();
  rig.OutAfter(Seconds(5), RstAck(1).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, TextEitherWayStartsTheIdleTimeoutAnew) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish();
  rig.Advance(Seconds(4));
  rig.In(Data(1, 10).Acks(1));
  rig.Advance(Seconds(1));
  rig.Out(Ack(1).Acks(11));
  rig.Advance(Seconds(3));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.In(Ack(11).Acks(11));
  rig.OutAfter(Seconds(5), RstAck(11).Acks(11));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

// It is not idle while what was sent may still be answered; but then acknowledgements must come.
TEST_P(SlowPeer, TextThatIsNotAcknowledgedCountsFromWhenItWasSent) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish();
  rig.Advance(Milliseconds(4900));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  ResetBetween(rig, Milliseconds(5000), Milliseconds(10));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, ChatterWithoutTextPutsTheEndOffByItsLengthAtMost) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish();
  rig.Advance(Milliseconds(500));
  rig.In(Data(1, 10).Acks(1));
  const Time moved = rig.now();
  while (rig.handler().closed.empty() && rig.now() - moved < Seconds(20)) {
    rig.Advance(Milliseconds(400));
    rig.Discard();
    rig.In(Seg(Ack(10)).Acks(1));  // as a keep-alive probe
    rig.Discard();
  }
  EXPECT_GE(rig.now() - moved, Seconds(5));
  EXPECT_LE(rig.now() - moved, Seconds(10) + Milliseconds(400));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, ProbesOfAClosedWindowAreNoMovement) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(600), 600u);
  rig.Out(Data(1, 100));
  rig.In(Ack(1).Acks(101).Win(0));
  const Time moved = rig.now();
  while (rig.handler().closed.empty() && rig.now() - moved < Seconds(20)) {
    rig.Advance(Milliseconds(100));
    if (rig.pending() == 0) continue;
    rig.Discard();
    rig.In(Ack(1).Acks(101).Win(0));
  }
  EXPECT_GE(rig.now() - moved, Seconds(5));
  EXPECT_LE(rig.now() - moved, Seconds(10));
  rig.Discard();
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, NoTimePassesWhileTheApplicationLeavesTextUnread) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1));
  rig.Advance(Seconds(60));
  rig.Discard();
  rig.ExpectOpen();
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  ResetBetween(rig, Milliseconds(1), Seconds(5));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, IdleTimeoutCountsInCloseWaitAndHalfClosed) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.OutAfter(Seconds(5), RstAck(1).Acks(2));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, ClosedConnectionHasItsOwnLimits) {
  Rig rig(With({.idle_timeout_ms = 5000, .first_text_ms = 2000}));
  rig.Establish();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(59));
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  rig.Advance(Seconds(2));
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(SlowPeer, LimitsOfOneConnectionCanBeSetAndTakenAway) {
  Rig rig(Base());
  rig.Establish();
  rig.Advance(Seconds(3600));
  EXPECT_TRUE(rig.c().Configure({.idle_timeout_ms = 5000}).ok());
  rig.Advance(Seconds(4));
  EXPECT_TRUE(rig.c().Configure({.no_delay = true}).ok());
  EXPECT_TRUE(rig.c().Configure({.idle_timeout_ms = 0}).ok());
  rig.Advance(Seconds(3600));
  rig.Quiet();
  rig.ExpectOpen();
  EXPECT_TRUE(rig.c().Configure({.idle_timeout_ms = 5000}).ok());
  rig.Advance(Seconds(3));
  EXPECT_TRUE(rig.c().Configure({.no_delay = false}).ok());  // does not begin it anew
  rig.OutAfter(Seconds(2), RstAck(1).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

TEST_P(SlowPeer, LimitsHoldForActiveOpensFromTheHandshakeOn) {
  Rig rig(With({.idle_timeout_ms = 5000}));
  rig.Connect();
  rig.Advance(Seconds(10));  // the SYN has its own timer
  rig.Discard();
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  rig.OutAfter(Seconds(5), RstAck(1).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpIdle);
}

// --- first_text_ms ---

TEST_P(SlowPeer, WhoSaysNothingAfterTheHandshakeIsReset) {
  Rig rig(With({.first_text_ms = 3000}));
  rig.handler().on_open = [](Connection c) { EXPECT_EQ(c.Send(Pattern(1, 10)), 10u); };
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.Out(Data(1, 10));
  rig.In(Ack(1).Acks(11));  // the greeting is acknowledged, which is no text
  rig.OutAfter(Seconds(3), RstAck(11).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpNoFirstText);
}

TEST_P(SlowPeer, FirstOctetEndsTheWaitForIt) {
  Rig rig(With({.first_text_ms = 3000}));
  rig.Establish();
  rig.Advance(Milliseconds(2900));
  rig.In(Data(1, 1).Acks(1));
  rig.Advance(Seconds(3600));
  rig.Discard();
  rig.ExpectOpen();
}

TEST_P(SlowPeer, TextBehindAGapIsNotTheFirst) {
  Rig rig(With({.first_text_ms = 3000}));
  rig.Establish();
  rig.In(Data(2, 1).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.OutAfter(Seconds(3), RstAck(1).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpNoFirstText);
}

TEST_P(SlowPeer, TextOfTheFinalAckIsTheFirst) {
  Rig rig(With({.first_text_ms = 3000}));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(1, 5).Acks(1));
  rig.Advance(Seconds(10));
  rig.Discard();
  rig.ExpectOpen();
}

TEST_P(SlowPeer, FirstTextIsWaitedForAfterDeferAcceptHasWaited) {
  Options options = With({.first_text_ms = 3000});
  options.listen.defer_accept_ms = 5000;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.OutAfter(Seconds(5), SynAck(0).Acks(1));
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.In(Ack(1).Acks(1));
  rig.ExpectOpen();
  rig.OutAfter(Seconds(3), RstAck(1).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpNoFirstText);
}

TEST_P(SlowPeer, DeferredConnectionThatOpensWithItsTextHasSpoken) {
  Options options = With({.first_text_ms = 3000});
  options.listen.defer_accept_ms = 5000;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  rig.Advance(Seconds(4));
  rig.In(Data(1, 5).Acks(1));
  rig.ExpectOpen();
  rig.Advance(Seconds(60));
  rig.Discard();
  rig.ExpectOpen();
}

// An application that knows where requests end can set a deadline for the next one.
TEST_P(SlowPeer, ConfiguredInBetweenItIsTheNextTextThatMustCome) {
  Rig rig(With({.first_text_ms = 3000}));
  rig.Establish();
  rig.In(Data(1, 5).Acks(1));
  rig.Advance(Seconds(60));
  rig.Discard();
  EXPECT_TRUE(rig.c().Configure({.first_text_ms = 1000}).ok());
  rig.OutAfter(Seconds(1), RstAck(1).Acks(6));
  ExpectTooSlow(rig, Counter::kTcpNoFirstText);
}

TEST_P(SlowPeer, AnotherLimitDoesNotForgiveTheFirstText) {
  Rig rig(With({.first_text_ms = 3000}));
  rig.Establish();
  rig.Advance(Seconds(2));
  EXPECT_TRUE(rig.c().Configure({.min_rate = 1000}).ok());
  rig.OutAfter(Seconds(1), RstAck(1).Acks(1));
  ExpectTooSlow(rig, Counter::kTcpNoFirstText);
}

// --- min_rate ---

class SlowReader : public SlowPeer {
 protected:
  // A peer with a window of 100 octets that acknowledges them every `ms`.
  static void Read(Rig& rig, int64_t ms, Duration most) {
    const Time begin = rig.now();
    uint32_t read = 1;
    while (rig.handler().closed.empty() && rig.now() - begin < most) {
      rig.Advance(Milliseconds(ms));
      rig.Discard();
      if (!rig.handler().closed.empty()) return;
      rig.In(Ack(1).Acks(read += 100).Win(100));
    }
    rig.Discard();
  }
};

TEST_P(SlowReader, WhoAcknowledgesTooLittleIsReset) {
  Rig rig(With({.min_rate = 1000}));
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(20000), 20000u);
  const Time begin = rig.now();
  Read(rig, 1500, Seconds(60));  // 667 in ten seconds
  EXPECT_GE(rig.now() - begin, Seconds(10));
  EXPECT_LE(rig.now() - begin, Seconds(22));
  ExpectTooSlow(rig, Counter::kTcpSlowReader);
}

TEST_P(SlowReader, WhoAcknowledgesEnoughIsKept) {
  Rig rig(With({.min_rate = 1000}));
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(20000), 20000u);
  Read(rig, 900, Seconds(100));
  rig.ExpectOpen();
}

TEST_P(SlowReader, AllThatWasThereIsEnough) {
  Rig rig(With({.min_rate = 1000000}));
  rig.Establish();
  uint32_t acked = 1;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Discard();
    rig.In(Ack(1).Acks(acked += 10));
    rig.Advance(Seconds(7));
  }
  rig.Discard();
  rig.ExpectOpen();
}

// Text that came in the middle of an interval counts from the next one on.
TEST_P(SlowReader, StallIsFoundWithinTwoIntervals) {
  Rig rig(With({.min_rate = 1, .min_rate_interval_ms = 5000}));
  rig.Establish();
  rig.Advance(Seconds(2));
  EXPECT_EQ(rig.Send(10), 10u);
  ResetBetween(rig, Seconds(8), Milliseconds(200));
  ExpectTooSlow(rig, Counter::kTcpSlowReader);
}

// A connection at full speed may meet its old numbers at the end of an interval; who acknowledges
// at all gets a moment more.
TEST_P(SlowReader, IsLookedAtTwice) {
  Rig rig(With({.min_rate = 100, .min_rate_interval_ms = 5000}));
  rig.Establish({.window = 1000});
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Advance(Milliseconds(10050));
  rig.Discard();
  rig.ExpectOpen();
  rig.In(Ack(1).Acks(101));
  rig.Advance(Milliseconds(4000));
  rig.Discard();
  rig.ExpectOpen();
  ResetBetween(rig, Milliseconds(1), Milliseconds(1300));
  ExpectTooSlow(rig, Counter::kTcpSlowReader);
}

TEST_P(SlowReader, ClosedWindowIsNoExcuse) {
  Rig rig(With({.min_rate = 1, .min_rate_interval_ms = 5000}));
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(600), 600u);
  const Time begin = rig.now();
  rig.In(Ack(1).Acks(101).Win(0));
  while (rig.handler().closed.empty() && rig.now() - begin < Seconds(60)) {
    rig.Advance(Milliseconds(100));
    if (rig.pending() == 0) continue;
    rig.Discard();
    rig.In(Ack(1).Acks(101).Win(0));
  }
  EXPECT_LE(rig.now() - begin, Seconds(16));
  rig.Discard();
  ExpectTooSlow(rig, Counter::kTcpSlowReader);
}

TEST_P(SlowReader, WhatTheCorkHoldsBackIsNotThePeers) {
  Rig rig(With({.min_rate = 1, .min_rate_interval_ms = 1000}));
  rig.Establish();
  EXPECT_TRUE(rig.c().SetCork(true));
  EXPECT_EQ(rig.Send(1460), 1460u);
  rig.Discard();
  rig.Advance(Milliseconds(500));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Advance(Milliseconds(100));
  rig.In(Ack(1).Acks(1461));
  rig.Advance(Milliseconds(900));
  rig.Discard();
  rig.ExpectOpen();
}

// --- min_request_rate ---

class SlowRequest : public SlowPeer {
 protected:
  Options Rate(uint32_t rate) const { return With({.min_request_rate = rate}); }
  // One octet every `d` until the connection ends, for `most` at most. Returns how long.
  static Duration Trickle(Rig& rig, Duration d, Duration most) {
    const Time begin = rig.now();
    for (uint32_t seq = 1; rig.handler().closed.empty() && rig.now() - begin < most; ++seq) {
      rig.In(Data(seq, 1).Acks(1));
      rig.Advance(d);
      rig.Discard();
    }
    return rig.now() - begin;
  }
};

TEST_P(SlowRequest, TrickleIsReset) {
  Rig rig(Rate(100));
  rig.Establish();
  EXPECT_LE(Trickle(rig, Seconds(1), Seconds(120)), Seconds(22));
  ExpectTooSlow(rig, Counter::kTcpSlowRequest);
}

TEST_P(SlowRequest, PausesBetweenOctetsDoNotHelp) {
  Rig rig(Rate(100));
  rig.Establish();
  EXPECT_LE(Trickle(rig, Seconds(35), Seconds(600)), Seconds(72));
  ExpectTooSlow(rig, Counter::kTcpSlowRequest);
}

TEST_P(SlowRequest, PeerThatWaitsForTheAnswerIsNotSlow) {
  Rig rig(Rate(100));
  rig.Establish();
  rig.In(Data(1, 20).Acks(1));
  rig.Advance(Seconds(600));
  rig.Discard();
  rig.ExpectOpen();
}

TEST_P(SlowRequest, ShortRequestsThatAreAnsweredAreNotSlow) {
  Rig rig(Rate(100));
  rig.handler().on_data = [](Connection c, Bytes text) { EXPECT_EQ(c.Send(text), text.size()); };
  rig.Establish();
  for (uint32_t i = 0; i < 60; ++i) {
    rig.In(Data(1 + i * 10, 10).Acks(1 + i * 10));
    rig.Discard();
    rig.In(Ack(11 + i * 10).Acks(11 + i * 10));
    rig.Advance(Milliseconds(1700));
    rig.Discard();
  }
  rig.ExpectOpen();
}

TEST_P(SlowRequest, LongRequestAtThatRateIsKept) {
  Rig rig(Rate(100));
  rig.Establish();
  for (uint32_t i = 0; i < 60; ++i) {
    rig.In(Data(1 + i * 11, 11).Acks(1));
    rig.Advance(Seconds(1));
    rig.Discard();
  }
  rig.ExpectOpen();
}

TEST_P(SlowRequest, ApplicationThatDoesNotReadIsTheOneThatIsSlow) {
  Rig rig(Rate(100));
  rig.Establish();
  rig.c().Pause();
  Trickle(rig, Seconds(1), Seconds(60));
  rig.ExpectOpen();
}

// --- the catalogue ---

// F20, sockstress: requests, and then a window that is closed for ever or opens by crumbs. Whatever
// they hold comes back; a peer that reads is served meanwhile.
TEST_P(SlowReader, F20PeersThatNeverReadHoldMemoryForTwoIntervalsAtMost) {
  Options options = With({.send_buffer = 20000, .min_rate = 1000});
  options.tcp.max_flights = 64;
  options.tcp.kept_buffers = 2048;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) { (void)c.Send(Pattern(1, 20000)); };
  constexpr uint16_t kPeers = 32;
  for (uint16_t port = 1; port <= kPeers; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460).Win(2920));
    rig.Out(SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1).Win(2920));
    rig.Discard();
    rig.In(Ack(1).Acks(1461).Win(port % 2 == 0 ? 0 : 1));
    rig.Discard();
  }
  EXPECT_EQ(rig.engine().usage().flights, kPeers);
  EXPECT_GT(rig.engine().usage().kept_buffers, kPeers * 10u);
  rig.Advance(Milliseconds(20200));
  rig.Discard();
  EXPECT_EQ(rig.handler().closed.size(), kPeers);
  EXPECT_EQ(rig.counter(Counter::kTcpSlowReader), kPeers);
  rig.ExpectEmpty();
}

// F21, slowloris: slow headers, slow reading, and saying nothing at all.
TEST_P(SlowRequest, F21SlowlorisIsResetInEachOfItsForms) {
  const ConnectionOptions limits{
      .idle_timeout_ms = 60000, .first_text_ms = 10000, .min_rate = 1000, .min_request_rate = 100};
  {
    Rig rig(With(limits));
    rig.Establish();
    rig.Advance(Seconds(11));
    rig.Discard();
    ExpectTooSlow(rig, Counter::kTcpNoFirstText);
  }
  {
    Rig rig(With(limits));
    rig.Establish();
    EXPECT_LE(Trickle(rig, Seconds(9), Seconds(300)), Seconds(30));
    ExpectTooSlow(rig, Counter::kTcpSlowRequest);
  }
  {
    Rig rig(With(limits));
    rig.Establish();
    rig.In(Data(1, 30).Acks(1));  // half a request, and never more
    rig.Advance(Seconds(61));
    rig.Discard();
    ExpectTooSlow(rig, Counter::kTcpIdle);
  }
  {
    Rig rig(With(limits));
    rig.Establish({.window = 10});
    rig.In(Data(1, 30).Acks(1).Win(10));
    EXPECT_EQ(rig.Send(20000), 20000u);
    for (uint32_t read = 11; rig.handler().closed.empty() && read < 1000; read += 10) {
      rig.Discard();
      rig.In(Ack(31).Acks(read).Win(10));
      rig.Advance(Seconds(1));
    }
    rig.Discard();
    ExpectTooSlow(rig, Counter::kTcpSlowReader);
  }
}

// F22, abuse of closing: peers that do not take what is left after Close. There is a limit to how
// many may try, and none of them holds anything for longer than two intervals.
TEST_P(SlowPeer, F22PeersThatDoNotTakeTheRestAfterCloseAreGotRidOf) {
  Options options = With({.min_rate = 1000});
  options.tcp.max_orphans = 10;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) {
    (void)c.Send(Pattern(1, 5000));
    c.Close();
  };
  for (uint16_t port = 1; port <= 12; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460).Win(1460));
    rig.Out(SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1).Win(1460));
    rig.Discard();
  }
  EXPECT_EQ(rig.counter(Counter::kTcpOrphansRefused), 2u);
  EXPECT_EQ(rig.engine().usage().orphans, 10u);
  rig.Advance(Milliseconds(20200));
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().orphans, 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpSlowReader), 10u);
  rig.ExpectEmpty();
}

TEST_P(SlowPeer, F22CrumbsAfterCloseDoNotKeepAnOrphan) {
  Rig rig(With({.min_rate = 1000}));
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(20000), 20000u);
  rig.c().Close();
  rig.Turn();
  for (uint32_t read = 1; rig.handler().closed.empty() && read < 100; ++read) {
    rig.Discard();
    rig.In(Ack(1).Acks(read + 1).Win(100));
    rig.Advance(Seconds(1));
  }
  rig.Discard();
  ExpectTooSlow(rig, Counter::kTcpSlowReader);
}

// A peer that acknowledges our FIN and never sends its own.
TEST_P(SlowPeer, F22FinWait2EndsByItself) {
  Rig rig(With({.fin_wait2_ms = 10000}));
  rig.Establish();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.Advance(Seconds(11));
  rig.Quiet();
  rig.ExpectEmpty();
}

WEIR_BOTH_FAMILIES(SlowPeer);
WEIR_BOTH_FAMILIES(SlowReader);
WEIR_BOTH_FAMILIES(SlowRequest);

}  // namespace
}  // namespace weir::segment
