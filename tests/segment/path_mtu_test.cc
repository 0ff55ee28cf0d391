// Path MTU discovery by messages: RFC 1191, RFC 8201, and what RFC 5927 7 lets them do.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kSmall = 1300;  // text that the narrow path takes

class PathMtu : public TransferTest {
 protected:
  // The packet that carries `text` octets.
  static uint16_t Packet(uint32_t text, bool timestamps = false) {
    return static_cast<uint16_t>(text + (GetParam() ? 40 : 60) + (timestamps ? 12 : 0));
  }
  // A router says that the segment at `seq` was too big, and what the path takes.
  static void TooBig(Rig& rig, uint32_t seq, uint32_t mtu, uint16_t packet_size = 1500) {
    const wire::IcmpHeader error = GetParam() ? wire::IcmpHeader{.type = 3, .code = 4, .rest = mtu}
                                              : wire::IcmpHeader{.type = 2, .rest = mtu};
    rig.InFrame(
        ErrorFrame(error, rig.path().destination, rig.path().source, rig.iss() + seq, packet_size));
  }
  static uint32_t Mss(Rig& rig) { return rig.c().Info().mss; }
  // `count` full segments leave at once, and are the first of the connection.
  static void SendFull(Rig& rig, uint32_t count) {
    EXPECT_EQ(rig.Send(count * kMss), count * kMss);
    for (uint32_t i = 0; i < count; ++i) rig.Out(Data(1 + i * kMss, kMss));
    rig.Quiet();
  }
  // Text from `from` to before `end`, in segments of `size`.
  static void OutIn(Rig& rig, uint32_t size, uint32_t from, uint32_t end) {
    for (; from < end; from += size) rig.Out(Data(from, std::min(size, end - from)));
    rig.Quiet();
  }
  // A connection on which full segments have arrived.
  static void FullSegmentsArrive(Rig& rig) {
    rig.Establish();
    SendFull(rig, 2);
    EXPECT_EQ(rig.Send(3 * kMss), 3 * kMss);
    for (uint32_t i = 2; i < 5; ++i) rig.Out(Data(1 + i * kMss, kMss));
    rig.In(Ack(1).Acks(1 + 2 * kMss));
  }
};

// RFC 1191 6.5: everything in flight goes again at once in the new size; no sign of congestion.
TEST_P(PathMtu, IsBelievedAtOnceWhileNothingLargerHasArrived) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 3);
  const ConnectionInfo before = rig.c().Info();
  std::vector<SoftError> told;
  rig.handler().on_soft_error = [&told](Connection, SoftError e) { told.push_back(e); };
  TooBig(rig, 1, Packet(kSmall));
  OutIn(rig, kSmall, 1, 1 + 3 * kMss);
  EXPECT_EQ(Mss(rig), kSmall);
  EXPECT_EQ(rig.c().Info().congestion_window, before.congestion_window);
  EXPECT_EQ(rig.c().Info().slow_start_threshold, before.slow_start_threshold);
  EXPECT_EQ(rig.c().Info().retransmissions, 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuLowered), 1u);
  EXPECT_EQ(told, std::vector{SoftError::kPacketTooBig});
  rig.In(Ack(1).Acks(1 + 3 * kMss));
  EXPECT_EQ(rig.Send(2 * kSmall), 2 * kSmall);
  OutIn(rig, kSmall, 1 + 3 * kMss, 1 + 3 * kMss + 2 * kSmall);
}

TEST_P(PathMtu, LeavesRoomForTheOptions) {
  Rig rig(Base());
  rig.Establish({.ts = 100});
  EXPECT_EQ(rig.Send(2 * 1448), 2u * 1448);
  rig.Discard();
  TooBig(rig, 1, Packet(kSmall, true));
  EXPECT_EQ(rig.Any().text.size(), kSmall);
  EXPECT_EQ(Mss(rig), kSmall);
  rig.Discard();
}

TEST_P(PathMtu, ThatIsNotSmallerThanWhatWeSendIsNonsense) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 3);
  for (const uint32_t mtu : {uint32_t{Packet(kMss)}, uint32_t{Packet(kMss)} + 1, 9000u, 65535u}) {
    TooBig(rig, 1, mtu);
  }
  rig.Quiet();
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kDropIcmpMtu), 4u);
}

TEST_P(PathMtu, ThatIsNotSmallerThanTheSegmentsSentIsNonsense) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(kSmall), kSmall);
  rig.Out(Data(1, kSmall));
  TooBig(rig, 1, Packet(kSmall));
  rig.Quiet();
  EXPECT_EQ(Mss(rig), kMss);
  TooBig(rig, 1, Packet(kSmall - 1));
  OutIn(rig, kSmall - 1, 1, 1 + kSmall);
}

