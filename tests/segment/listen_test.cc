// Segments that meet no connection: every cell of RFC 9293 3.10.7.1 (CLOSED) and 3.10.7.2 (LISTEN),
// and what gets no answer at all.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;
using wire::kTcpUrg;

constexpr uint16_t kClosedPort = 81;

class NoConnection : public RigTest {
 protected:
  // Every combination of the six classic flags, with and without text, each from a port of its own.
  template <class F>
  void EverySegment(F f) {
    uint16_t port = 1000;
    for (uint8_t flags = 0; flags < 64; ++flags) {
      for (const uint32_t size : {0u, 5u}) {
        Seg seg{.flags = flags, .seq = 100};
        seg.ack = 700;
        seg.From(++port).Octets(size);
        SCOPED_TRACE(seg.ToString());
        f(seg);
      }
    }
  }
};

// RFC 9293 3.10.7.1: the RST takes its numbers from the segment.
Seg ResetFor(const Rig& rig, const Seg& seg) {
  if ((seg.flags & kTcpAck) != 0) return Rst((rig.iss() + 700).value).Absolute();
  return RstAck(0).Acks((rig.irs() + 100 + seg.length()).value).Absolute();
}

// --- CLOSED ---

TEST_P(NoConnection, ClosedPortAnswersEverySegmentButResets) {
  Rig rig(Base());
  EverySegment([&](Seg seg) {
    rig.In(seg.To(kClosedPort));
    if (!seg.rst()) {
      Seg got = rig.Out(ResetFor(rig, seg));
      EXPECT_EQ(got.source_port, kClosedPort);
      EXPECT_EQ(got.destination_port, seg.source_port);
    }
    rig.Quiet();
  });
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoConnection), 128u);
  rig.ExpectEmpty();
}

TEST_P(NoConnection, PortThatNeverListenedAnswersTheSame) {
  Options options = Base();
  options.listening = false;
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(RstAck(0).Acks(1).Exactly());
}

TEST_P(NoConnection, ListenerThatWasClosedRefuses) {
  Rig rig(Base());
  rig.Establish();
  rig.engine().CloseListener(rig.listener());
  rig.In(Syn(0).Mss(1460).From(uint16_t{7}));
  rig.Out(RstAck(0).Acks((rig.irs() + 1).value).Absolute());
  rig.In(Data(1, 10).Acks(1));  // the connections of the listener live on
  rig.ExpectReceived(10);
  rig.Advance(Milliseconds(40));
  rig.Out(Ack(1).Acks(11));
}

// --- LISTEN ---

TEST_P(NoConnection, ListenAnswersAnyAckWithAResetAndIgnoresWhatIsNoSyn) {
  Rig rig(Base());
  unsigned opened = 0;
  EverySegment([&](Seg seg) {
    rig.In(seg);
    if (seg.rst()) {
      // First: ignored, whatever else is set.
    } else if ((seg.flags & kTcpAck) != 0) {
      rig.Out(ResetFor(rig, seg));  // second
    } else if (seg.syn() && !seg.fin()) {
      ++opened;  // third: only the SYN is acknowledged
      const Seg got = rig.Any();
      EXPECT_EQ(got.flags & (kTcpSyn | kTcpAck | kTcpRst | kTcpFin), kTcpSyn | kTcpAck);
      EXPECT_EQ(got.ack, 101u);
      EXPECT_EQ(got.destination_port, seg.source_port);
    }
    rig.Quiet();  // fourth: dropped; SYN with FIN too, by choice
  });
  EXPECT_EQ(opened, 8u);
  EXPECT_EQ(rig.engine().usage().connections, opened);
  EXPECT_TRUE(rig.handler().opened.empty());
}

TEST_P(NoConnection, ListenerOnOneAddressRefusesOnOthers) {
  Options options = Base();
  options.listen.address = StackAddress(!GetParam());
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(RstAck(0).Acks((rig.irs() + 1).value).Absolute());  // MUST-43
}

TEST_P(NoConnection, ListenerOnThisAddressGoesBeforeTheOneOnAll) {
  Rig rig(Base());
  RecordingHandler own;
  ListenOptions options{.port = kStackPort, .address = StackAddress(GetParam())};
  ASSERT_TRUE(rig.engine().Listen(*rig.engine().WithDefaults(options), &own));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(own.opened.size(), 1u);  // MUST-43
  EXPECT_TRUE(rig.handler().opened.empty());
}

TEST_P(NoConnection, ListeningAgainDisturbsNoConnection) {
  Rig rig(Base());
  rig.Establish();
  const auto again = [&](uint16_t port) {
    return rig.engine().Listen(*rig.engine().WithDefaults({.port = port}), &rig.handler());
  };
  EXPECT_FALSE(again(kStackPort)) << "the port is taken";
  rig.engine().CloseListener(rig.listener());
  EXPECT_TRUE(again(kStackPort));
  EXPECT_TRUE(again(kClosedPort));
  rig.In(Data(1, 10).Acks(1));  // MUST-41
  rig.ExpectReceived(10);
  rig.Advance(Milliseconds(40));
  rig.Out(Ack(1).Acks(11));
}

