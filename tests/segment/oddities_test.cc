// Corners of RFC 9293 that no single segment shows: an ACK war that must not start,
// acknowledgements overtaken by others, old duplicates in TIME-WAIT, simultaneous probes.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

// Two stacks that each believe to have a connection to the other under the same ports, and whose
// numbers have nothing to do with each other: what one sends, the other receives. (Each rig's
// stack has the address that the other takes for its peer's, so that frames need no rewriting but
// for the ports and addresses, which Rig fills in.)
class AckWar : public RigTest {
 protected:
  static constexpr unsigned kSegmentsMax = 1000;

  // Hands over everything until both are silent. Returns how many segments that were.
  static unsigned Exchange(Rig& a, Rig& b) {
    unsigned segments = 0;
    while ((a.pending() != 0 || b.pending() != 0) && segments < kSegmentsMax) {
      for (Rig* from : {&a, &b}) {
        Rig& to = from == &a ? b : a;
        for (size_t n = from->pending(); n != 0; --n, ++segments) to.In(Forwarded(*from));
      }
    }
    return segments;
  }

  static Seg Forwarded(Rig& from) {
    Seg seg = from.Any();
    seg.seq = (from.iss() + seg.seq).value;
    if (seg.ack) seg.ack = (from.irs() + *seg.ack).value;
    seg.source.reset();
    seg.destination.reset();
    seg.source_port.reset();
    seg.destination_port.reset();
    return seg.Absolute();
  }

  // Lets time pass on both sides, handing over what is sent.
  static unsigned ExchangeFor(Rig& a, Rig& b, Duration d) {
    unsigned segments = Exchange(a, b);
    for (Duration step = Milliseconds(100); d.us > 0; d.us -= step.us) {
      a.Advance(step);
      b.Advance(step);
      segments += Exchange(a, b);
    }
    return segments;
  }
};

// RFC 9293 3.10.7.4 first has each answer what it cannot accept with an ACK, which the other cannot
// accept either. RFC 5961 7: the limit ends it.
TEST_P(AckWar, DoesNotStartFromOneStraySegment) {
  Rig a(Base()), b(Base());
  a.Establish();
  b.NewConnection(kPeerPort, kPeerIss + 0x40000000u);
  b.Establish();
  a.In(Ack(0x20000000u).Acks(1));
  const unsigned segments = Exchange(a, b);
  EXPECT_GE(segments, 2u);
  EXPECT_LE(segments, 4u);
  EXPECT_EQ(ExchangeFor(a, b, Seconds(60)), 0u);
  a.ExpectState(TcpState::kEstablished);
  b.ExpectState(TcpState::kEstablished);
}

TEST_P(AckWar, DoesNotStartFromText) {
  Rig a(Base()), b(Base());
  a.Establish();
  b.NewConnection(kPeerPort, kPeerIss + 0x40000000u);
  b.Establish();
  EXPECT_EQ(a.Send(1000), 1000u);
  EXPECT_EQ(b.Send(1000), 1000u);
  // Each sends its text again until R2, fifteen times; each gets an ACK, some a challenge in
  // return.
  const unsigned segments = ExchangeFor(a, b, Seconds(1000));
  EXPECT_LE(segments, 2u * 17 * 3);
  EXPECT_EQ(a.pending() + b.pending(), 0u);
  a.ExpectClosed(CloseReason::kTimedOut);
  b.ExpectClosed(CloseReason::kTimedOut);
}

TEST_P(AckWar, DoesNotStartBetweenTimeWaits) {
  Rig a(Base()), b(Base());
  for (Rig* rig : {&a, &b}) {
    if (rig == &b) rig->NewConnection(kPeerPort, kPeerIss + 0x40000000u);
    rig->Establish();
    rig->c().Close();
    rig->Turn();
    rig->In(Fin(1).Acks(2));
    rig->Discard();
  }
  a.In(Fin(1).Acks(2));
  EXPECT_LE(Exchange(a, b), 4u);
  EXPECT_EQ(ExchangeFor(a, b, Seconds(61)), 0u);
  a.ExpectEmpty();
  b.ExpectEmpty();
}

