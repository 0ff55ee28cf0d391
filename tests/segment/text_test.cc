// Text in: in order, out of order, twice, too much, damaged, urgent, and in states that take none.
// Text out: its checksum, its PSH flag, its size.
#include <gtest/gtest.h>

#include "segment/rig.h"
#include "wire/checksum.h"

namespace weir::segment {
namespace {

class ReceivedText : public TransferTest {
 protected:
  Options SmallBuffer(uint32_t octets) const {
    Options options = Base();
    options.listen.connection.receive_buffer = octets;
    return options;
  }
};

TEST_P(ReceivedText, InOrderReachesTheApplication) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));  // across the wrap of the sequence numbers
  rig.ExpectReceived(100);
  rig.In(Data(101, 50).Acks(1));
  rig.ExpectReceived(150);
  rig.Out(Ack(1).Acks(151));
}

// SHLD-31, MAY-13
TEST_P(ReceivedText, OutOfOrderWaitsForWhatIsMissing) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(101, 100).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.c().Info().out_of_order, 100u);
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(201));
  rig.ExpectReceived(200);
  EXPECT_EQ(rig.c().Info().out_of_order, 0u);
}

TEST_P(ReceivedText, WithTwoGapsGoesOnAsFarAsTheSecondGap) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(301, 100).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.In(Data(101, 100).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(201));
  rig.ExpectReceived(200);
  rig.In(Data(201, 100).Acks(1));
  rig.Out(Ack(1).Acks(401));
  rig.ExpectReceived(400);
}

TEST_P(ReceivedText, ThatOverlapsItsPredecessorIsCut) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));
  rig.In(Data(51, 100).Acks(1));
  rig.Out(Ack(1).Acks(151));
  rig.ExpectReceived(150);
}

TEST_P(ReceivedText, OverlapsOutOfOrderInEveryWay) {
  const std::pair<uint32_t, uint32_t> later[] = {
      {400, 100},  // the same
      {350, 100},  // over its beginning
      {450, 100},  // over its end
      {420, 20},   // within
      {300, 300},  // around
      {500, 100},  // behind
      {300, 100},  // before
  };
  for (const auto& [seq, size] : later) {
    SCOPED_TRACE(std::to_string(seq) + "+" + std::to_string(size));
    Rig rig(Base());
    rig.Establish();
    rig.In(Data(400, 100).Acks(1));
    rig.In(Data(700, 10).Acks(1));
    rig.In(Data(seq, size).Acks(1));
    rig.In(Data(1, 399).Acks(1));
    rig.In(Data(380, 340).Acks(1));
    rig.ExpectReceived(719);
    rig.Advance(Milliseconds(100));
    while (rig.pending() > 1) rig.Any();
    rig.Out(Ack(1).Acks(720));
    EXPECT_EQ(rig.engine().usage().kept_buffers, 0u);
  }
}

TEST_P(ReceivedText, ThatCameBeforeIsAcknowledgedAtOnceAndNotDeliveredAgain) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1));
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
  rig.In(Data(1, 100).Acks(1));
  rig.Out(Ack(1).Acks(101));
  rig.ExpectReceived(100);
  EXPECT_EQ(rig.counter(Counter::kDropTcpDuplicate), 1u);
}

TEST_P(ReceivedText, OutOfOrderThatCameBeforeIsNotKeptTwice) {
  Rig rig(Base());
  rig.Establish();
  rig.InBurst({Data(1001, 500).Acks(1), Data(1001, 500).Acks(1), Data(1101, 300).Acks(1)});
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.c().Info().out_of_order, 500u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 1u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpDuplicate), 2u);
}

TEST_P(ReceivedText, OutOfOrderIsLimitedInPieces) {
  Options options = Base();
  options.tcp.out_of_order_segments = 4;
  Rig rig(options);
  rig.Establish();
  for (uint32_t i = 1; i <= 6; ++i) rig.In(Data(1 + 1000 * i, 300).Acks(1));
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().kept_buffers, 4u);
  EXPECT_EQ(rig.c().Info().out_of_order, 1200u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpOutOfOrderFull), 2u);
  rig.In(Data(1, 1000).Acks(1));
  rig.Out(Ack(1).Acks(1301));
  rig.ExpectReceived(1300);
}

