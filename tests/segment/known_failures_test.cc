// The failures that other stacks have had, by name: option lengths that loop or lead out of the
// header, a header longer than its segment, SYNs that nobody completes, SYNs to everybody.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class KnownFailures : public RigTest {
 protected:
  uint16_t FullMss() const { return GetParam() ? 1460 : 1440; }

  // A SYN with an MSS of 1000 and then `tail`, which ends the header: the MSS counts, the rest
  // harms nothing, and the connection works.
  void ExpectOnlyTheTailIsLost(const std::vector<uint8_t>& tail) {
    SCOPED_TRACE(testing::PrintToString(tail));
    Rig rig(Base());
    std::vector<uint8_t> octets{2, 4, 0x03, 0xe8};
    octets.resize(4 + (4 - tail.size() % 4) % 4, 1);
    octets.insert(octets.end(), tail.begin(), tail.end());
    rig.In(Syn(0).RawOptions(octets));
    rig.Out(SynAck(0).Acks(1).Mss(FullMss()).Exactly());
    rig.In(Ack(1).Acks(1).RawOptions(tail));
    EXPECT_EQ(rig.c().Info().mss, 1000);
    rig.In(Data(1, 10).Acks(1).RawOptions(tail));
    rig.ExpectReceived(10);
    rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
  }
};

// MUST-7
TEST_P(KnownFailures, SynWithAnOptionOfLengthZero) {
  ExpectOnlyTheTailIsLost({254, 0});
  ExpectOnlyTheTailIsLost({254, 0, 2, 4, 0, 100});
  ExpectOnlyTheTailIsLost({3, 0});
  ExpectOnlyTheTailIsLost({8, 0, 1, 2, 3, 4, 5, 6, 7, 8});
}

// MUST-7
TEST_P(KnownFailures, SynWithAnOptionOfLengthOne) {
  ExpectOnlyTheTailIsLost({254, 1});
  ExpectOnlyTheTailIsLost({254, 1, 2, 4, 0, 100});
  ExpectOnlyTheTailIsLost({3, 1, 7});
}

// MUST-7
TEST_P(KnownFailures, SynWithAnOptionPastTheEnd) {
  ExpectOnlyTheTailIsLost({254, 3});
  ExpectOnlyTheTailIsLost({254, 255});
  ExpectOnlyTheTailIsLost({2, 4, 0});
  ExpectOnlyTheTailIsLost({8, 10, 0, 0, 0, 1});
  ExpectOnlyTheTailIsLost({1, 1, 1, 3});  // not even a length
}

TEST_P(KnownFailures, HeaderLengthPastTheSegment) {
  Rig rig(Base());
  rig.Establish();
  for (const uint16_t words : {6, 10, 15}) {
    rig.In(Syn(0).DataOffset(words).From(uint16_t{7}));
    rig.In(Ack(1).Acks(1).DataOffset(words));
    rig.In(Data(1, 3).Acks(1).DataOffset(words));  // less text than the header claims
  }
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpHeader), 9u);
  rig.ExpectReceived(0);
  rig.In(Data(1, 10).Acks(1));
  rig.ExpectReceived(10);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
}

TEST_P(KnownFailures, HeaderLengthShorterThanTheHeader) {
  Rig rig(Base());
  for (const uint16_t words : {0, 1, 4}) rig.In(Syn(0).DataOffset(words));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpHeader), 3u);
}

// A backlog of 100 is full of clients that never answer; when the first of them is given up, and
// not before, there is room again. With the backlog of the configuration there always was.
TEST_P(KnownFailures, HundredUnansweredSynsThenAGoodClient) {
  Rig rig(Base());
  for (uint16_t i = 0; i < 100; ++i) {
    rig.NewConnection(static_cast<uint16_t>(1000 + i));
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
  }
  rig.NewConnection(kPeerPort);
  rig.Establish();
  rig.In(Data(1, 10).Acks(1));
  rig.ExpectReceived(10);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
}

TEST_P(KnownFailures, HundredUnansweredSynsThatFillTheBacklogAreGivenUpForAGoodClient) {
  Options options = Base();
  options.tcp.syn_backlog = 100;
  options.iss_near_wrap = false;
  Rig rig(options);
  for (uint16_t i = 0; i < 100; ++i) {
    rig.NewConnection(static_cast<uint16_t>(1000 + i));
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
  }
  rig.NewConnection(kPeerPort);
  rig.In(Syn(0).Mss(1460));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), 1u);
  rig.Advance(Seconds(64));  // 1 + 2 + 4 + 8 + 16 + 32
  rig.Discard();
  EXPECT_EQ(rig.counter(Counter::kTcpSynAckRetransmits), 500u);
  EXPECT_TRUE(rig.handler().closed.empty());  // nobody ever heard of them
  rig.NewConnection(kPeerPort);
  rig.Establish();
  rig.c().Abort();
  rig.Turn();
  rig.Out(RstAck(1).Acks(1));
  rig.ExpectEmpty();
}

// MUST-57
TEST_P(KnownFailures, SynToTheIpBroadcastAddress) {
  Rig rig(Base());
  const char* const v4[] = {"255.255.255.255", "198.18.0.255", "198.18.0.0"};
  const char* const v6[] = {"ff02::1", "ff02::2", "ff05::1"};  // the groups that come nearest to it
  for (const char* to : GetParam() ? v4 : v6) {
    SCOPED_TRACE(to);
    rig.In(Syn(0).Mss(1460).To(Address(to)));
    rig.In(Syn(0).Mss(1460).To(Address(to)).Broadcast());
    rig.Quiet();
  }
  EXPECT_TRUE(rig.other_frames.empty()) << "nor an ICMP error";
  rig.ExpectEmpty();
}

// MUST-57: even when its IP destination is ours alone.
TEST_P(KnownFailures, SynToTheEthernetBroadcastAddress) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460).Broadcast());
  rig.Quiet();
  EXPECT_TRUE(rig.other_frames.empty()) << "nor an ICMP error";
  EXPECT_EQ(rig.counter(Counter::kDropTcpMulticast), 1u);
  rig.ExpectEmpty();
}

WEIR_BOTH_FAMILIES(KnownFailures);

}  // namespace
}  // namespace weir::segment
