// Windows: what we offer and never take back, and what we do with the peer's, however it moves.
#include <gtest/gtest.h>

#include <algorithm>

#include "segment/rig.h"

namespace weir::segment {
namespace {

// --- ours ---

class OurWindow : public TransferTest {
 protected:
  Options Buffer(uint32_t octets, int scale = -1) const {
    Options options = Base();
    options.listen.connection.receive_buffer = octets;
    options.tcp.window_scale = scale;
    return options;
  }
  // Right edges of everything that waits, first to last.
  static std::vector<uint32_t> Edges(Rig& rig, uint8_t scale) {
    std::vector<uint32_t> edges;
    while (rig.pending() != 0) {
      const Seg seg = rig.Any();
      edges.push_back(*seg.ack + (uint32_t{*seg.window} << scale));
    }
    return edges;
  }
};

// SHLD-14, also where the scale cannot express the edge exactly.
TEST_P(OurWindow, NeverShrinksFromTheRight) {  // RFC7323-2.4
  Rig rig(Buffer(70000, 7));
  rig.Establish({.scale = 0});
  rig.c().Pause();
  uint32_t seq = 1, edge = 0;
  for (uint32_t i = 0; i < 300; ++i) {
    const uint32_t size = 1 + i % 97;
    rig.In(Data(seq, size).Acks(1));
    seq += size;
    for (const uint32_t next : Edges(rig, 7)) {
      EXPECT_GE(next, edge);
      edge = next;
    }
  }
}

// SHLD-14 again: nothing read at all, until the window is closed.
TEST_P(OurWindow, ClosesWithoutMovingItsRightEdge) {
  Rig rig(Buffer(8192));
  rig.Establish();
  rig.c().Pause();
  for (uint32_t seq = 1; seq < 8193; seq += 1024) {
    rig.In(Data(seq, 1024).Acks(1));
    for (const uint32_t edge : Edges(rig, 0)) EXPECT_EQ(edge, 8193u);
  }
  EXPECT_EQ(rig.c().Info().receive_window, 0u);
}

// Rounding up to the scale's unit, segment after segment, must not let the peer beyond the buffer.
TEST_P(OurWindow, DoesNotCreepBeyondTheBufferByRounding) {  // RFC7323-2.4
  Rig rig(Buffer(4096, 3));
  rig.Establish({.scale = 0});
  rig.c().Pause();
  for (uint32_t i = 0; i < 2000; ++i) rig.In(Data(1 + 7 * i, 7).Acks(1));
  EXPECT_LE(rig.c().Info().unread, 4096u + 1460u);
  const std::vector<uint32_t> edges = Edges(rig, 3);
  EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
}

// MUST-39: the edge moves by a segment or by half the buffer, not by what was read.
TEST_P(OurWindow, MovesInStepsOfASegmentOrHalfTheBuffer) {
  for (const uint32_t buffer : {2048u, 65535u}) {
    SCOPED_TRACE("buffer of " + std::to_string(buffer));
    const uint32_t step = std::min(buffer / 2, kMss);
    Rig rig(Buffer(buffer));
    rig.Establish();
    uint32_t edge = 1 + buffer;
    unsigned steps = 0;
    for (uint32_t i = 0; i < 200; ++i) {
      rig.In(Data(1 + 100 * i, 100).Acks(1));
      for (const uint32_t next : Edges(rig, 0)) {
        if (next == edge) continue;
        EXPECT_GE(next, edge + step);
        edge = next;
        ++steps;
      }
    }
    EXPECT_GE(steps, 5u);
    rig.ExpectReceived(20000);
    rig.Advance(Milliseconds(100));
    rig.Discard();
  }
}

// MUST-39: an application that reads little by little causes no storm of window updates.
TEST_P(OurWindow, IsNotAnnouncedForEveryLittleRead) {
  Options options = Buffer(2048);
  options.listen.connection.send_buffer = 2048;
  Rig rig(options);
  rig.Establish();
  rig.handler().on_data = [](Connection c, Bytes text) { EXPECT_EQ(c.Send(text), text.size()); };
  rig.In(Data(1, 1448).Acks(1).Win(1448));
  rig.In(Data(1449, 600).Acks(1).Win(1448));
  rig.In(Data(2049, 1448).Acks(1).Win(1448));  // the echo has no room for all of this
  ASSERT_GT(rig.c().Info().unread, 1000u);
  rig.Advance(Milliseconds(100));
  rig.Discard();
  unsigned updates = 0;
  for (uint32_t acked = 11; acked <= 901; acked += 10) {
    rig.In(Ack(3497).Acks(acked).Win(1448));
    while (rig.pending() != 0) updates += rig.Any().text.empty() ? 1 : 0;
  }
  EXPECT_LE(updates, 1u);
}

TEST_P(OurWindow, IsAnnouncedWhenTheApplicationReadsAgain) {
  Rig rig(Buffer(4096));
  rig.Establish();
  rig.c().Pause();
  for (uint32_t seq = 1; seq < 4097; seq += 1024) rig.In(Data(seq, 1024).Acks(1));
  rig.Any();
  rig.Out(Ack(1).Acks(4097).Win(0));
  rig.Advance(Seconds(5));
  rig.Quiet();
  rig.c().Resume();
  rig.Turn();
  rig.Out(Ack(1).Acks(4097).Win(4096));
  rig.ExpectReceived(4096);
}

// Most of the window is left: the peer waits for nothing, and the next ACK tells the rest.
TEST_P(OurWindow, IsNotAnnouncedByItselfBeforeItDoubles) {
  Rig rig(Buffer(40000));
  rig.Establish();
  rig.c().Pause();
  uint32_t seq = 1;
  const auto fill = [&](uint32_t until) {
    for (; seq < until; seq += 1000) rig.In(Data(seq, 1000).Acks(1));
    rig.Advance(Seconds(1));
    rig.Discard();
  };
  const auto read = [&rig] {
    rig.c().Resume();
    rig.Turn();
    rig.c().Pause();
  };
  fill(19001);  // 21000 are left, 40000 would be offered
  read();
  rig.Quiet();
  rig.In(Data(seq, 1000).Acks(1));
  rig.Advance(Seconds(1));
  EXPECT_EQ(Edges(rig, 0), std::vector<uint32_t>{20001 + 39000});
  seq += 1000;
  fill(41001);  // 18000 are left
  read();
  rig.Out(Ack(1).Acks(41001).Win(40000));
}

TEST_P(OurWindow, ThatIsClosedAnswersEveryProbe) {  // MAY-8
  Rig rig(Buffer(2048));
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 1024).Acks(1));
  rig.In(Data(1025, 1024).Acks(1));
  rig.Out(Ack(1).Acks(2049).Win(0));
  for (int i = 0; i < 20; ++i) {
    rig.Advance(Seconds(1));
    rig.In(i % 2 == 0 ? Data(2049, 1).Acks(1) : Ack(2048).Acks(1));
    rig.Out(Ack(1).Acks(2049).Win(0));
  }
  EXPECT_EQ(rig.c().Info().unread, 2048u);
}