// RFC 9293 3.5.1: one side has forgotten the connection. Its RST ends the other.
TEST_P(AckWar, DoesNotStartWithAStackThatHasForgotten) {
  Rig a(Base()), b(Base());
  a.Establish();
  EXPECT_EQ(a.Send(100), 100u);
  EXPECT_EQ(Exchange(a, b), 2u);
  a.ExpectClosed(CloseReason::kReset);
}

WEIR_BOTH_FAMILIES(AckWar);

class Oddities : public TransferTest {};

// --- two acknowledgements, the later one first ---

// SND.WL1, SND.WL2: the window is the one of the later segment, and its right edge stays.
TEST_P(Oddities, AcknowledgementThatWasOvertakenChangesNoWindow) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(4 * kMss), 4 * kMss);
  for (uint32_t i = 0; i < 4; ++i) rig.Out(Data(1 + i * kMss, kMss));
  rig.In(Ack(1).Acks(1 + 2 * kMss).Win(20000));
  rig.In(Ack(1).Acks(1 + kMss).Win(1000));  // sent before
  EXPECT_EQ(rig.c().Info().send_window, 20000u);
  EXPECT_EQ(rig.c().Info().unacknowledged, 2 * kMss);
}

TEST_P(Oddities, AcknowledgementThatOnlyOpensTheWindowCountsThoughItsNumbersAreTheSame) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Ack(1).Acks(1).Win(1000));
  rig.In(Ack(1).Acks(1).Win(3000));
  EXPECT_EQ(rig.c().Info().send_window, 3000u);
  rig.In(Ack(1).Acks(1).Win(2000));  // nothing tells which came first: the last one counts
  EXPECT_EQ(rig.c().Info().send_window, 2000u);
}

// --- TIME-WAIT ---

// An old acknowledgement in the window says nothing new; one out of it is told where we are, and
// neither keeps the record alive.
TEST_P(Oddities, OldDuplicatesInTimeWaitDoNotProlongIt) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 10).Acks(1));
  rig.Discard();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(11));
  rig.In(Fin(11).Acks(2));
  rig.Out(Ack(2).Acks(12));
  rig.Advance(Seconds(30));
  rig.In(Ack(12).Acks(2));
  rig.In(Ack(12).Acks(1));
  rig.Quiet();
  rig.In(Data(1, 10).Acks(1));  // RFC 9293 3.10.7.4 first
  rig.Out(Ack(2).Acks(12));
  rig.Advance(Milliseconds(29990));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  rig.Advance(Milliseconds(20));
  rig.ExpectEmpty();
}

// --- both windows closed ---

// Each probes the other, each answers: neither probe asks for more than one ACK.
TEST_P(Oddities, ProbesOfBothSidesAtClosedWindowsAreAnsweredOnceEach) {
  Options options = Base();
  options.listen.connection.receive_buffer = 2048;
  Rig rig(options);
  rig.Establish();
  rig.c().Pause();
  rig.InBurst({Data(1, 1024).Acks(1).Win(0), Data(1025, 1024).Acks(1).Win(0)});
  rig.Out(Ack(1).Acks(2049).Win(0));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Quiet();
  rig.OutAfter(Milliseconds(200), Ack(0).Acks(2049).Win(0));  // our probe
  rig.In(Ack(2048).Acks(1).Win(0));                           // the peer's
  rig.Out(Ack(1).Acks(2049).Win(0));
  rig.Quiet();
  rig.In(Ack(2049).Acks(1).Win(0));  // its answer to ours
  rig.Quiet();
  rig.ExpectOpen();
}

WEIR_BOTH_FAMILIES(Oddities);

}  // namespace
}  // namespace weir::segment
