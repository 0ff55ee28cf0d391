// Handles: how long they find their connection, and what it says about itself.
#include <gtest/gtest.h>

#include "segment/handles.h"

namespace weir::segment {
namespace {

// --- a handle that outlives its connection ---

TEST_P(Handles, HandleThatWasNeverSetDoesNothing) {
  Connection c;
  EXPECT_FALSE(c.alive());
  EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
  Owned text(10);
  EXPECT_FALSE(text.Send(c));
  EXPECT_EQ(text.released, 0u);
  EXPECT_EQ(c.send_room(), 0u);
  c.Pause();
  c.Resume();
  c.Shutdown();
  c.Close();
  c.Abort();
  c.SetTimer(1);
  c.set_user(7);
  EXPECT_EQ(c.user(), 0u);
  EXPECT_FALSE(c.SetNoDelay(true));
  EXPECT_FALSE(c.SetKeepAlive(true));
  EXPECT_EQ(c.remote(), Endpoint{});
  EXPECT_EQ(c.Info().state, TcpState::kClosed);
}

TEST_P(Handles, HandleKeptTooLongFindsNothing) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  c.set_user(7);
  ResetByPeer(rig);
  EXPECT_FALSE(c.alive());
  EXPECT_EQ(c.user(), 0u);
  EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
  Owned text(10);
  EXPECT_FALSE(text.Send(c));
  EXPECT_EQ(c.send_room(), 0u);
  EXPECT_FALSE(c.SetNoDelay(true));
  EXPECT_EQ(c.remote(), Endpoint{});
  c.Abort();
  c.Close();
  c.SetTimer(1);
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kReset);
  EXPECT_EQ(rig.handler().timers, 0u);
  EXPECT_EQ(text.released, 0u);
}

TEST_P(Handles, OldHandleDoesNotFindTheNextConnectionInItsPlace) {
  Rig rig(Base());
  rig.Establish();
  Connection old = rig.c();
  old.set_user(7);
  ResetByPeer(rig);
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  EXPECT_NE(rig.c(), old);
  EXPECT_EQ(rig.c().user(), 0u) << "the old connection's";
  old.Abort();
  old.set_user(9);
  rig.Turn();
  rig.Quiet();
  rig.ExpectOpen();
  EXPECT_EQ(rig.c().user(), 0u);
}

TEST_P(Handles, HandleOfATimeWaitFindsNothing) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  c.Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_FALSE(c.alive());
  c.Abort();
  c.Close();
  rig.Turn();
  rig.Quiet();
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
}

TEST_P(Handles, HandlesCompareEqualOnlyForOneConnection) {
  Rig rig(Base());
  rig.Establish();
  const Connection first = rig.c();
  rig.In(Data(1, 10).Acks(1));
  Connection seen;
  rig.handler().on_data = [&](Connection c, Bytes) { seen = c; };
  rig.In(Data(11, 10).Acks(1));
  EXPECT_EQ(seen, first);
  rig.Discard();
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  EXPECT_NE(rig.c(), first);
}

// --- the application's own 64 bits ---

TEST_P(Handles, UserIsKeptUntilOnClosedHasReturned) {
  Rig rig(Base());
  uint64_t in_on_closed = 0;
  Endpoint remote, local;
  rig.handler().on_open = [](Connection c) {
    EXPECT_EQ(c.user(), 0u);
    c.set_user(0xfedcba9876543210u);
  };
  rig.handler().on_closed = [&](Connection c, CloseReason) {
    in_on_closed = c.user();
    remote = c.remote();
    local = c.local();
  };
  rig.Establish();
  ResetByPeer(rig);
  EXPECT_EQ(in_on_closed, 0xfedcba9876543210u);
  EXPECT_EQ(remote, (Endpoint{PeerAddress(GetParam()), kPeerPort}));
  EXPECT_EQ(local, (Endpoint{StackAddress(GetParam()), kStackPort}));
}

// --- Info ---

TEST_P(Handles, InfoSaysWhatIsGoingOn) {
  Rig rig(Base());
  rig.Establish({.mss = 1000, .window = 1500});
  EXPECT_EQ(rig.Send(3000), 3000u);
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1).Win(1500));
  rig.In(Data(21, 10).Acks(1).Win(1500));
  const ConnectionInfo info = rig.c().Info();
  EXPECT_EQ(info.state, TcpState::kEstablished);
  EXPECT_EQ(info.remote, (Endpoint{PeerAddress(GetParam()), kPeerPort}));
  EXPECT_EQ(info.local, (Endpoint{StackAddress(GetParam()), kStackPort}));
  EXPECT_EQ(info.mss, 1000);
  EXPECT_EQ(info.announced_mss, GetParam() ? 1460 : 1440);
  EXPECT_EQ(info.send_window, 1500u);
  EXPECT_EQ(info.congestion_window, 10000u);
  EXPECT_EQ(info.unacknowledged + info.unsent, 3000u);
  EXPECT_GE(info.unacknowledged, 1000u);
  EXPECT_EQ(info.unread, 10u);
  EXPECT_EQ(info.out_of_order, 10u);
  rig.Discard();
}

TEST_P(Handles, InfoCountsDoublingsAndProbes) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  EXPECT_EQ(rig.c().Info().backoff, 0);
  rig.OutAfter(Milliseconds(200), Data(1, 100));
  rig.OutAfter(Milliseconds(400), Data(1, 100));
  EXPECT_EQ(rig.c().Info().backoff, 2);
  rig.In(Ack(1).Acks(101).Win(0));
  EXPECT_EQ(rig.Send(100), 100u);
  for (int probes = 0; probes < 3; ++probes) {
    EXPECT_EQ(rig.c().Info().probes, probes);
    rig.UntilNext(Seconds(20));
    rig.Out(Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
  }
  rig.In(Ack(1).Acks(101));
  rig.Out(Data(101, 100));
  EXPECT_EQ(rig.c().Info().probes, 0);
}

WEIR_BOTH_FAMILIES(Handles);

}  // namespace
}  // namespace weir::segment
