// Congestion control: RFC 5681, RFC 6582 (NewReno), RFC 3042 (limited transmit), RFC 6928.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kTen = 10 * kMss;

class Congestion : public TransferTest {
 protected:
  static uint32_t Cwnd(Rig& rig) { return rig.c().Info().congestion_window; }
  static uint32_t Ssthresh(Rig& rig) { return rig.c().Info().slow_start_threshold; }
  // `count` full segments of the stream, from `seq` on, and nothing else.
  static void OutSegments(Rig& rig, uint32_t seq, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) rig.Out(Data(seq + kMss * i, kMss));
    rig.Quiet();
  }
  // Sequence number of the n-th full segment, from 0.
  static uint32_t At(uint32_t n) { return 1 + kMss * n; }
  // Ten segments are in flight, more is waiting.
  static void FillWindow(Rig& rig) {
    rig.Establish();
    EXPECT_EQ(rig.Send(40 * kMss), 40 * kMss);
    OutSegments(rig, 1, 10);
  }
};

// RFC 6928 2
TEST_P(Congestion, BeginsWithTenSegments) {  // RFC6928-2, RFC5681-3.1w, RFC5681-3.1h, RFC5681-3.1i
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(Cwnd(rig), kTen);
  EXPECT_EQ(rig.Send(40 * kMss), 40 * kMss);
  OutSegments(rig, 1, 10);
}

// The SYN-ACK needed no neighbour; all ten segments wait for the answer to one question.
TEST_P(Congestion, FirstTenSegmentsReachAPeerWhoseEthernetAddressIsUnknown) {
  Options options = Base();
  options.introduced = false;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(40 * kMss), 40 * kMss);
  OutSegments(rig, 1, 10);
  EXPECT_EQ(rig.counter(Counter::kNeighbourWaits), 10u);
}

// RFC 6928 2: one lost SYN-ACK may be chance, RFC 5681 3.1: more are not.
TEST_P(Congestion,
       BeginsWithOneSegmentWhenTheSynAckWentOutThreeTimes) {  // RFC5681-3.1l, RFC6928-2l
  for (const int lost : {1, 2}) {
    SCOPED_TRACE(std::to_string(lost) + " lost");
    Rig rig(Base());
    rig.In(Syn(0).Mss(kMss));
    rig.Out(SynAck(0).Acks(1));
    for (int i = 0; i < lost; ++i) {
      rig.UntilNext(Seconds(3));
      rig.Out(SynAck(0).Acks(1));
    }
    rig.In(Ack(1).Acks(1));
    EXPECT_EQ(rig.Send(20 * kMss), 20 * kMss);
    OutSegments(rig, 1, lost == 1 ? 10 : 1);
  }
}

// RFC 5681 3.1 with RFC 3465's byte counting, L = 8 (RFC 9406 4.3). MUST-19
TEST_P(Congestion, SlowStartGrowsByWhatIsAcknowledgedUpToEightSegments) {
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(At(1)));
  EXPECT_EQ(Cwnd(rig), 11 * kMss);
  OutSegments(rig, At(10), 2);
  rig.In(Ack(1).Acks(At(3)));
  EXPECT_EQ(Cwnd(rig), 13 * kMss);
  OutSegments(rig, At(12), 4);
  rig.In(Ack(1).Acks(At(12)));  // nine at once
  EXPECT_EQ(Cwnd(rig), 21 * kMss);
  OutSegments(rig, At(16), 17);
}

// A peer whose driver joins segments (GRO) acknowledges whole windows at once. How many round trips
// it takes to have a hundred segments out is what the limit decides (ADR 0007).
TEST_P(Congestion, SlowStartOfStretchedAcknowledgementsIsAsFastAsTheLimitAllows) {
  const struct { uint32_t limit, rounds; } cases[] = {{1, 90}, {2, 45}, {8, 12}, {255, 4}};
  for (const auto& [limit, rounds] : cases) {
    SCOPED_TRACE(limit);
    Options options = Base();
    options.tcp.slow_start_segments = limit;
    options.listen.connection.send_buffer = 1 << 20;
    Rig rig(options);
    rig.Establish({.scale = 4});
    uint32_t stream = 0, passed = 0;
    for (; Cwnd(rig) < 100 * kMss && passed <= rounds; ++passed) {
      stream += static_cast<uint32_t>(rig.Send(150 * kMss));
      rig.Discard();
      rig.In(Ack(1).Acks(1 + stream - rig.c().Info().unsent).Win(65535));
    }
    EXPECT_EQ(passed, rounds);
    rig.Discard();
  }
}

