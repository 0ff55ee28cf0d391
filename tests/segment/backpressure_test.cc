// Back-pressure: no more is delivered than can be answered, no more is taken than there is room
// for, and whoever was refused hears of it when there is room again.
#include <gtest/gtest.h>

#include <memory>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class BackPressure : public TransferTest {
 protected:
  Options Buffers(uint32_t send, uint32_t receive) const {
    Options options = Base();
    options.listen.connection.send_buffer = send;
    options.listen.connection.receive_buffer = receive;
    return options;
  }
  // The application answers with what it gets and keeps nothing.
  static void Echo(Rig& rig) {
    rig.handler().on_data = [](Connection c, Bytes text) {
      EXPECT_LE(text.size(), c.send_room());
      EXPECT_EQ(c.Send(text), text.size());
    };
  }
  // Takes what was sent, in order, and acknowledges it; returns the octets. SND.UNA is `una`.
  static uint32_t Drain(Rig& rig, uint32_t una, uint32_t peer_next) {
    uint32_t octets = 0;
    while (rig.pending() != 0) {
      const Seg seg = rig.Any();
      if (seg.text.empty()) continue;
      EXPECT_EQ(seg.seq, una + octets);
      EXPECT_EQ(seg.text, Pattern(seg.seq, static_cast<uint32_t>(seg.text.size())));
      octets += static_cast<uint32_t>(seg.text.size());
    }
    if (octets != 0) rig.In(Ack(peer_next).Acks(una + octets));
    return octets;
  }
  static void DrainAll(Rig& rig, uint32_t total, uint32_t peer_next) {
    uint32_t una = 1;
    for (int i = 0; i < 1000 && una < 1 + total; ++i) {
      const uint32_t octets = Drain(rig, una, peer_next);
      una += octets;
      if (octets == 0) rig.Advance(Milliseconds(100));
    }
    EXPECT_EQ(una, 1 + total);
  }
};

TEST_P(BackPressure, DeliversNoMoreThanSendHasRoomFor) {
  Rig rig(Buffers(2048, 65535));
  rig.Establish();
  Echo(rig);
  for (uint32_t i = 0; i < 6; ++i) rig.In(Data(1 + 1000 * i, 1000).Acks(1).Win(0));
  rig.Discard();
  rig.ExpectReceived(2048);
  EXPECT_EQ(rig.c().Info().unread, 6000u - 2048u);
  rig.In(Ack(6001).Acks(1).Win(65535));
  DrainAll(rig, 6000, 6001);
  rig.ExpectReceived(6000);
  for (const size_t size : rig.handler().deliveries) EXPECT_GT(size, 0u);
}

TEST_P(BackPressure, DeliversAllTheSameWhereTheListenerWantsIt) {
  Options options = Buffers(2048, 65535);
  options.listen.connection.deliver_when_full = true;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(5000), 2048u);
  rig.In(Data(1, 1000).Acks(1));
  rig.ExpectReceived(1000);
  rig.Discard();
}

TEST_P(BackPressure, DeliversToAnApplicationThatHasShutDown) {
  Rig rig(Buffers(2048, 65535));
  rig.Establish();
  EXPECT_EQ(rig.Send(2048), 2048u);
  rig.c().Shutdown();
  rig.In(Data(1, 1000).Acks(1));
  rig.ExpectReceived(1000);
  rig.Discard();
}

TEST_P(BackPressure, PausedTextIsDeliveredOnResume) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 1000).Acks(1));
  rig.In(Data(1001, 1000).Acks(1));
  rig.Out(Ack(1).Acks(2001));
  rig.ExpectReceived(0);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(2000);
  rig.Discard();
}

TEST_P(BackPressure, PauseInsideTheCallbackHoldsBackTheRest) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes) { c.Pause(); };
  rig.InBurst({Data(1, 1000).Acks(1), Data(1001, 1000).Acks(1)});
  rig.ExpectReceived(1000);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(2000);
  rig.Discard();
}