// RFC 8201 4
TEST_P(PathMtu, HasAFloor) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, GetParam() ? 68 : 1279);
  if (GetParam()) {
    OutIn(rig, 512, 1, 1 + kMss);  // 552 octets
    EXPECT_EQ(Mss(rig), 512u);
    return;
  }
  rig.Quiet();  // RFC 8201 4: discarded
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kDropIcmpMtu), 1u);
  TooBig(rig, 1, 1280);
  OutIn(rig, 1220, 1, 1 + kMss);
}

// RFC 1191 5: a router from before it names no MTU; 1492 is the plateau below 1500, 1006 below
// that.
TEST_P(PathMtu, OfAnOldRouterIsAPlateau) {
  if (!GetParam()) return;
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, 0);
  OutIn(rig, 1452, 1, 1 + kMss);
  TooBig(rig, 1, 0, 1492);
  OutIn(rig, 966, 1, 1 + kMss);
}

// RFC 5927 4.1
TEST_P(PathMtu, AboutNothingInFlightIsIgnored) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 3);
  rig.In(Ack(1).Acks(1 + kMss));
  for (const uint32_t seq : {0u, 1u, kMss, 1 + 3 * kMss, 0x80000000u}) {
    TooBig(rig, seq, Packet(kSmall));
  }
  rig.Quiet();
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kDropIcmpSequence), 5u);
}

TEST_P(PathMtu, OfAllSegmentsOfABurstIsBelievedOnce) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 3);
  TooBig(rig, 1, Packet(kSmall));
  OutIn(rig, kSmall, 1, 1 + 3 * kMss);
  for (const uint32_t i : {1u, 2u}) TooBig(rig, 1 + i * kMss, Packet(kSmall));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuLowered), 1u);
}

TEST_P(PathMtu, BecomesSmallerHopByHop) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, Packet(kSmall));
  OutIn(rig, kSmall, 1, 1 + kMss);
  TooBig(rig, 1, Packet(1250));
  OutIn(rig, 1250, 1, 1 + kMss);
  EXPECT_EQ(Mss(rig), 1250u);
}

// RFC1191-3u
TEST_P(PathMtu, IsNeverRaisedByAMessage) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, Packet(1250));
  OutIn(rig, 1250, 1, 1 + kMss);
  TooBig(rig, 1, Packet(kSmall));
  rig.Quiet();
  EXPECT_EQ(Mss(rig), 1250u);
}

TEST_P(PathMtu, BelievedInRecoveryLeavesIt) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 6);
  for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
  rig.Out(Data(1, kMss));
  const uint32_t ssthresh = rig.c().Info().slow_start_threshold;
  TooBig(rig, 1, Packet(kSmall));
  rig.Discard();
  EXPECT_EQ(rig.c().Info().congestion_window, ssthresh);
  rig.In(Ack(1).Acks(1 + 6 * kMss));
  rig.Discard();
}

// What was not lost draws duplicate ACKs when it comes twice; they mean nothing now.
TEST_P(PathMtu, IsNotFollowedByAFastRetransmit) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 3);
  TooBig(rig, 1, Packet(kSmall));
  rig.Discard();
  for (int i = 0; i < 4; ++i) rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kTcpFastRetransmits), 0u);
}

TEST_P(PathMtu, TakesTheFinAlong) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1 + kMss));
  TooBig(rig, 1, Packet(kSmall));
  rig.Out(Data(1, kSmall));
  rig.Out(Data(1 + kSmall, kMss - kSmall).Fin());
  rig.In(Ack(1).Acks(2 + kMss));
  rig.ExpectState(TcpState::kFinWait2);
}

TEST_P(PathMtu, DoesNotConcernTheHandshake) {
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.Connect();
  TooBig(rig, 0, GetParam() ? 68 : 1280);
  EXPECT_EQ(rig.counter(Counter::kDropIcmpMtu), 1u);
  rig.In(SynAck(0).Acks(1).Mss(kMss));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(Mss(rig), kMss);
}

// --- RFC 5927 7.2: below what has arrived ---

// RFC 5927 7.2
TEST_P(PathMtu, BelowWhatHasArrivedWaitsForTheTimer) {
  Rig rig(Base());
  FullSegmentsArrive(rig);
  const ConnectionInfo before = rig.c().Info();
  const uint32_t una = 1 + 2 * kMss;
  TooBig(rig, una, Packet(kSmall));
  rig.Quiet();
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuHeld), 1u);
  rig.OutAfter(Milliseconds(200), Data(una, kSmall));  // MAXSEGRTO is 1
  EXPECT_EQ(Mss(rig), kSmall);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuLowered), 1u);
  // A full window may not follow at once, but it may be reached again quickly.
  EXPECT_EQ(rig.c().Info().congestion_window, kSmall);
  EXPECT_GE(rig.c().Info().slow_start_threshold, before.congestion_window);
  rig.Quiet();
}

