// Text between an application and its connection, both ways.
#include <gtest/gtest.h>

#include "segment/handles.h"

namespace weir::segment {
namespace {

// --- SendOwned ---

TEST_P(Handles, OwnedTextIsReleasedWhenItsLastOctetIsAcknowledged) {
  Rig rig(Base());
  rig.Establish({.mss = 1000});
  Owned text(2500);
  EXPECT_TRUE(text.Send(rig.c()));
  rig.Turn();
  rig.Out(Data(1, 1000).Acks(1));
  rig.Out(Data(1001, 1000).Acks(1));
  rig.In(Ack(1).Acks(2001));
  rig.Out(Data(2001, 500).Acks(1));
  rig.In(Ack(1).Acks(2500));
  EXPECT_EQ(text.released, 0u);
  rig.In(Ack(1).Acks(2501));
  EXPECT_EQ(text.released, 1u);
  ResetByPeer(rig);
  EXPECT_EQ(text.released, 1u);
}

TEST_P(Handles, OwnedTextIsReadAgainWhenItIsSentAgain) {
  Rig rig(Base());
  rig.Establish();
  Owned text(100);
  EXPECT_TRUE(text.Send(rig.c()));
  rig.Turn();
  rig.Out(Data(1, 100).Acks(1));
  rig.OutAfter(Milliseconds(200), Data(1, 100).Acks(1));
  EXPECT_EQ(text.released, 0u);
  rig.In(Ack(1).Acks(101));
  EXPECT_EQ(text.released, 1u);
}

TEST_P(Handles, OwnedTextIsReleasedByAReset) {
  Rig rig(Base());
  rig.Establish();
  Owned text(100);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(text.Send(rig.c()));
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(text.released, 0u);
  ResetByPeer(rig);
  EXPECT_EQ(text.released, 3u);
  rig.ExpectEmpty();
}

TEST_P(Handles, OwnedTextIsReleasedByAnAbort) {
  Rig rig(Base());
  rig.Establish();
  Owned text(100);
  EXPECT_TRUE(text.Send(rig.c()));
  rig.c().Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(text.released, 1u);
  rig.ExpectEmpty();
}

TEST_P(Handles, OwnedTextIsReleasedWhenTheStackIsTakenDown) {
  Owned text(100);
  {
    Rig rig(Base());
    rig.Establish();
    EXPECT_TRUE(text.Send(rig.c()));
    rig.Turn();
    rig.Discard();
    EXPECT_EQ(text.released, 0u);
  }
  EXPECT_EQ(text.released, 1u);
}

TEST_P(Handles, OwnedTextIsSentInItsPlaceAmongTheCopied) {
  Rig rig(Base());
  rig.Establish();
  Owned text(30, 11);
  EXPECT_EQ(rig.c().Send(Pattern(1, 10)), 10u);
  EXPECT_TRUE(text.Send(rig.c()));
  EXPECT_EQ(rig.c().Send(Pattern(41, 10)), 10u);
  rig.Turn();
  rig.Out(Data(1, 50).Acks(1));
  rig.In(Ack(1).Acks(40));
  EXPECT_EQ(text.released, 0u);
  rig.In(Ack(1).Acks(51));
  EXPECT_EQ(text.released, 1u);
}

TEST_P(Handles, OwnedTextDoesNotCountAgainstTheSendBuffer) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish();
  Owned text(100000);
  EXPECT_TRUE(text.Send(rig.c()));
  EXPECT_EQ(rig.c().send_room(), 2048u);
  rig.c().Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(text.released, 1u);
}

TEST_P(Handles, OwnedTextOfNoSizeIsRefused) {
  Rig rig(Base());
  rig.Establish();
  Owned text(0);
  EXPECT_FALSE(text.Send(rig.c()));
  EXPECT_EQ(text.released, 0u);
}

// --- Send and OnWritable ---

TEST_P(Handles, SendTakesWhatFitsAndOnWritableFollows) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish({.mss = 1000});
  EXPECT_EQ(rig.Send(5000), 2048u);
  EXPECT_EQ(rig.c().send_room(), 0u);
  EXPECT_EQ(rig.c().Send(Pattern(1, 1)), 0u);
  rig.Out(Data(1, 1000).Acks(1));
  rig.Out(Data(1001, 1000).Acks(1));
  rig.Out(Data(2001, 48).Acks(1));
  EXPECT_EQ(rig.handler().writable, 0u);
  rig.In(Ack(1).Acks(1001));
  EXPECT_EQ(rig.handler().writable, 1u);
  EXPECT_EQ(rig.c().send_room(), 1000u);
  rig.In(Ack(1).Acks(2001));
  EXPECT_EQ(rig.handler().writable, 1u) << "nobody asked again";
  rig.Discard();
}