TEST_P(BackPressure, SendTakesWhatFitsAndTellsWhenThereIsRoom) {
  Rig rig(Buffers(2048, 65535));
  rig.Establish();
  EXPECT_EQ(rig.c().send_room(), 2048u);
  EXPECT_EQ(rig.Send(5000), 2048u);
  EXPECT_EQ(rig.c().send_room(), 0u);
  EXPECT_EQ(rig.Send(1), 0u);
  rig.Out(Data(1, 1460));
  EXPECT_EQ(rig.handler().writable, 0u);
  rig.In(Ack(1).Acks(1461));
  EXPECT_EQ(rig.handler().writable, 1u);
  EXPECT_EQ(rig.c().send_room(), 1460u);
  rig.Out(Data(1461, 588));
  rig.In(Ack(1).Acks(2049));
  EXPECT_EQ(rig.handler().writable, 1u);  // nothing was refused since
}

TEST_P(BackPressure, NobodyIsToldOfRoomThatWasNeverShort) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(1460), 1460u);
  rig.Out(Data(1, 1460));
  rig.In(Ack(1).Acks(1461));
  EXPECT_EQ(rig.handler().writable, 0u);
}

TEST_P(BackPressure, OwnedTextMayBeLargerThanEveryWindow) {
  Rig rig(Buffers(2048, 65535));
  rig.Establish();
  const auto text = std::make_unique<std::vector<uint8_t>>(Pattern(1, 300000));
  unsigned released = 0;
  const auto release = [](void* count) { ++*static_cast<unsigned*>(count); };
  ASSERT_TRUE(rig.c().SendOwned(*text, release, &released));
  EXPECT_EQ(rig.c().send_room(), 2048u);  // does not count against the send buffer
  rig.Turn();
  uint32_t una = 1;
  for (int i = 0; i < 1000 && una < 300001; ++i) {
    EXPECT_EQ(released, 0u);
    una += Drain(rig, una, 1);
  }
  EXPECT_EQ(una, 300001u);
  EXPECT_EQ(released, 1u);
  EXPECT_EQ(rig.engine().usage().flights, 0u);
}

TEST_P(BackPressure, OwnedTextKeepsItsPlaceBetweenCopiedText) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 6000);
  unsigned released = 0;
  const auto release = [](void* count) { ++*static_cast<unsigned*>(count); };
  EXPECT_EQ(rig.c().Send(Bytes(text).first(1000)), 1000u);
  ASSERT_TRUE(rig.c().SendOwned(Bytes(text).subspan(1000, 3000), release, &released));
  EXPECT_EQ(rig.c().Send(Bytes(text).subspan(4000)), 2000u);
  rig.Turn();
  DrainAll(rig, 6000, 1);
  EXPECT_EQ(released, 1u);
}

TEST_P(BackPressure, OwnedTextIsReleasedWhenTheConnectionIsReset) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 50000);
  unsigned released = 0;
  const auto release = [](void* count) { ++*static_cast<unsigned*>(count); };
  ASSERT_TRUE(rig.c().SendOwned(text, release, &released));
  rig.Turn();
  rig.Discard();
  rig.In(Rst(1));
  EXPECT_EQ(released, 1u);
  rig.ExpectEmpty();
}

// --- the shard's limits ---

TEST_P(BackPressure, UnreadTextKeepsNoMoreBuffersThanTheShardMay) {
  Options options = Base();
  options.tcp.kept_buffers = 4;
  Rig rig(options);
  rig.Establish();
  rig.c().Pause();
  for (uint32_t i = 0; i < 6; ++i) rig.In(Data(1 + 1000 * i, 1000).Acks(1));
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().kept_buffers, 4u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpKeptBuffers), 2u);
  rig.c().Resume();
  rig.Turn();
  rig.In(Data(4001, 1000).Acks(1));  // again
  rig.In(Data(5001, 1000).Acks(1));
  rig.ExpectReceived(6000);
  rig.Discard();
}