// RFC 3465 2.3: an ACK that fills a hole covers what has left the network long ago.
TEST_P(Congestion, SlowStartAfterATimeoutGrowsByOneSegmentUntilAllIsRepaired) {
  Rig rig(Base());
  FillWindow(rig);
  rig.OutAfter(Milliseconds(200), Data(1, kMss));
  rig.In(Ack(1).Acks(At(5)));
  EXPECT_EQ(Cwnd(rig), 2 * kMss);
  OutSegments(rig, At(5), 2);
  rig.In(Ack(1).Acks(At(10)));
  EXPECT_EQ(Cwnd(rig), 3 * kMss);
  OutSegments(rig, At(10), 3);
  rig.In(Ack(1).Acks(At(12)));  // beyond what the timeout was about
  EXPECT_EQ(Cwnd(rig), 5 * kMss);
  rig.Discard();
}

// RFC 3465 2.1: an ACK split into many earns no more.
TEST_P(Congestion, SlowStartCountsOctetsAndNotAcknowledgements) {
  Rig rig(Base());
  FillWindow(rig);
  for (uint32_t i = 1; i <= 100; ++i) rig.In(Ack(1).Acks(1 + i));
  EXPECT_EQ(Cwnd(rig), kTen + 100);
  rig.Discard();
}

// RFC 5681 3.1 (4), MUST-19
TEST_P(Congestion, TimeoutHalvesTheThresholdAndLeavesOneSegment) {  // RFC5681-3.1t, RFC8961-4.3
  Rig rig(Base());
  FillWindow(rig);
  rig.OutAfter(Milliseconds(200), Data(1, kMss));
  EXPECT_EQ(Cwnd(rig), kMss);
  EXPECT_EQ(Ssthresh(rig), 5 * kMss);
  rig.Quiet();
}

// RFC 5681 3.1: the threshold is set once for a segment, however often it times out.
TEST_P(Congestion, TimeoutOfTheSameSegmentKeepsTheThreshold) {  // RFC5681-3.1r
  Rig rig(Base());
  FillWindow(rig);
  rig.OutAfter(Milliseconds(200), Data(1, kMss));
  rig.OutAfter(Milliseconds(400), Data(1, kMss));
  EXPECT_EQ(Ssthresh(rig), 5 * kMss);
  EXPECT_EQ(Cwnd(rig), kMss);
}

TEST_P(Congestion, TimeoutNeverBringsTheThresholdBelowTwoSegments) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  rig.OutAfter(Milliseconds(200), Data(1, 100));
  EXPECT_EQ(Ssthresh(rig), 2 * kMss);
}

// RFC 5681 3.1, MUST-19: above the threshold one segment per round trip.
TEST_P(Congestion, AvoidanceGrowsByOneSegmentPerWindow) {  // RFC5681-3.1a
  Rig rig(Base());
  FillWindow(rig);
  rig.OutAfter(Milliseconds(200), Data(1, kMss));
  // The peer had all but the first: one ACK and slow start goes on with new text.
  rig.In(Ack(1).Acks(At(10)));
  EXPECT_EQ(Cwnd(rig), 2 * kMss);
  OutSegments(rig, At(10), 2);
  rig.In(Ack(1).Acks(At(12)));
  EXPECT_EQ(Cwnd(rig), 4 * kMss);
  OutSegments(rig, At(12), 4);
  rig.In(Ack(1).Acks(At(13)));
  EXPECT_EQ(Cwnd(rig), 5 * kMss);
  OutSegments(rig, At(16), 2);
  uint32_t una = 13, next = 18, cwnd = 5;
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < cwnd; ++i) {
      EXPECT_EQ(Cwnd(rig), cwnd * kMss);
      rig.In(Ack(1).Acks(At(++una)));
      const uint32_t sent = i + 1 == cwnd ? 2 : 1;
      OutSegments(rig, At(next), sent);
      next += sent;
    }
    ++cwnd;
  }
  EXPECT_EQ(Cwnd(rig), cwnd * kMss);
}

// RFC 3042
TEST_P(Congestion, FirstTwoDuplicatesSendOneNewSegmentEach) {  // RFC3042-2
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(1));
  OutSegments(rig, At(10), 1);
  rig.In(Ack(1).Acks(1));
  OutSegments(rig, At(11), 1);
  EXPECT_EQ(Cwnd(rig), kTen);
}