// MUST-66: text at RCV.NXT does not fit, but its ACK counts.
TEST_P(OurWindow, ThatIsClosedStillTakesAcknowledgements) {
  Rig rig(Buffer(2048));
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 1024).Acks(1));
  rig.In(Data(1025, 1024).Acks(1));
  rig.Out(Ack(1).Acks(2049).Win(0));
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Out(Data(1, 100));
  rig.In(Data(2049, 100).Acks(51).Urgent(10));
  rig.Out(Ack(101).Acks(2049).Win(0));
  EXPECT_EQ(rig.c().Info().unacknowledged, 50u);
  rig.In(Ack(2049).Acks(101));
  EXPECT_EQ(rig.c().Info().unacknowledged, 0u);
}

// MUST-66
TEST_P(OurWindow, ThatIsClosedStillTakesAReset) {
  Rig rig(Buffer(2048));
  rig.Establish();
  rig.c().Pause();
  rig.In(Data(1, 1024).Acks(1));
  rig.In(Data(1025, 1024).Acks(1));
  rig.Out(Ack(1).Acks(2049).Win(0));
  rig.In(Rst(2049));
  rig.ExpectClosed(CloseReason::kReset);
  rig.ExpectEmpty();
}

// --- the peer's ---

class PeerWindow : public TransferTest {
 protected:
  // Text waits before a closed window; nothing is in flight. SND.UNA is 101.
  static void CloseIt(Rig& rig, uint32_t waiting) {
    rig.Establish();
    EXPECT_EQ(rig.Send(100), 100u);
    rig.Out(Data(1, 100));
    rig.In(Ack(1).Acks(101).Win(0));
    EXPECT_EQ(rig.Send(waiting), waiting);
    rig.Quiet();
  }
};