TEST_P(ReceivedText, OutOfOrderIsLimitedByTheWindow) {
  Rig rig(SmallBuffer(4096));
  rig.Establish();
  rig.In(Data(3001, 1400).Acks(1));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.c().Info().out_of_order, 1096u);
}

TEST_P(ReceivedText, BeyondTheRightEdgeIsCut) {
  Rig rig(SmallBuffer(2048));
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 1460).Acks(1));
  rig.In(Data(1461, 1000).Acks(1));
  rig.Out(Ack(1).Acks(2049).Win(0));
  EXPECT_EQ(rig.c().Info().unread, 2048u);
  rig.c().Resume();
  rig.Turn();
  rig.Out(Ack(1).Acks(2049).Win(2048));
  rig.ExpectReceived(2048);
}

TEST_P(ReceivedText, OutsideTheWindowIsAcknowledgedAndDropped) {
  Rig rig(SmallBuffer(2048));
  rig.Establish();
  rig.In(Data(2049, 100).Acks(1));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kDropTcpSequence), 1u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 0u);
}

TEST_P(ReceivedText, InSmallPiecesIsCopiedTogether) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  for (uint32_t i = 0; i < 100; ++i) rig.In(Data(1 + 10 * i, 10).Acks(1));
  rig.Discard();
  EXPECT_EQ(rig.c().Info().unread, 1000u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 1u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(1000);
}

// Ethernet fills short frames up; the filling must not keep small pieces from being joined.
TEST_P(ReceivedText, InPaddedFramesIsCopiedTogetherToo) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Pause();
  for (uint32_t i = 0; i < 50; ++i) {
    Seg seg = Data(1 + 2 * i, 2).Acks(1);
    seg.seq = (rig.irs() + seg.seq).value;
    seg.ack = (rig.iss() + 1).value;
    std::vector<uint8_t> frame = BuildFrame(rig.path(), seg);
    frame.resize(frame.size() + 10, 0xee);
    rig.InFrame(frame);
  }
  rig.Discard();
  EXPECT_EQ(rig.c().Info().unread, 100u);
  EXPECT_EQ(rig.engine().usage().kept_buffers, 1u);
  rig.c().Resume();
  rig.Turn();
  rig.ExpectReceived(100);
}

// MUST-3
TEST_P(ReceivedText, WithAnyBitFlippedIsDroppedAndCounted) {
  Rig rig(Base());
  rig.Establish();
  Seg seg = Data(1, 6).Acks(1);
  seg.seq = (rig.irs() + 1).value;
  seg.ack = (rig.iss() + 1).value;
  const std::vector<uint8_t> frame = BuildFrame(rig.path(), seg);
  const size_t tcp_begin = frame.size() - 6 - wire::kTcpHeaderSize;
  uint64_t flips = 0;
  for (size_t i = tcp_begin; i < frame.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit, ++flips) {
      std::vector<uint8_t> damaged = frame;
      damaged[i] = static_cast<uint8_t>(damaged[i] ^ (1 << bit));
      rig.InFrame(damaged);
    }
  }
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.counter(Counter::kDropTcpChecksum) + rig.counter(Counter::kDropTcpHeader), flips);
  rig.InFrame(frame);
  rig.ExpectReceived(6);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(7));
}

// MUST-30, MUST-31: urgent text of any length stays in its place in the stream.
TEST_P(ReceivedText, ThatIsUrgentIsDeliveredInItsPlace) {
  for (const uint16_t pointer : {0, 1, 5, 10, 11, 65535}) {
    SCOPED_TRACE("urgent pointer " + std::to_string(pointer));
    Rig rig(Base());
    rig.Establish();
    rig.In(Data(1, 10).Acks(1).Urgent(pointer));
    rig.In(Data(11, 10).Acks(1));
    rig.ExpectReceived(20);
    rig.Out(Ack(1).Acks(21));
  }
}

// --- states and flags ---

TEST_P(ReceivedText, OnTheThirdSegmentOfTheHandshakeIsDelivered) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectReceived(100);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
}

TEST_P(ReceivedText, BehindALostThirdSegmentOpensAndIsDeliveredInOrder) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(101, 100).Acks(1));  // the first one is lost as well
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.In(Data(1, 100).Acks(1));
  rig.ExpectReceived(200);
  rig.Out(Ack(1).Acks(201));
}