TEST_P(BackPressure, SendTakesNoMoreBuffersThanTheShardMay) {
  Options options = Base();
  options.tcp.kept_buffers = 4;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10 * 1460), 4 * 1460u);
  EXPECT_FALSE(rig.c().SendOwned(Bytes(Pattern(1, 10)), nullptr, nullptr));
  DrainAll(rig, 4 * 1460, 1);
  EXPECT_GE(rig.handler().writable, 1u);
}

// Peers that do not acknowledge must not keep us from hearing others.
TEST_P(BackPressure, TextToSendLeavesBuffersForReception) {
  Options options = Base();
  options.tcp.kept_buffers = 6;
  options.tcp.text_buffers = 4;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10 * 1460), 4 * 1460u);
  EXPECT_FALSE(rig.c().SendOwned(Bytes(Pattern(1, 10)), nullptr, nullptr));
  rig.c().Pause();
  for (uint32_t i = 0; i < 3; ++i) rig.In(Data(1 + 1000 * i, 1000).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kDropTcpKeptBuffers), 1u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(2000);
  DrainAll(rig, 4 * 1460, 2001);
  rig.c().Abort();  // what is queued then counts no longer either
  rig.Turn();
  rig.Discard();
  rig.ExpectEmpty();
}

// An echo must not lose what it was given because other text takes all the buffers.
TEST_P(BackPressure, EchoLosesNothingAtTheLimitOfKeptBuffers) {
  Options options = Base();
  options.tcp.kept_buffers = 4;
  Rig rig(options);
  rig.Establish();
  Echo(rig);
  rig.c().Pause();
  for (uint32_t i = 0; i < 4; ++i) rig.In(Data(1 + 1000 * i, 1000).Acks(1));
  rig.Discard();
  ASSERT_EQ(rig.engine().usage().kept_buffers, 4u);
  rig.c().Resume();
  rig.Turn();
  DrainAll(rig, 4000, 4001);
  rig.ExpectReceived(4000);
}

// Nothing of its own is in flight that an acknowledgement could free.
TEST_P(BackPressure, SendThatFoundNoBufferIsToldLater) {
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.kept_buffers = 2;
  Rig rig(options);
  rig.NewConnection(41000);
  rig.Establish();
  const Connection first = rig.c();
  EXPECT_EQ(rig.Send(2 * 1460), 2 * 1460u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 1460));
  const Seq first_iss = rig.iss();
  rig.NewConnection(41001);
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 0u);
  rig.In(Ack(1).From(uint16_t{41000}).Absolute());  // nothing comes of this
  rig.Discard();
  Seg ack = Ack(0).From(uint16_t{41000}).Absolute();
  ack.seq = (rig.irs() + 1).value;
  rig.In(ack.Acks((first_iss + 2921).value));
  EXPECT_EQ(first.Info().unacknowledged, 0u);
  rig.Advance(Seconds(2));
  EXPECT_GE(rig.handler().writable, 1u);
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
}

TEST_P(BackPressure, SendThatFoundNoFlightIsToldLater) {
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.max_flights = 1;
  Rig rig(options);
  rig.NewConnection(41000);
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  const Seq first_iss = rig.iss();
  rig.NewConnection(41001);
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 0u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoFlight), 1u);
  Seg ack = Ack(0).From(uint16_t{41000}).Absolute();
  ack.seq = (rig.irs() + 1).value;
  rig.In(ack.Acks((first_iss + 101).value));
  rig.Advance(Seconds(2));
  EXPECT_GE(rig.handler().writable, 1u);
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
}