// MUST-1, REC-1
TEST_P(PeerWindow, IsUnsignedAndThirtyTwoBitsWide) {
  Rig rig(Base());
  rig.Establish({.scale = 14});
  EXPECT_EQ(rig.c().Info().send_window, 65535u << 14);
  EXPECT_EQ(rig.Send(14600), 14600u);
  for (int i = 0; i < 10; ++i) rig.Any();
  rig.In(Ack(1).Acks(14601).Win(0x8000));
  EXPECT_EQ(rig.c().Info().send_window, 0x8000u << 14);
  EXPECT_EQ(rig.Send(1460), 1460u);
  rig.Out(Data(14601, 1460));
}

TEST_P(PeerWindow, IsFilledAndNotOverrun) {  // RFC5681-3.1w
  Rig rig(Base());
  rig.Establish({.window = 4000});
  EXPECT_EQ(rig.Send(10000), 10000u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 1460));
  rig.In(Ack(1).Acks(2921).Win(4000));
  rig.Out(Data(2921, 1460));
  rig.Out(Data(4381, 1460));
  rig.Quiet();
}

// SHLD-29, SHLD-30, MUST-36: after one RTO, then ever more seldom; a probe brings no new text.
TEST_P(PeerWindow, ThatIsClosedIsProbedEverMoreSeldom) {
  Rig rig(Base());
  CloseIt(rig, 500);
  int64_t interval_ms = 200;
  for (int i = 0; i < 12; ++i) {
    rig.OutAfter(Milliseconds(interval_ms), Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
    interval_ms = std::min<int64_t>(interval_ms * 2, 120000);
  }
  EXPECT_EQ(rig.counter(Counter::kTcpWindowProbes), 12u);
  rig.In(Ack(1).Acks(101).Win(5000));
  rig.Out(Data(101, 500));
}

// MUST-37
TEST_P(PeerWindow, MayStayClosedForEverWhileProbesAreAnswered) {
  Rig rig(Base());
  CloseIt(rig, 500);
  for (int i = 0; i < 60; ++i) {
    rig.UntilNext(Seconds(121));
    rig.Out(Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
  }
  EXPECT_GT(rig.elapsed(), Seconds(3600));
  rig.ExpectOpen();
  rig.In(Ack(1).Acks(101).Win(500));
  rig.Out(Data(101, 500));
}

// MUST-20: R2 counts probes that nobody answers.
TEST_P(PeerWindow, ThatIsClosedWithoutAnAnswerEndsTheConnection) {
  Rig rig(Base());
  CloseIt(rig, 500);
  for (int i = 0; i < 15; ++i) {
    rig.UntilNext(Seconds(121));
    rig.Out(Ack(100).Acks(1));
  }
  rig.UntilNext(Seconds(121));
  rig.Out(RstAck(101));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(PeerWindow, ThatClosesAgainIsProbedFromTheFirstIntervalOn) {
  Rig rig(Base());
  CloseIt(rig, 1460 * 3);
  for (const int64_t ms : {200, 400, 800}) {
    rig.OutAfter(Milliseconds(ms), Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
  }
  rig.In(Ack(1).Acks(101).Win(1460));
  rig.Out(Data(101, 1460));
  rig.In(Ack(1).Acks(1561).Win(0));
  rig.OutAfter(Milliseconds(200), Ack(1560).Acks(1));
}

// MUST-34, SHLD-15, SHLD-16
TEST_P(PeerWindow, ThatShrinksStopsNewTextAndOldTextGoesAgain) {
  Rig rig(Base());
  rig.Establish({.window = 10000});
  EXPECT_EQ(rig.Send(7300), 7300u);
  for (uint32_t i = 0; i < 5; ++i) rig.Out(Data(1 + 1460 * i, 1460));
  rig.In(Ack(1).Acks(1461).Win(1460));  // the usable window is negative now
  EXPECT_EQ(rig.Send(1460), 1460u);
  rig.Quiet();
  rig.OutAfter(Milliseconds(200), Data(1461, 1460));
  rig.In(Ack(1).Acks(7301).Win(10000));
  rig.Out(Data(7301, 1460));
}

// SHLD-17, MUST-35: it shrinks to nothing under text in flight.
TEST_P(PeerWindow, ThatShrinksToNothingDoesNotTimeOutWhileThePeerAnswers) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(2920), 2920u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 1460));
  rig.In(Ack(1).Acks(1).Win(0));
  for (int i = 0; i < 40; ++i) {
    rig.UntilNext(Seconds(121));
    ASSERT_GT(rig.pending(), 0u);
    while (rig.pending() != 0) EXPECT_LE(rig.Any().seq, 1u);
    rig.In(Ack(1).Acks(1).Win(0));
  }
  rig.ExpectOpen();
  rig.In(Ack(1).Acks(2921));
  EXPECT_EQ(rig.c().Info().unacknowledged, 0u);
}

// RFC 9293 3.10.7.4 fifth: SND.WL1
TEST_P(PeerWindow, IsNotTakenFromAnOlderSegment) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(1, 100).Acks(1).Win(5000));
  rig.In(Data(101, 100).Acks(1).Win(6000));
  rig.In(Data(51, 200).Acks(1).Win(700));
  EXPECT_EQ(rig.c().Info().send_window, 6000u);
  rig.ExpectReceived(250);
  rig.Discard();
}