// RFC 5681 3.2: what limited transmit sent does not count for the threshold.
TEST_P(Congestion, ThirdDuplicateRetransmitsAndHalves) {  // RFC5681-3.2r
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(1));
  rig.In(Ack(1).Acks(1));
  OutSegments(rig, At(10), 2);
  rig.In(Ack(1).Acks(1));
  rig.Out(Data(1, kMss));
  rig.Quiet();
  EXPECT_EQ(Ssthresh(rig), 5 * kMss);
  EXPECT_EQ(Cwnd(rig), 8 * kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpFastRetransmits), 1u);
}

// RFC 5681 2: the five conditions, one broken at a time.
TEST_P(Congestion, NothingButADuplicateCountsAsOne) {  // RFC5681-2
  const struct {
    const char* broken;
    Seg segs[4];
  } cases[] = {
      {"carries text",
       {Data(1, 1).Acks(1), Data(2, 1).Acks(1), Data(3, 1).Acks(1), Data(4, 1).Acks(1)}},
      {"changes the window",
       {Ack(1).Acks(1).Win(60000), Ack(1).Acks(1).Win(60001), Ack(1).Acks(1).Win(60002),
        Ack(1).Acks(1).Win(60003)}},
      {"carries FIN", {Fin(1).Acks(1), Fin(1).Acks(1), Fin(1).Acks(1), Fin(1).Acks(1)}},
      {"carries SYN", {Syn(0).Acks(1), Syn(0).Acks(1), Syn(0).Acks(1), Syn(0).Acks(1)}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.broken);
    Rig rig(Base());
    FillWindow(rig);
    for (const Seg& seg : c.segs) rig.In(seg);
    while (rig.pending() != 0) EXPECT_TRUE(rig.Any().text.empty());
    EXPECT_EQ(rig.counter(Counter::kTcpRetransmits), 0u);
    EXPECT_EQ(Cwnd(rig), kTen);
  }
}

// RFC 5681 2 (b): nor does text that our window has no room for.
TEST_P(Congestion, ProbesOfOurWindowDoNotCount) {
  Options options = Base();
  options.listen.connection.receive_buffer = 2048;
  Rig rig(options);
  FillWindow(rig);
  rig.c().Pause();
  rig.InBurst({Data(1, 1024).Acks(1), Data(1025, 1024).Acks(1)});
  rig.Discard();
  for (int i = 0; i < 4; ++i) {
    rig.In(Data(2049, 1).Acks(1));
    rig.Out(Ack(At(10)).Acks(2049).Win(0));
    rig.Quiet();
  }
  EXPECT_EQ(rig.counter(Counter::kTcpFastRetransmits), 0u);
}

// RFC 5681 2 (a): nothing is outstanding; (d): an older ACK.
TEST_P(Congestion, RepeatedAcknowledgementsOfNothingOutstandingDoNotCount) {
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(At(2)));
  rig.Discard();
  for (int i = 0; i < 4; ++i) rig.In(Ack(1).Acks(At(1)));
  rig.Quiet();
  Rig idle(Base());
  idle.Establish();
  for (int i = 0; i < 4; ++i) idle.In(Ack(1).Acks(1));
  EXPECT_EQ(idle.Send(2 * kMss), 2 * kMss);
  OutSegments(idle, 1, 2);
  EXPECT_EQ(Cwnd(idle), kTen);
}

// RFC 5681 3.2 (4): each further duplicate means that a segment has left the network.
TEST_P(Congestion, RecoverySendsNewTextAsDuplicatesComeIn) {  // RFC5681-3.2i
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(1));
  rig.In(Ack(1).Acks(1));
  OutSegments(rig, At(10), 2);
  rig.In(Ack(1).Acks(1));
  rig.Out(Data(1, kMss));
  // 12 segments are out and cwnd is 8.
  for (int i = 0; i < 4; ++i) rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(Cwnd(rig), 12 * kMss);
  rig.In(Ack(1).Acks(1));
  OutSegments(rig, At(12), 1);
}