TEST_P(BackPressure, SendThatFoundThePoolEmptyIsToldLater) {
  Rig rig(Base());
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 100);
  size_t taken = 0;
  rig.handler().on_writable = [&](Connection c) { taken += c.Send(text); };
  rig.pool().set_exhausted(true);
  EXPECT_EQ(rig.c().Send(text), 0u);
  rig.Advance(Seconds(3));
  rig.Quiet();
  EXPECT_EQ(taken, 0u);
  rig.pool().set_exhausted(false);
  rig.OutAfter(Milliseconds(1), Data(1, 100));
  EXPECT_EQ(taken, 100u);
}

TEST_P(BackPressure, OwnedTextThatIsRefusedLeavesNothingBehind) {
  Rig rig(Base());
  rig.Establish();
  rig.pool().set_exhausted(true);
  EXPECT_FALSE(rig.c().SendOwned(Pattern(1, 100), nullptr, nullptr));
  rig.Turn();
  EXPECT_EQ(rig.engine().usage().flights, 0u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 0u);
}

TEST_P(BackPressure, EchoLosesNothingWhileThePoolIsEmpty) {
  Rig rig(Base());
  rig.Establish();
  Echo(rig);
  rig.pool().set_exhausted(true);
  rig.In(Data(1, 1000).Acks(1));
  rig.In(Data(1001, 1000).Acks(1));
  rig.Advance(Seconds(1));
  rig.pool().set_exhausted(false);
  rig.Advance(Milliseconds(100));
  rig.In(Data(1, 1000).Acks(1));
  rig.In(Data(1001, 1000).Acks(1));
  DrainAll(rig, 2000, 2001);
  rig.ExpectReceived(2000);
}

TEST_P(BackPressure, AcknowledgementWaitsForABuffer) {
  Options options = Base();
  options.listen.connection.deliver_when_full = true;  // no buffer is needed to deliver
  Rig rig(options);
  rig.Establish();
  rig.pool().set_exhausted(true);
  rig.In(Data(1, 1000).Acks(1));
  rig.In(Data(1001, 1000).Acks(1));
  rig.ExpectReceived(2000);
  rig.Advance(Milliseconds(10));
  rig.Quiet();
  rig.pool().set_exhausted(false);
  rig.Advance(Milliseconds(10));
  rig.Out(Ack(1).Acks(2001));
  EXPECT_GT(rig.counter(Counter::kDropTcpNoBuffer), 0u);
}

TEST_P(BackPressure, RetransmissionWaitsForABuffer) {
  Rig rig(Base());
  rig.Establish();
  rig.DriverKeepsBuffers(true);
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  rig.pool().set_exhausted(true);
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.pool().set_exhausted(false);
  rig.Advance(Seconds(1));
  rig.Out(Data(1, 100));
  rig.Discard();
  rig.DriverKeepsBuffers(false);
}

// Text behind gaps that nobody fills keeps neither reception nor sending of others from going on.
TEST_P(BackPressure, TextBehindGapsLeavesBuffersToOthers) {
  Options options = Buffers(65536, 65536);
  options.tcp.kept_buffers = 64;
  options.tcp.text_buffers = 32;
  Rig rig(options);
  for (uint16_t port = 1; port <= 4; ++port) {
    rig.NewConnection(port);
    rig.Establish();
    for (uint32_t i = 0; i < 50; ++i) rig.In(Data(10 + 2 * i, 1).Acks(1));
    rig.Discard();
  }
  EXPECT_EQ(rig.engine().usage().kept_buffers, 16u);
  EXPECT_GT(rig.counter(Counter::kDropTcpKeptBuffers), 0u);
  rig.NewConnection(kPeerPort);
  rig.Establish();
  rig.handler().received.clear();
  rig.In(Data(1, 1000).Acks(1));
  EXPECT_EQ(rig.handler().received.size(), 1000u);
  EXPECT_EQ(rig.Send(10000), 10000u);
  rig.Discard();
}

WEIR_BOTH_FAMILIES(BackPressure);

}  // namespace
}  // namespace weir::segment
