// What gives way when memory is short, and what does not.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kBlocks = 20;  // the high mark is at 19, the low one at 18

class Shedding : public TransferTest {
 protected:
  // With the marks of the configuration.
  Options Base() const {
    Options options = TransferTest::Base();
    options.tcp.shed_high = 95;
    options.tcp.shed_low = 90;
    return options;
  }
  Options Few() const {
    Options options = Base();
    options.tcp.max_connections = kBlocks;
    return options;
  }
  Options Shed() const {
    Options options = Few();
    options.tcp.shed_idle = true;
    return options;
  }
  // Opens a connection from this port; true when that was possible.
  static bool Open(Rig& rig, uint16_t port) {
    const size_t before = rig.handler().opened.size();
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460));
    if (rig.pending() != 0) {
      rig.Out(SynAck(0).Acks(1));
      rig.In(Ack(1).Acks(1));
    }
    rig.Quiet();
    return rig.handler().opened.size() == before + 1;
  }
  // Opens them until the high mark is reached; ports count from 1.
  static void Fill(Rig& rig) {
    for (uint16_t port = 1; port <= kBlocks - 1; ++port) EXPECT_TRUE(Open(rig, port));
    rig.Turn();
    EXPECT_TRUE(rig.engine().usage().shedding);
  }
  static void End(Rig& rig, uint16_t port) {
    rig.NewConnection(port);
    rig.In(Rst(1));
  }
};

// --- first: new SYNs ---

TEST_P(Shedding, NewSynsAreDroppedFromTheHighMarkUntilBelowTheLowOne) {
  Rig rig(Few());
  Fill(rig);
  EXPECT_EQ(rig.counter(Counter::kTcpShedBegan), 1u);
  EXPECT_FALSE(Open(rig, 100));
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynShed), 1u);
  End(rig, 1);
  EXPECT_FALSE(Open(rig, 100)) << "18 are not less than 18";
  End(rig, 2);
  EXPECT_TRUE(Open(rig, 100));
  EXPECT_EQ(rig.counter(Counter::kTcpShedEnded), 1u);
  EXPECT_FALSE(rig.engine().usage().shedding);
  EXPECT_TRUE(Open(rig, 101)) << "up to the high mark";
}

TEST_P(Shedding, OpensOfOurOwnHaveWhatIsLeft) {
  Rig rig(Few());
  Fill(rig);
  rig.NewConnection(200);
  rig.Connect();
  EXPECT_EQ(rig.engine().usage().connections, kBlocks);
}

TEST_P(Shedding, CanBeTurnedOff) {
  Options options = Few();
  options.tcp.shed_high = 0;
  Rig rig(options);
  for (uint16_t port = 1; port <= kBlocks; ++port) EXPECT_TRUE(Open(rig, port));
  EXPECT_FALSE(Open(rig, 100));
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTcb), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpShedBegan), 0u);
}

TEST_P(Shedding, ConnectionsGoOnMeanwhile) {
  Rig rig(Few());
  Fill(rig);
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectReceived(100);
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100).Acks(101));
  rig.In(Ack(101).Acks(101));
  rig.Advance(Seconds(3600));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().closed.empty());
}

TEST_P(Shedding, FlightsAreWatchedAsWell) {
  Options options = Base();
  options.tcp.max_flights = 20;
  Rig rig(options);
  std::vector<Connection> senders;
  for (uint16_t port = 1; port <= 19; ++port) {
    EXPECT_TRUE(Open(rig, port));
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Discard();
  }
  rig.Turn();
  EXPECT_TRUE(rig.engine().usage().shedding);
  EXPECT_FALSE(Open(rig, 100));
}

TEST_P(Shedding, KeptBuffersAreWatchedAsWell) {
  Options options = Base();
  options.tcp.kept_buffers = 20;
  options.tcp.text_buffers = 20;
  Rig rig(options);
  EXPECT_TRUE(Open(rig, 1));
  EXPECT_EQ(rig.Send(19 * 1460), 19u * 1460);
  rig.Discard();
  rig.Turn();
  EXPECT_TRUE(rig.engine().usage().shedding);
  EXPECT_FALSE(Open(rig, 2));
  rig.Discard();
}

// --- second: half-open connections ---

TEST_P(Shedding, HalfOpenConnectionsGoNextAndComeBackByCookie) {
  Options options = Few();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAuto;
  Rig rig(options);
  for (uint16_t port = 1; port < kBlocks - 1; ++port) EXPECT_TRUE(Open(rig, port));
  rig.NewConnection(100);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  const Seq iss = rig.iss();
  const Seg ack = Ack(rig.irs().value + 1).Acks(iss.value + 1).Absolute().From(uint16_t{100});
  EXPECT_TRUE(Open(rig, kBlocks - 1));
  rig.Turn();
  EXPECT_EQ(rig.engine().usage().half_open, 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenShed), 1u);
  rig.In(ack);
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpShed), 1u);
  End(rig, 1);
  End(rig, 2);
  const size_t before = rig.handler().opened.size();
  rig.In(ack);
  EXPECT_EQ(rig.handler().opened.size(), before + 1);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 1u);
}