// RFC 6582 3.2 (3), full acknowledgement.
TEST_P(Congestion, FullAcknowledgementEndsRecoveryAtTheThreshold) {  // RFC5681-3.2d, RFC6582-3.2f
  Rig rig(Base());
  FillWindow(rig);
  for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
  rig.Discard();
  rig.In(Ack(1).Acks(At(12)));
  // min(ssthresh, max(FlightSize, SMSS) + SMSS): nothing is in flight, so no burst.
  EXPECT_EQ(Cwnd(rig), 2 * kMss);
  OutSegments(rig, At(12), 2);
  EXPECT_EQ(Ssthresh(rig), 5 * kMss);
}

// RFC 6582 3.2 (3), partial acknowledgement.
TEST_P(Congestion, PartialAcknowledgementRetransmitsTheNextHole) {  // RFC6582-3.2p
  Rig rig(Base());
  FillWindow(rig);
  for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
  rig.Discard();
  rig.In(Ack(1).Acks(At(4)));
  rig.Out(Data(At(4), kMss));
  rig.Quiet();
  // 8 - 4 acknowledged + 1 added back.
  EXPECT_EQ(Cwnd(rig), 5 * kMss);
  rig.In(Ack(1).Acks(At(7)));
  rig.Out(Data(At(7), kMss));
  EXPECT_EQ(rig.counter(Counter::kTcpFastRetransmits), 1u);
  EXPECT_EQ(Ssthresh(rig), 5 * kMss);
  rig.Discard();
}

// RFC 6582 3.2 (3): only the first partial acknowledgement starts the timer anew, so that a window
// full of holes is not mended at one hole per round trip.
TEST_P(Congestion, OnlyTheFirstPartialAcknowledgementRestartsTheTimer) {  // RFC6582-3.2t
  Rig rig(Base());
  FillWindow(rig);
  for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
  rig.Discard();
  rig.Advance(Milliseconds(100));
  rig.In(Ack(1).Acks(At(1)));
  const auto rto = Milliseconds(rig.c().Info().rto_us / 1000);
  rig.Discard();
  rig.Advance(Milliseconds(100));
  rig.In(Ack(1).Acks(At(2)));
  rig.Discard();
  const uint64_t timeouts = rig.counter(Counter::kTcpTimeouts);
  rig.Advance(rto - Milliseconds(102));
  EXPECT_EQ(rig.counter(Counter::kTcpTimeouts), timeouts);
  rig.Advance(Milliseconds(4));
  EXPECT_EQ(rig.counter(Counter::kTcpTimeouts), timeouts + 1);
  rig.Discard();
}

// RFC 6582 3.2 (1), 4: duplicates of what a timeout has sent again prove no new loss.
TEST_P(Congestion, DuplicatesAfterATimeoutDoNotHalveAgain) {  // RFC6582-3.2e, RFC6582-3.2o
  Rig rig(Base());
  FillWindow(rig);
  rig.OutAfter(Milliseconds(200), Data(1, kMss));
  for (int i = 0; i < 5; ++i) rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kTcpFastRetransmits), 0u);
  EXPECT_EQ(Cwnd(rig), kMss);
  rig.Quiet();  // RFC 3042 speaks of new text only
}

// RFC 5681 3.2: a second loss in a later window halves again.
TEST_P(Congestion, LossInTheNextWindowHalvesAgain) {
  Rig rig(Base());
  FillWindow(rig);
  for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
  rig.Discard();
  rig.In(Ack(1).Acks(At(12)));
  OutSegments(rig, At(12), 2);
  rig.In(Ack(1).Acks(At(14)));
  OutSegments(rig, At(14), 4);
  for (int i = 0; i < 2; ++i) rig.In(Ack(1).Acks(At(14)));
  rig.Discard();
  rig.In(Ack(1).Acks(At(14)));
  rig.Out(Data(At(14), kMss));
  EXPECT_EQ(Ssthresh(rig), 2 * kMss);
  rig.Discard();
}

// RFC 5681 3.1, RFC 7661: a window that is not used is not proved.
TEST_P(Congestion, WindowDoesNotGrowWhileTheApplicationIsTheLimit) {
  Rig rig(Base());
  rig.Establish();
  for (uint32_t i = 0; i < 30; ++i) {
    EXPECT_EQ(rig.Send(kMss), kMss);
    rig.Out(Data(At(i), kMss));
    rig.In(Ack(1).Acks(At(i + 1)));
  }
  EXPECT_EQ(Cwnd(rig), kTen);
}

