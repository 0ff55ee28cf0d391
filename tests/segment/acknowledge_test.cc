// When text is acknowledged: late, at once, together, or with the reply.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Acknowledgement : public TransferTest {};

// SHLD-18, MUST-40: delayed, by less than half a second.
TEST_P(Acknowledgement, OfASingleSegmentComesAfter40Milliseconds) {  // RFC5681-4.2a
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 1460).Acks(1));
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(1461));
  EXPECT_EQ(rig.counter(Counter::kTcpDelayedAcks), 1u);
  rig.Advance(Seconds(1));
  rig.Quiet();
}

// SHLD-19
TEST_P(Acknowledgement, OfEverySecondSegmentComesAtOnce) {  // RFC5681-4.2a
  Rig rig(Base());
  rig.Establish();
  for (uint32_t i = 0; i < 4; ++i) {
    rig.In(Data(1 + 2920 * i, 1460).Acks(1));
    rig.Quiet();
    rig.In(Data(1461 + 2920 * i, 1460).Acks(1));
    rig.Out(Ack(1).Acks(2921 + 2920 * i));
  }
  rig.Advance(Seconds(1));
  rig.Quiet();
}

// A second segment within the delay does not begin a delay of its own.
TEST_P(Acknowledgement, IsDelayedFromTheFirstSegmentOn) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));
  rig.Advance(Milliseconds(30));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).Acks(101));
  rig.In(Data(101, 100).Acks(11));
  rig.OutAfter(Milliseconds(40), Ack(11).Acks(201));
}

// MUST-58, MUST-59
TEST_P(Acknowledgement, OfABurstIsOneSegment) {  // RFC5681-4.2n
  Rig rig(Base());
  rig.Establish();
  std::vector<Seg> burst;
  for (uint32_t i = 0; i < 16; ++i) burst.push_back(Data(1 + 1460 * i, 1460).Acks(1));
  rig.InBurst(burst);
  rig.Out(Ack(1).Acks(1 + 1460 * 16));
  rig.Quiet();
}

// MUST-58: also when the burst ends a gap.
TEST_P(Acknowledgement, OfAReorderedBurstIsOneSegment) {
  Rig rig(Base());
  rig.Establish();
  rig.InBurst({Data(201, 100).Acks(1), Data(101, 100).Acks(1), Data(1, 100).Acks(1)});
  rig.Out(Ack(1).Acks(301));
  rig.Quiet();
  rig.ExpectReceived(300);
}

// RFC 5681 4.2
TEST_P(Acknowledgement, OfEachSegmentOutOfOrderComesAtOnce) {  // RFC5681-4.2o
  Rig rig(Base());
  rig.Establish();
  for (uint32_t i = 1; i <= 3; ++i) {
    rig.In(Data(1 + 1460 * i, 1460).Acks(1));
    rig.Out(Ack(1).Acks(1));
  }
}

// RFC 5681 4.2
TEST_P(Acknowledgement, OfWhatFillsPartOfAGapComesAtOnce) {  // RFC5681-4.2g
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(301, 100).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(101));
  rig.In(Data(101, 100).Acks(1));
  rig.Out(Ack(1).Acks(201));
}

TEST_P(Acknowledgement, RidesOnTheReply) {
  Rig rig(Base());
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes text) { EXPECT_EQ(c.Send(text), text.size()); };
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Data(1, 100).Acks(101));
  rig.In(Ack(101).Acks(101));
  rig.Advance(Seconds(1));
  rig.Quiet();
}

TEST_P(Acknowledgement, ThatIsDelayedRidesOnALaterReply) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));
  rig.Advance(Milliseconds(20));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).Acks(101));
  rig.In(Ack(101).Acks(11));
  rig.Advance(Seconds(1));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kTcpDelayedAcks), 0u);
}

TEST_P(Acknowledgement, OfAFinComesAtOnce) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
}

TEST_P(Acknowledgement, IsNeverAcknowledged) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  rig.In(Ack(1).Acks(101));
  rig.In(Ack(1).Acks(101));
  rig.In(Ack(1).Acks(101).Win(100));
  rig.Advance(Seconds(1));
  rig.Quiet();
}

// RFC 9293 3.10.7.4 fifth
TEST_P(Acknowledgement, OfWhatWasNeverSentIsAnsweredAndDropped) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(2));
  rig.Out(Ack(1).Acks(1));
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.counter(Counter::kDropTcpAck), 1u);
}

WEIR_BOTH_FAMILIES(Acknowledgement);

}  // namespace
}  // namespace weir::segment