TEST_P(Shedding, HalfOpenConnectionsGoASmallNumberAtATime) {
  Options options = Few();
  options.iss_near_wrap = false;
  options.tcp.syn_backlog = 1000;
  options.tcp.syn_cookies = SynCookies::kAuto;
  Rig rig(options);
  for (uint16_t port = 0; port < 200; ++port) {
    rig.In(Syn(0).Mss(1460).From(static_cast<uint16_t>(1000 + port)));
  }
  rig.Discard();
  for (uint16_t port = 1; port <= kBlocks - 1; ++port) EXPECT_TRUE(Open(rig, port));
  std::vector<uint32_t> left;
  for (int turn = 0; turn < 5; ++turn) {
    rig.Turn();
    left.push_back(rig.engine().usage().half_open);
  }
  EXPECT_EQ(left.front(), 200u - 64);
  EXPECT_EQ(left.back(), 0u);
}

// A listener without cookies, a tuple used again (ADR 13).
TEST_P(Shedding, HalfOpenConnectionsThatCouldNotComeBackStay) {
  for (const bool reused : {false, true}) {
    SCOPED_TRACE(reused);
    Options options = Few();
    options.iss_near_wrap = false;
    if (reused) options.tcp.syn_cookies = SynCookies::kAlways;
    Rig rig(options);
    if (reused) {
      EXPECT_TRUE(Open(rig, 100));
      rig.c().Close();
      rig.Turn();
      rig.Out(Fin(1).Acks(1));
      rig.In(Fin(1).Acks(2));
      rig.Out(Ack(2).Acks(2));
    }
    rig.NewConnection(100, kPeerIss + 1000);
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
    const Seq iss = rig.iss();
    Fill(rig);
    rig.Turn();
    EXPECT_EQ(rig.engine().usage().half_open, 1u);
    EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenShed), 0u);
    End(rig, 1);
    End(rig, 2);
    rig.ReturnTo(100, iss, kPeerIss + 1000);
    rig.In(Ack(1).Acks(1));
    EXPECT_EQ(rig.engine().usage().half_open, 0u);
    EXPECT_TRUE(rig.c().alive());
    EXPECT_EQ(rig.c().remote().port, 100);
  }
}

// It may be silent for longer than its cookie is good.
TEST_P(Shedding, HalfOpenConnectionThatIsCompleteAndWaitsForTextStays) {
  constexpr uint16_t kDeferring = 81;
  Options options = Few();
  options.iss_near_wrap = false;
  Rig rig(options);
  const ListenOptions listen{
      .port = kDeferring, .syn_cookies = SynCookies::kAuto, .defer_accept_ms = 120000};
  ASSERT_TRUE(rig.engine().Listen(*rig.engine().WithDefaults(listen), &rig.handler()));
  rig.NewConnection(100);
  rig.In(Syn(0).Mss(1460).To(kDeferring));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1).To(kDeferring));
  const Seq iss = rig.iss();
  Fill(rig);
  rig.Advance(Seconds(100));
  EXPECT_EQ(rig.engine().usage().half_open, 1u);
  End(rig, 1);
  End(rig, 2);
  rig.ReturnTo(100, iss);
  rig.In(Data(1, 10).Acks(1).To(kDeferring));
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 0u);
  rig.Discard();
}

// --- third: who is still ---

TEST_P(Shedding, StillConnectionsAreKeptByDefault) {
  Rig rig(Few());
  Fill(rig);
  rig.Advance(Seconds(3600));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().closed.empty());
}

TEST_P(Shedding, ThoseThatWereStillForLongestMakeRoom) {
  Rig rig(Shed());
  for (uint16_t port = 1; port <= kBlocks - 2; ++port) {
    EXPECT_TRUE(Open(rig, port));
    rig.Advance(Seconds(1));
  }
  rig.In(Rst(1).From(uint16_t{5}));  // a gap, and its block is used again
  EXPECT_TRUE(Open(rig, 50));
  rig.Advance(Seconds(1));
  EXPECT_TRUE(Open(rig, 51));
  std::vector<uint16_t> ended;
  rig.handler().on_closed = [&](Connection c, CloseReason reason) {
    EXPECT_EQ(reason, CloseReason::kNoResources);
    ended.push_back(c.remote().port);
  };
  rig.Advance(Milliseconds(100));
  rig.Discard();
  EXPECT_EQ(ended, (std::vector<uint16_t>{1, 2}));
  EXPECT_EQ(rig.counter(Counter::kTcpIdleShed), 2u);
  EXPECT_TRUE(Open(rig, 100));
}

TEST_P(Shedding, WhoHasMovedInTheLastTenSecondsIsNotStill) {
  Rig rig(Shed());
  Fill(rig);
  rig.Advance(Milliseconds(9800));
  EXPECT_TRUE(rig.handler().closed.empty());
  for (uint16_t port = 1; port <= kBlocks - 3; ++port) {
    rig.In(Data(1, 1).Acks(1).From(port));
    rig.Discard();
  }
  rig.Advance(Seconds(1));
  rig.Discard();
  EXPECT_EQ(rig.handler().closed.size(), 2u) << "the two that have said nothing";
}