// RFC 7661 4.3: a window of which half or more was used in a round trip may grow, up to twice what
// was used, also by the acknowledgements at the end of it, when little is out any more.
TEST_P(Congestion, WindowGrowsToTwiceWhatWasOutInTheRoundTrip) {
  const struct { uint32_t sent, grown; } cases[] = {{5, 10}, {6, 12}, {9, 18}, {10, 20}};
  for (const auto& [sent, grown] : cases) {
    SCOPED_TRACE(sent);
    Rig rig(Base());
    rig.Establish();
    EXPECT_EQ(rig.Send(sent * kMss), sent * kMss);
    OutSegments(rig, 1, sent);
    for (uint32_t i = 1; i < sent; i += 2) rig.In(Ack(1).Acks(At(std::min(i + 1, sent))));
    rig.In(Ack(1).Acks(At(sent)));
    EXPECT_EQ(Cwnd(rig), grown * kMss);
  }
}

// RFC 7661: what was out a round trip ago says nothing about this one.
TEST_P(Congestion, WindowOfTheLastRoundTripIsForgotten) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10 * kMss), 10 * kMss);
  OutSegments(rig, 1, 10);
  rig.In(Ack(1).Acks(At(9)));
  EXPECT_EQ(Cwnd(rig), 18 * kMss);
  EXPECT_EQ(rig.Send(kMss), kMss);
  OutSegments(rig, At(10), 1);
  rig.In(Ack(1).Acks(At(10)));
  EXPECT_EQ(Cwnd(rig), 19 * kMss);  // the last of the ten
  EXPECT_EQ(rig.Send(kMss), kMss);
  OutSegments(rig, At(11), 1);
  rig.In(Ack(1).Acks(At(11)));
  rig.In(Ack(1).Acks(At(12)));
  EXPECT_EQ(Cwnd(rig), 19 * kMss);
}

// RFC 5681 4.1: while a closed window is probed nothing is learnt; when it opens, the network has
// not been asked for an RTO at least.
TEST_P(Congestion, WindowIsTheInitialOneAgainWhenThePeersWindowOpens) {
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(At(10)).Win(0));
  EXPECT_EQ(Cwnd(rig), 18 * kMss);
  const Duration first = rig.UntilNext(Seconds(2));
  rig.Out(Ack(At(10) - 1).Acks(1));
  EXPECT_EQ(Cwnd(rig), 18 * kMss);
  rig.In(Ack(1).Acks(At(10)).Win(0));
  EXPECT_GT(rig.UntilNext(Seconds(2)), first);
  rig.Discard();
  rig.In(Ack(1).Acks(At(10)));
  EXPECT_EQ(Cwnd(rig), kTen);
  OutSegments(rig, At(10), 10);
}

// RFC 5681 4.1
TEST_P(Congestion, WindowIsTheInitialOneAgainAfterAnIdleTimeout) {  // RFC5681-4.1
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(At(2)));
  rig.In(Ack(1).Acks(At(4)));
  rig.In(Ack(1).Acks(At(6)));
  rig.Discard();
  ASSERT_GT(Cwnd(rig), 15 * kMss);
  while (rig.c().Info().unacknowledged != 0) {
    rig.In(Ack(1).Acks(1 + 40 * kMss - rig.c().Info().unsent));
    rig.Discard();
  }
  rig.Advance(Seconds(1));
  EXPECT_EQ(rig.Send(30 * kMss), 30 * kMss);
  OutSegments(rig, At(40), 10);
}

// RFC 5681 4.1: what counts is when text was last sent, not when something was received.
TEST_P(Congestion, WindowIsTheInitialOneAgainEvenIfThePeerKeptSending) {
  Rig rig(Base());
  FillWindow(rig);
  rig.In(Ack(1).Acks(At(2)));
  rig.In(Ack(1).Acks(At(4)));
  rig.In(Ack(1).Acks(At(6)));
  rig.Discard();
  while (rig.c().Info().unacknowledged != 0) {
    rig.In(Ack(1).Acks(1 + 40 * kMss - rig.c().Info().unsent));
    rig.Discard();
  }
  ASSERT_GT(Cwnd(rig), 15 * kMss);
  for (uint32_t i = 0; i < 20; ++i) {
    rig.Advance(Milliseconds(100));
    rig.In(Data(1 + 10 * i, 10).Acks(At(40)));
  }
  rig.Discard();
  EXPECT_EQ(rig.Send(30 * kMss), 30 * kMss);
  OutSegments(rig, At(40), 10);
}

WEIR_BOTH_FAMILIES(Congestion);

}  // namespace
}  // namespace weir::segment