TEST_P(PathMtu, AsLargeAsWhatHasArrivedIsBelievedAtOnce) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(kSmall), kSmall);
  rig.Out(Data(1, kSmall));
  EXPECT_EQ(rig.Send(2 * kMss), 2 * kMss);
  rig.Out(Data(1 + kSmall, kMss));
  rig.Out(Data(1 + kSmall + kMss, kMss));
  rig.In(Ack(1).Acks(1 + kSmall));
  TooBig(rig, 1 + kSmall, Packet(kSmall));
  OutIn(rig, kSmall, 1 + kSmall, 1 + kSmall + 2 * kMss);
}

TEST_P(PathMtu, HeldIsForgottenWhenTheSegmentArrives) {
  Rig rig(Base());
  FullSegmentsArrive(rig);
  const uint32_t una = 1 + 2 * kMss;
  TooBig(rig, una, Packet(kSmall));
  rig.In(Ack(1).Acks(una + kMss));
  rig.OutAfter(Milliseconds(200), Data(una + kMss, kMss));
  EXPECT_EQ(Mss(rig), kMss);
}

TEST_P(PathMtu, HeldAboutALaterSegmentIsNotProvedByTheOldest) {
  Rig rig(Base());
  FullSegmentsArrive(rig);
  const uint32_t una = 1 + 2 * kMss;
  TooBig(rig, una + kMss, Packet(kSmall));
  rig.OutAfter(Milliseconds(200), Data(una, kMss));
  EXPECT_EQ(Mss(rig), kMss);
  rig.In(Ack(1).Acks(una + kMss));  // now the later one is the oldest
  rig.Discard();
  rig.UntilNext(Seconds(1));
  EXPECT_EQ(rig.Any().text.size(), kSmall);
  rig.Discard();
}

TEST_P(PathMtu, HeldIsTheOneAboutTheOldestSegment) {
  Rig rig(Base());
  FullSegmentsArrive(rig);
  const uint32_t una = 1 + 2 * kMss;
  for (const uint32_t i : {1u, 0u, 2u}) TooBig(rig, una + i * kMss, Packet(kSmall));
  rig.OutAfter(Milliseconds(200), Data(una, kSmall));
}

TEST_P(PathMtu, OfASegmentThatHasTimedOutIsBelievedAtOnce) {
  Rig rig(Base());
  FullSegmentsArrive(rig);
  const uint32_t una = 1 + 2 * kMss;
  rig.OutAfter(Milliseconds(200), Data(una, kMss));
  TooBig(rig, una, Packet(kSmall));
  rig.Out(Data(una, kSmall));
  rig.Out(Data(una + kSmall, kMss - kSmall));  // the window of one segment, in octets, still holds
  EXPECT_EQ(Mss(rig), kSmall);
  rig.Quiet();
}

// What has arrived is not forgotten because everything is acknowledged meanwhile (RFC 5927 7.2).
TEST_P(PathMtu, IsOnlyHeldWhenFullSegmentsArrivedInAnEarlierFlight) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 2);
  rig.In(Ack(1).Acks(1 + 2 * kMss));
  EXPECT_EQ(rig.engine().usage().flights, 0u);
  EXPECT_EQ(rig.Send(2 * kMss), 2 * kMss);
  rig.Discard();
  TooBig(rig, 1 + 2 * kMss, Packet(kSmall));
  rig.Quiet();
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuHeld), 1u);
  rig.OutAfter(Milliseconds(200), Data(1 + 2 * kMss, kSmall));  // unless it times out, too
  rig.Discard();
}

// The attack that RFC 5927 7.1 describes: the connection keeps its segment size.
TEST_P(PathMtu, ForgedForEverySegmentChangesNothingWhileTextArrives) {
  Rig rig(Base());
  FullSegmentsArrive(rig);
  uint32_t una = 1 + 2 * kMss;
  for (int i = 0; i < 100; ++i) {
    TooBig(rig, una, GetParam() ? 68 : 1280);
    TooBig(rig, una + kMss, GetParam() ? 600 : 1300);
    rig.In(Ack(1).Acks(una + kMss));
    EXPECT_EQ(rig.Send(kMss), kMss);
    rig.Discard();
    una += kMss;
  }
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuLowered), 0u);
}

// --- what others learn of it ---