// RFC 9293 3.10.7.4 fifth: SND.WL2
TEST_P(PeerWindow, IsNotTakenFromAnOlderAcknowledgement) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(2920), 2920u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 1460));
  rig.In(Ack(1).Acks(2921).Win(6000));
  rig.In(Ack(1).Acks(1461).Win(700));
  EXPECT_EQ(rig.c().Info().send_window, 6000u);
}

TEST_P(PeerWindow, IsTakenFromASegmentOutOfOrder) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(101, 100).Acks(1).Win(700));
  EXPECT_EQ(rig.c().Info().send_window, 700u);
  rig.Out(Ack(1).Acks(1));
}

// RFC 7323 2.2: never scaled in a SYN, always afterwards.
TEST_P(PeerWindow, IsScaledExceptInItsSyn) {  // RFC7323-2.2u
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Scale(5).Win(1000));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1).Win(1000));
  EXPECT_EQ(rig.c().Info().send_window, 32000u);
}

// --- silly windows and Nagle ---

// MUST-38: a crumb of a window is used only when 0.1 to 1 seconds bring nothing better.
TEST_P(PeerWindow, ThatOpensByACrumbWaitsForTheOverrideTimer) {
  Rig rig(Base());
  CloseIt(rig, 5000);
  rig.In(Ack(1).Acks(101).Win(10));
  rig.Quiet();
  const Duration waited = rig.UntilNext(Seconds(2));
  EXPECT_GE(waited, Milliseconds(100));
  EXPECT_LE(waited, Seconds(1));
  rig.Out(Data(101, 10));
}