TEST_P(Handles, OnWritableIsNotCalledWhenSendTookEverything) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 1000).Acks(1));
  rig.In(Ack(1).Acks(1001));
  EXPECT_EQ(rig.handler().writable, 0u);
}

// --- OnData, Pause and Resume ---

TEST_P(Handles, PausedConnectionKeepsItsTextAndClosesItsWindow) {
  Options options = Base();
  options.listen.connection.receive_buffer = 4096;
  Rig rig(options);
  rig.Establish();
  rig.c().Pause();
  rig.InBurst({Data(1, 1000).Acks(1), Data(1001, 1000).Acks(1)});
  rig.Out(Ack(1).Acks(2001).Win(2096));
  rig.InBurst({Data(2001, 1000).Acks(1), Data(3001, 1000).Acks(1)});
  rig.Out(Ack(1).Acks(4001).Win(96));
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.c().Info().unread, 4000u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(4000);
  rig.Out(Ack(1).Acks(4001).Win(4096));
  rig.Quiet();
}

TEST_P(Handles, PauseInOnDataStopsTheNextCall) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes) { c.Pause(); };
  rig.InBurst({Data(1, 1000).Acks(1), Data(1001, 1000).Acks(1)});
  rig.Out(Ack(1).Acks(2001));
  rig.ExpectReceived(1000);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(2000);
}

TEST_P(Handles, ResumeWithoutPauseDeliversNothingTwice) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1));
  rig.c().Resume();
  rig.c().Pause();
  rig.c().Pause();
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().deliveries.size(), 1u);
  rig.Advance(Milliseconds(40));
  rig.Discard();
}

TEST_P(Handles, PeerClosedWaitsForThePausedReader) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1).Fin());
  rig.Out(Ack(1).Acks(12));
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.ExpectState(TcpState::kCloseWait);
  rig.Advance(Seconds(100));
  EXPECT_EQ(rig.handler().peer_closed, 0u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
}

TEST_P(Handles, ResetIsReportedToAPausedReaderAtOnce) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 10).Acks(1));
  rig.In(Rst(11));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

TEST_P(Handles, TextIsDeliveredNoFasterThanItCanBeAnswered) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish({.mss = 1024, .window = 0});
  size_t echoed = 0;
  rig.handler().on_data = [&](Connection c, Bytes text) { echoed += c.Send(text); };
  rig.InBurst({Data(1, 1000).Acks(1).Win(0), Data(1001, 1000).Acks(1).Win(0),
               Data(2001, 1000).Acks(1).Win(0)});
  rig.ExpectReceived(2048);
  EXPECT_EQ(echoed, 2048u);
  rig.Discard();
  rig.In(Ack(3001).Acks(1));  // the window opens
  rig.Discard();
  rig.In(Ack(3001).Acks(2049));
  rig.ExpectReceived(3000);
  EXPECT_EQ(echoed, 3000u);
  rig.Discard();
}

TEST_P(Handles, TextIsDeliveredAllTheSameWhereTheListenerSaysSo) {
  Options options = Base();
  options.listen.connection.send_buffer = 2048;
  options.listen.connection.deliver_when_full = true;
  Rig rig(options);
  rig.Establish({.window = 0});
  rig.handler().on_data = [](Connection c, Bytes text) { (void)c.Send(text); };
  rig.InBurst({Data(1, 1000).Acks(1).Win(0), Data(1001, 1000).Acks(1).Win(0),
               Data(2001, 1000).Acks(1).Win(0)});
  rig.ExpectReceived(3000);
  rig.Discard();
}

}  // namespace
}  // namespace weir::segment