// RFC 8201 5.2. MUST-67: what we announce is about the way to us.
TEST_P(PathMtu, IsUsedByTheNextConnectionWhichAnnouncesItsOwn) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, Packet(kSmall));
  rig.Discard();
  rig.NewConnection(kPeerPort + 1);
  rig.In(Syn(0).Mss(kMss));
  rig.Out(SynAck(0).Acks(1).Mss(kMss));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(Mss(rig), kSmall);
  EXPECT_EQ(rig.c().Info().congestion_window, 10 * kSmall);
  EXPECT_EQ(rig.Send(2 * kSmall), 2 * kSmall);
  OutIn(rig, kSmall, 1, 1 + 2 * kSmall);
  rig.NewConnection(kPeerPort + 2);
  const Seg syn = rig.Connect();
  EXPECT_EQ(syn.options.mss, kMss);
  rig.In(SynAck(0).Acks(1).Mss(kMss));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(Mss(rig), kSmall);
}

TEST_P(PathMtu, IsUsedByTextThatWaitedForTheHandshake) {
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.stack().ip().LearnPathMtu(PeerAddress(GetParam()), Packet(kSmall), false, rig.now());
  rig.Connect();
  EXPECT_EQ(rig.connecting().Send(Pattern(1, 2 * kSmall)), 2 * kSmall);
  rig.In(SynAck(0).Acks(1).Mss(kMss));
  OutIn(rig, kSmall, 1, 1 + 2 * kSmall);
}

// RFC 1191 6.3
TEST_P(PathMtu, IsForgottenAfterTenMinutes) {
  Rig rig(Base());
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, Packet(kSmall));
  rig.Discard();
  rig.In(Ack(1).Acks(1 + kMss));
  rig.Advance(Seconds(590));
  EXPECT_EQ(Mss(rig), kSmall);
  EXPECT_EQ(rig.Send(2 * kSmall), 2 * kSmall);
  OutIn(rig, kSmall, 1 + kMss, 1 + kMss + 2 * kSmall);
  rig.In(Ack(1).Acks(1 + kMss + 2 * kSmall));
  rig.Advance(Seconds(20));
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.Send(kMss), kMss);
  rig.Out(Data(1 + kMss + 2 * kSmall, kMss));
}

// RFC 1191 6.3: also on a connection that never pauses.
TEST_P(PathMtu, IsTriedAnewAfterTenMinutesOfSending) {
  Options options = Base();
  options.tcp.rto_initial_ms = options.tcp.rto_min_ms = 30000;
  Rig rig(options);
  rig.Establish();
  SendFull(rig, 1);
  TooBig(rig, 1, Packet(kSmall));
  rig.Discard();
  uint32_t sent = 1 + kMss;
  for (int i = 0; i < 60; ++i) {  // something is always in flight
    EXPECT_EQ(Mss(rig), kSmall);
    EXPECT_EQ(rig.Send(kSmall), kSmall);
    rig.In(Ack(1).Acks(sent));
    sent += kSmall;
    rig.Discard();
    rig.Advance(Seconds(10));
  }
  EXPECT_EQ(rig.Send(kSmall), kSmall);
  rig.In(Ack(1).Acks(sent));
  rig.Discard();
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.Send(2 * kMss), 2 * kMss);
  rig.Out(Data(sent + kSmall, kMss));
  rig.Out(Data(sent + kSmall + kMss, kMss));
}

TEST_P(PathMtu, DoesNotRaiseWhatThePeerAskedFor) {
  Rig rig(Base());
  rig.stack().ip().LearnPathMtu(PeerAddress(GetParam()), Packet(kSmall), false, rig.now());
  rig.Establish({.mss = 600});
  EXPECT_EQ(Mss(rig), 600u);
}

// S25: who forges messages without knowing what is in flight makes no entry and slows nobody down.
TEST_P(PathMtu, IsNotRememberedWithoutAConnectionThatBelievesIt) {
  Rig rig(Base());
  rig.Establish();
  const wire::IcmpHeader error = GetParam() ? wire::IcmpHeader{.type = 3, .code = 4, .rest = 600}
                                            : wire::IcmpHeader{.type = 2, .rest = 1280};
  for (uint32_t i = 1; i <= 2000; ++i) {
    const IpAddress victim =
        GetParam() ? IpAddress::V4(PeerAddress(true).v4() + i) : IpAddress::FromV6Octets([i] {
          static std::array<uint8_t, 16> octets;
          octets = PeerAddress(false).octets();
          octets[14] = static_cast<uint8_t>(i >> 8);
          octets[13] = static_cast<uint8_t>(i);
          return octets.data();
        }());
    rig.InFrame(ErrorFrame(error, rig.path().destination, {victim, kPeerPort}, Seq(i)));
    EXPECT_EQ(rig.stack().ip().PathMtu(victim, rig.now()), 0);
  }
  EXPECT_EQ(rig.counter(Counter::kDropIcmpNoConnection), 2000u);
  SendFull(rig, 1);
}

WEIR_BOTH_FAMILIES(PathMtu);

}  // namespace
}  // namespace weir::segment