TEST_P(Shedding, TextThatTheApplicationHasNotReadKeepsItsConnection) {
  Rig rig(Shed());
  rig.handler().on_open = [](Connection c) { c.Pause(); };
  for (uint16_t port = 1; port <= kBlocks - 1; ++port) {
    EXPECT_TRUE(Open(rig, port));
    rig.In(Data(1, 10).Acks(1));
  }
  rig.Advance(Seconds(60));
  rig.Discard();
  EXPECT_TRUE(rig.engine().usage().shedding);
  EXPECT_TRUE(rig.handler().closed.empty());
}

// Control blocks are short, and text waits: retries2 and min_rate are its limits.
TEST_P(Shedding, TextThatIsNotAcknowledgedKeepsItsConnectionWhereBlocksAreShort) {
  Rig rig(Shed());
  rig.handler().on_open = [](Connection c) { EXPECT_EQ(c.Send(Pattern(1, 10)), 10u); };
  for (uint16_t port = 1; port <= kBlocks - 1; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1));
    rig.Discard();
  }
  rig.Advance(Seconds(60));
  rig.Discard();
  EXPECT_TRUE(rig.engine().usage().shedding);
  EXPECT_TRUE(rig.handler().closed.empty());
}

// F20 without a limit on rates: those whose text has stood still for longest give it back, and a
// peer that reads slowly but reads is kept.
TEST_P(Shedding, F20WhoDoesNotReadGivesWayWhereFlightsAreShort) {
  Options options = Base();
  options.tcp.max_flights = 20;
  options.tcp.shed_idle = true;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) { EXPECT_EQ(c.Send(Pattern(1, 5000)), 5000u); };
  for (uint16_t port = 1; port <= 19; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460).Win(1000));
    rig.Out(SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1).Win(1000));
    rig.Discard();
  }
  std::vector<uint16_t> ended;
  rig.handler().on_closed = [&](Connection c, CloseReason) { ended.push_back(c.remote().port); };
  const Seq iss = rig.iss();  // of port 19
  for (uint32_t second = 1; second <= 15; ++second) {
    rig.Advance(Seconds(1));
    rig.Discard();
    rig.In(Ack(rig.irs().value + 1)
               .Acks(iss.value + 1 + second)
               .Absolute()
               .Win(1000)
               .From(uint16_t{19}));
    rig.Discard();
  }
  EXPECT_EQ(ended.size(), 2u);
  EXPECT_EQ(std::count(ended.begin(), ended.end(), 19), 0);
  EXPECT_FALSE(rig.engine().usage().shedding);
}

// F27: many peers that never acknowledge a large answer. The text they may tie up has a limit below
// that of all buffers, so that others are heard; user_timeout_ms is the end of it.
TEST_P(Shedding, F27PeersThatNeverAcknowledgeLeaveRoomForOthers) {
  Options options = Base();
  options.tcp.kept_buffers = 400;
  options.tcp.text_buffers = 300;
  options.tcp.shed_high = 0;
  options.listen.connection.user_timeout_ms = 20000;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) { (void)c.Send(Pattern(1, 100000)); };
  for (uint16_t port = 1; port <= 20; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1));
    rig.Discard();
  }
  EXPECT_LE(rig.engine().usage().kept_buffers, 301u);  // and one that a delivery may lend
  EXPECT_GT(rig.engine().usage().kept_buffers, 250u);
  rig.handler().on_open = nullptr;
  EXPECT_TRUE(Open(rig, 100));
  rig.In(Data(1, 1000).Acks(1));
  rig.ExpectReceived(1000);
  rig.Advance(Seconds(60));
  rig.Discard();
  EXPECT_GT(rig.handler().closed.size(), 1u) << "those whose text was taken";
  for (const CloseReason reason : rig.handler().closed) EXPECT_EQ(reason, CloseReason::kTimedOut);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 0u);
}

// F27 with fewer buffers and the marks: newcomers are turned away before those who are served run
// dry.
TEST_P(Shedding, F27NewcomersAreTurnedAwayWhileBuffersAreShort) {
  Options options = Base();
  options.tcp.kept_buffers = 100;
  options.tcp.text_buffers = 100;
  Rig rig(options);
  rig.handler().on_open = [](Connection c) { (void)c.Send(Pattern(1, 50000)); };
  for (uint16_t port = 1; port <= 20; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460));
    if (rig.pending() == 0) break;
    rig.Out(SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1));
    rig.Discard();
  }
  EXPECT_LE(rig.handler().opened.size(), 4u);
  EXPECT_GT(rig.counter(Counter::kDropTcpSynShed), 0u);
}

WEIR_BOTH_FAMILIES(Shedding);

}  // namespace
}  // namespace weir::segment
