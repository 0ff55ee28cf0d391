// Entries of the SYN cache that give way to others, and those that do not.
#include <gtest/gtest.h>

#include <utility>

#include "segment/syn_cache.h"

namespace weir::segment {
namespace {

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

// Nor does it keep those behind it from giving way: a listener without cookies, a tuple used again.
TEST_P(SynCache, OldestWithoutACookieIsPassedOver) {
  constexpr uint16_t kThirdPort = 82;
  for (const bool reused : {false, true}) {
    SCOPED_TRACE(reused);
    Rig rig(Remembering(100, 4));
    ListenOn(rig, kOtherPort, SynCookies::kOff);
    ListenOn(rig, kThirdPort);
    const uint16_t port = reused ? kStackPort : kOtherPort;
    if (reused) EnterTimeWait(rig);
    rig.NewConnection(kPeerPort, kPeerIss + 1000);
    rig.In(Syn(0).Mss(1460).To(port));
    rig.Out(SynAck(0).Acks(1));
    const Seq oldest = rig.iss();
    const auto older = BeginMany(rig, 1000, 3, Syn(0).Mss(1460).To(kThirdPort));
    BeginMany(rig, 2000, 2);
    EXPECT_EQ(rig.counter(Counter::kTcpHalfOpenEvicted), 2u);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), 0u) << "all were remembered";
    EXPECT_EQ(HalfOpen(rig), 4u);
    const size_t before = rig.handler().opened.size();
    rig.ReturnTo(kPeerPort, oldest, kPeerIss + 1000);
    rig.In(Ack(1).Acks(1).To(port));
    for (const Begun& begun : older) {
      Return(rig, begun);
      rig.In(Ack(1).Acks(1).To(kThirdPort));
    }
    EXPECT_EQ(rig.handler().opened.size(), before + 4);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesAccepted), 2u);
    rig.Quiet();
  }
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

// --- TIME-WAIT ---

// An ISS that follows the clock is no cookie: who is given up early could not come back (K12).
TEST_P(SynCache, HandshakeOnAReusedTupleIsNotGivenUpEarly) {
  Options options = Remembering(1024);
  options.tcp.syn_cookies = SynCookies::kAlways;
  Rig rig(options);
  EnterTimeWait(rig);
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
    EnterTimeWait(rig);
    rig.engine().Accepted(*listener);
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

}  // namespace
}  // namespace weir::segment