TEST_P(NoConnection, PlaceOfAClosedListenerIsUsedAgain) {
  Rig rig(Base());
  rig.Establish();  // this connection outlives its listener, and keeps its place
  rig.engine().CloseListener(rig.listener());
  std::optional<uint16_t> last;
  for (int i = 0; i < 10000; ++i) {
    const uint16_t port = static_cast<uint16_t>(1000 + i % 7);
    last = rig.engine().Listen(*rig.engine().WithDefaults({.port = port}), &rig.handler());
    ASSERT_TRUE(last) << i;
    ASSERT_NE(*last, rig.listener());
    rig.engine().CloseListener(*last);
    rig.engine().CloseListener(*last);  // once more does nothing
  }
  rig.In(Data(1, 10).Acks(1));
  rig.ExpectReceived(10);
  rig.Advance(Milliseconds(40));
  rig.Out(Ack(1).Acks(11));
}

// --- silence ---

TEST_P(NoConnection, SynToAGroupIsDroppedInSilence) {  // RFC1122-2.4
  Rig rig(Base());
  // MUST-57: whichever layer says that it is one
  rig.In(Syn(0).Mss(1460).Broadcast());
  rig.In(Syn(0).Mss(1460).To(Address(GetParam() ? "224.0.0.1" : "ff02::1")));
  if (GetParam()) rig.In(Syn(0).Mss(1460).To(Address("255.255.255.255")));
  if (GetParam()) rig.In(Syn(0).Mss(1460).To(Address("198.18.0.255")));
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(NoConnection, NothingToAGroupIsAnsweredByAReset) {
  Rig rig(Base());
  for (const uint16_t port : {kStackPort, kClosedPort}) {
    rig.In(Ack(1).Acks(1).To(port).Broadcast());
    rig.In(Ack(1).Acks(1).To(port).To(Address(GetParam() ? "224.0.0.1" : "ff02::1")));
    rig.In(Data(1, 5).Acks(1).To(port).Broadcast());
    rig.In(Fin(1).Acks(1).To(port).Broadcast());
    if (GetParam()) rig.In(Ack(1).Acks(1).To(port).To(Address("198.18.0.255")));
  }
  rig.Quiet();  // MUST-57, RFC 1122 3.2.2
  EXPECT_TRUE(rig.other_frames.empty());
}

TEST_P(NoConnection, SegmentToAnAddressThatIsNotOursIsDropped) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).To(Address(GetParam() ? "198.18.0.3" : "2001:2::3")));
  rig.Quiet();
  EXPECT_TRUE(rig.other_frames.empty());
}

TEST_P(NoConnection, SegmentFromAnAddressThatNobodyHasIsDropped) {
  Rig rig(Base());
  const char* const v4[] = {"0.0.0.0",   "0.1.2.3",   "127.0.0.1",       "224.0.0.1",
                            "240.0.0.1", "239.1.2.3", "255.255.255.255", "198.18.0.255"};
  const char* const v6[] = {"::", "::1", "ff02::1", "ff0e::1", "::ffff:198.18.0.1"};
  const auto all = GetParam() ? std::span<const char* const>(v4) : std::span<const char* const>(v6);
  for (const char* source : all) {
    SCOPED_TRACE(source);
    // MUST-63; nor is there a reset for it
    rig.In(Syn(0).Mss(1460).From(Address(source)));
    rig.In(Syn(0).Mss(1460).To(kClosedPort).From(Address(source)));
    rig.In(Ack(1).Acks(1).From(Address(source)));
    rig.Quiet();
  }
  EXPECT_TRUE(rig.other_frames.empty());
  rig.ExpectEmpty();
}

TEST_P(NoConnection, SegmentFromOurOwnAddressIsDropped) {
  Rig rig(Base());
  // MUST-63: LAND, with the same port and with another
  rig.In(Syn(0).Mss(1460).From(StackAddress(GetParam())).From(kStackPort));
  rig.In(Syn(0).Mss(1460).From(StackAddress(GetParam())));
  rig.In(Ack(1).Acks(1).From(StackAddress(GetParam())).To(kClosedPort));
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(NoConnection, PortZeroIsNobodys) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).From(uint16_t{0}));
  rig.In(Syn(0).Mss(1460).To(uint16_t{0}));
  rig.In(Ack(1).Acks(1).From(uint16_t{0}).To(kClosedPort));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpPortZero), 3u);
  rig.ExpectEmpty();
}

TEST_P(NoConnection, WrongChecksumGetsNoAnswer) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).BadChecksum());
  rig.In(Ack(1).Acks(1).To(kClosedPort).BadChecksum());
  rig.Quiet();  // MUST-3
  EXPECT_EQ(rig.counter(Counter::kDropTcpChecksum), 2u);
}

TEST_P(NoConnection, ImpossibleDataOffsetGetsNoAnswer) {
  Rig rig(Base());
  for (const uint16_t words : {0, 4, 15}) rig.In(Syn(0).DataOffset(words));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpHeader), 3u);
}

// --- the limit ---

TEST_P(NoConnection, ResetsAreSentNoFasterThanTheLimit) {
  Options options = Base();
  options.tcp.resets_per_second = 10;
  Rig rig(options);
  rig.Establish();
  const std::vector<Seg> flood(100, Ack(1).Acks(1).To(kClosedPort));
  rig.InBurst(flood);
  EXPECT_EQ(rig.pending(), 10u);
  rig.Discard();
  EXPECT_EQ(rig.counter(Counter::kTcpResetsLimited), 90u);
  rig.Advance(Milliseconds(500));
  rig.InBurst(flood);
  EXPECT_EQ(rig.pending(), 5u);
  rig.Discard();
  rig.c().Abort();  // the limit is for strangers only
  rig.Turn();
  rig.Out(RstAck(1).Acks(1));
}

WEIR_BOTH_FAMILIES(NoConnection);

}  // namespace
}  // namespace weir::segment