// MUST-38, also when the next probe of the closed window was a long way off.
TEST_P(PeerWindow, ThatOpensByACrumbAfterManyProbesWaitsNoLongerForTheOverride) {
  Rig rig(Base());
  CloseIt(rig, 5000);
  for (int i = 0; i < 8; ++i) {
    rig.UntilNext(Seconds(121));
    rig.Out(Ack(100).Acks(1));
    rig.In(Ack(1).Acks(101).Win(0));
  }
  rig.In(Ack(1).Acks(101).Win(10));
  rig.Quiet();
  const Duration waited = rig.UntilNext(Seconds(100));
  EXPECT_GE(waited, Milliseconds(100));
  EXPECT_LE(waited, Seconds(1));
  rig.Out(Data(101, 10));
}

// MUST-38: a full segment goes.
TEST_P(PeerWindow, ThatOpensByASegmentIsUsedAtOnce) {
  Rig rig(Base());
  CloseIt(rig, 5000);
  rig.In(Ack(1).Acks(101).Win(1460));
  rig.Out(Data(101, 1460));
}

// MUST-38: and half of the largest window ever seen.
TEST_P(PeerWindow, ThatOpensByHalfItsMaximumIsUsedAtOnce) {
  Rig rig(Base());
  rig.Establish({.window = 1000});
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 1000));
  rig.In(Ack(1).Acks(1001).Win(0));
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.In(Ack(1).Acks(1001).Win(499));
  rig.Quiet();
  rig.In(Ack(1).Acks(1001).Win(500));
  rig.Out(Data(1001, 500));
}

class ShortSegments : public TransferTest {};

// SHLD-7
TEST_P(ShortSegments, WaitWhileOneOfThemIsUnacknowledged) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(rig.Send(10), 10u);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Quiet();
  rig.In(Ack(1).Acks(11));
  rig.Out(Data(11, 20));
}

// SHLD-7, RFC 9293 A.3: behind full ones, the end of the text waits for short ones alone.
TEST_P(ShortSegments, AtTheEndOfFullOnesGoAtOnce) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(1470), 1470u);
  rig.Out(Data(1, 1460));
  rig.Out(Data(1461, 10));
  EXPECT_EQ(rig.Send(1470), 1470u);
  rig.Out(Data(1471, 1460));
  rig.Quiet();
  rig.In(Ack(1).Acks(1461));
  rig.Quiet();
  rig.In(Ack(1).Acks(1471));
  rig.Out(Data(2931, 10));
  rig.In(Ack(1).Acks(2931));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Quiet();
  rig.In(Ack(1).Acks(2941));
  rig.Out(Data(2941, 10));
}

// SHLD-7: full ones do not.
TEST_P(ShortSegments, ThatGrowToAFullOneGoAtOnce) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Quiet();
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(11, 1460));
  rig.Quiet();
  rig.In(Ack(1).Acks(1471));
  rig.Out(Data(1471, 540));
}

// SHLD-7: a window smaller than a segment is no reason to break the rule.
TEST_P(ShortSegments, WaitEvenIfTheyWouldFillASmallWindow) {
  Rig rig(Base());
  rig.Establish({.window = 1000});
  EXPECT_EQ(rig.Send(300), 300u);
  rig.Out(Data(1, 300));
  EXPECT_EQ(rig.Send(2000), 2000u);
  rig.Quiet();
  rig.In(Ack(1).Acks(301).Win(1000));
  rig.Out(Data(301, 1000));
}

// MUST-17
TEST_P(ShortSegments, GoAtOnceWithoutDelay) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().SetNoDelay(true));
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rig.Send(10), 10u);
    rig.Out(Data(1 + 10 * i, 10));
  }
  EXPECT_TRUE(rig.c().SetNoDelay(false));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Quiet();
}

// MUST-17
TEST_P(ShortSegments, ThatWaitGoWhenTheDelayIsSwitchedOff) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Quiet();
  EXPECT_TRUE(rig.c().SetNoDelay(true));
  rig.Turn();
  rig.Out(Data(11, 10));
}

TEST_P(ShortSegments, AtTheEndOfTheStreamGoWithTheFin) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Quiet();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Data(11, 10).Fin());
}

WEIR_BOTH_FAMILIES(OurWindow);
WEIR_BOTH_FAMILIES(PeerWindow);
WEIR_BOTH_FAMILIES(ShortSegments);

}  // namespace
}  // namespace weir::segment