TEST_P(ReceivedText, OnASynIsNotAcknowledgedAndComesAgain) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Octets(20));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Data(1, 20).Acks(1));
  rig.ExpectReceived(20);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(21));
}

// RFC 9293 3.10.7.4 fifth
TEST_P(ReceivedText, WithoutAnAcknowledgementIsDropped) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Seg{.seq = 1}.Octets(10));
  rig.Advance(Seconds(1));
  rig.Quiet();
  rig.ExpectReceived(0);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoAck), 1u);
}

// RFC 9293 3.10.7.4 seventh: it cannot be, and nobody may see it.
TEST_P(ReceivedText, BehindAFinIsNeverDelivered) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1).Fin());
  rig.Out(Ack(1).Acks(12));
  rig.ExpectState(TcpState::kCloseWait);
  rig.In(Data(12, 10).Acks(1));
  rig.Quiet();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(12));
  rig.ExpectState(TcpState::kLastAck);
  rig.In(Data(12, 10).Acks(1));
  rig.Quiet();
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.counter(Counter::kDropTcpAfterClose), 2u);
}

TEST_P(ReceivedText, InFinWait2IsDelivered) {
  Rig rig(Base());
  rig.Establish();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Ack(1).Acks(2));
  rig.ExpectState(TcpState::kFinWait2);
  rig.In(Data(1, 10).Acks(2));
  rig.ExpectReceived(10);
  rig.OutAfter(Milliseconds(40), Ack(2).Acks(11));
}

// --- the way out ---

class SentText : public TransferTest {};

// MUST-2: every kind of segment; the rig also checks each frame of every other test.
TEST_P(SentText, AndEveryOtherSegmentHasARightChecksum) {
  Rig rig(Base());
  int checked = 0;
  rig.on_frame = [&checked](const std::vector<uint8_t>& octets) {
    wire::Frame frame;
    wire::ParseFrame(octets, {}, frame);
    if (frame.kind != wire::FrameKind::kTcp) return;
    const auto tcp = std::span(octets).subspan(frame.l4_offset, frame.l4_size);
    EXPECT_EQ(wire::TransportChecksum(frame.source, frame.destination, wire::kProtocolTcp, tcp), 0);
    ++checked;
  };
  rig.Establish();  // SYN-ACK
  EXPECT_EQ(rig.Send(99), 99u);
  rig.Out(Data(1, 99));
  rig.Advance(Milliseconds(250));  // again
  rig.Out(Data(1, 99));
  rig.In(Data(1, 10).Acks(100).Win(0));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Advance(Milliseconds(40));  // ACK
  rig.Out(Ack(100).Acks(11));
  rig.Advance(Milliseconds(500));  // probe
  rig.Out(Ack(99).Acks(11));
  rig.In(Ack(11).Acks(100));
  rig.Out(Data(100, 10));
  rig.In(Ack(11).Acks(110));
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(110).Acks(11));
  rig.c().Abort();
  rig.Turn();
  rig.Out(RstAck(111));
  rig.In(Ack(11).Acks(110));  // RST for no connection
  rig.Out(Rst(110));
  EXPECT_EQ(checked, 9);
}

// MUST-61, SHLD-27: one PSH, on the last segment of what there is.
TEST_P(SentText, CarriesPushOnItsLastSegmentOnly) {
  Options options = Base();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(3000), 3000u);
  rig.Out(Data(1, 1460).Push(false));
  rig.Out(Data(1461, 1460).Push(false));
  rig.Out(Data(2921, 80).Push());
}

// SHLD-28: what is written in pieces within a turn leaves in full segments.
TEST_P(SentText, WrittenInPiecesLeavesInFullSegments) {
  Options options = Base();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.Establish();
  const std::vector<uint8_t> text = Pattern(1, 2000);
  for (size_t i = 0; i < 2000; i += 50) {
    EXPECT_EQ(rig.c().Send(Bytes(text).subspan(i, 50)), 50u);
  }
  rig.Turn();
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 540).Push());
}

// MAY-15, MUST-60: there is no PUSH to ask for; nothing is held back for ever.
TEST_P(SentText, OfOneOctetLeavesInTheSameTurn) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(1), 1u);
  rig.Out(Data(1, 1).Push());
}

WEIR_BOTH_FAMILIES(ReceivedText);
WEIR_BOTH_FAMILIES(SentText);

}  // namespace
}  // namespace weir::segment
