// The flood's hosts against a target that this test plays.
#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "flood/peers.h"
#include "gtest/gtest.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

constexpr uint32_t kTargetIss = 0xfffffff0;
constexpr uint32_t kHosts = 4;

IpAddress A(const char* text) { return *IpAddress::Parse(text); }

class FloodPeers : public testing::TestWithParam<bool> {
 protected:
  FloodPeers()
      : scene_{{{2, 0, 0, 0, 0, 1}},
               {{2, 0, 0, 0, 0, 2}},
               {GetParam() ? A("198.18.0.2") : A("2001:2::2"), 7},
               Sources(*Prefix::Parse(GetParam() ? "198.19.0.0/16" : "2001:2:0:ff00::/56")),
               {}} {}

  void Use(Mode mode, uint32_t hosts = 1) { peers_.emplace(mode, scene_, hosts, 0, 1, 9); }

  // What the hosts send next; nothing when they wait.
  std::optional<wire::Frame> Next() {
    octets_.assign(kFrameMax, 0);
    return Parse(peers_->Make(octets_.data(), now_));
  }
  // The target's segment for the host that sent `to`, and what it is answered with.
  std::optional<wire::Frame> Say(const wire::Frame& to, uint8_t flags, uint32_t seq, uint32_t ack,
                                 size_t text_size = 0) {
    const std::vector<uint8_t> text(text_size, 'e');
    const std::vector<uint8_t> said = SegmentFrame(scene_.target_mac, scene_.own_mac,
                                                   {.source = to.destination,
                                                    .destination = to.source,
                                                    .source_port = to.tcp.destination_port,
                                                    .destination_port = to.tcp.source_port,
                                                    .seq = seq,
                                                    .ack = ack,
                                                    .flags = flags,
                                                    .text = text});
    wire::Frame frame;
    wire::ParseFrame(said, {}, frame);
    octets_.assign(kFrameMax, 0);
    const auto size =
        peers_->Receive(*scene_.sources.PeerIndex(to.source), frame, octets_.data(), now_);
    expected_ = size.has_value();
    return Parse(size.value_or(0));
  }
  std::optional<wire::Frame> Parse(uint16_t size) {
    if (size == 0) return std::nullopt;
    octets_.resize(size);
    wire::Frame frame;
    wire::ParseFrame(octets_, {}, frame);
    EXPECT_EQ(frame.kind, wire::FrameKind::kTcp);
    EXPECT_TRUE(scene_.sources.PeerIndex(frame.source));
    return frame;
  }
  // A host with a connection; its SYN.
  wire::Frame Open() {
    const auto syn = Next();
    EXPECT_TRUE(syn && syn->tcp.flags == wire::kTcpSyn);
    const auto ack = Say(*syn, wire::kTcpSyn | wire::kTcpAck, kTargetIss, syn->tcp.seq.value + 1);
    EXPECT_TRUE(ack && ack->tcp.flags == wire::kTcpAck);
    EXPECT_EQ(ack->tcp.seq.value, syn->tcp.seq.value + 1);
    EXPECT_EQ(ack->tcp.ack.value, kTargetIss + 1);
    EXPECT_EQ(peers_->handshakes(), 1u);
    return *syn;
  }

  Scene scene_;
  std::optional<Peers> peers_;
  std::vector<uint8_t> octets_;
  Time now_{1000};
  bool expected_ = false;
};
INSTANTIATE_TEST_SUITE_P(, FloodPeers, testing::Bool(),
                         [](const auto& family) { return family.param ? "IPv4" : "IPv6"; });

TEST_P(FloodPeers, EachHostHasAnAddressOfItsOwnAndWaitsForItsAnswer) {
  Use(Mode::kConnect, kHosts);
  std::set<IpAddress> hosts;
  for (uint32_t i = 0; i < kHosts; ++i) hosts.insert(Next()->source);
  EXPECT_EQ(hosts.size(), kHosts);
  EXPECT_FALSE(Next());
  now_ = now_ + Seconds(1);
  EXPECT_TRUE(Next());  // a second attempt
}

TEST_P(FloodPeers, AnswerToAnotherSynIsNotBelieved) {
  Use(Mode::kConnect);
  const auto syn = Next();
  EXPECT_FALSE(Say(*syn, wire::kTcpSyn | wire::kTcpAck, 1, syn->tcp.seq.value + 2));
  EXPECT_EQ(peers_->handshakes(), 0u);
}

TEST_P(FloodPeers, ConnectForgetsAndOpensAgainFromAnotherPort) {
  Use(Mode::kConnect);
  const wire::Frame syn = Open();
  const auto next = Next();
  EXPECT_EQ(next->tcp.flags, wire::kTcpSyn);
  EXPECT_NE(next->tcp.source_port, syn.tcp.source_port);
}

TEST_P(FloodPeers, ResetEndsAConnection) {
  Use(Mode::kSlowloris);
  const wire::Frame syn = Open();
  EXPECT_FALSE(Say(syn, wire::kTcpRst, kTargetIss + 1, 0));
  EXPECT_EQ(peers_->resets(), 1u);
  EXPECT_EQ(Next()->tcp.flags, wire::kTcpSyn);
}

TEST_P(FloodPeers, ZeroWindowAsksAndThenTakesNothing) {
  Use(Mode::kZeroWindow);
  Open();
  const auto ask = Next();
  EXPECT_GT(ask->text_size, 0);
  EXPECT_EQ(ask->tcp.window, 0);
  const auto again = Next();
  EXPECT_EQ(again->text_size, 0);
  EXPECT_EQ(again->tcp.window, 0);
}

TEST_P(FloodPeers, SlowlorisSendsOneOctetAfterAnother) {
  Use(Mode::kSlowloris);
  const wire::Frame syn = Open();
  for (uint32_t i = 1; i < 5; ++i) {
    const auto octet = Next();
    EXPECT_EQ(octet->text_size, 1);
    EXPECT_EQ(octet->tcp.seq.value, syn.tcp.seq.value + i);
  }
}

TEST_P(FloodPeers, SlowReadAsksForMuchAndOpensAWindowOfOne) {
  Use(Mode::kSlowRead);
  const wire::Frame syn = Open();
  EXPECT_EQ(Next()->text_size, 1000);
  Say(syn, wire::kTcpAck, kTargetIss + 1, syn.tcp.seq.value + 1001, 64);
  const auto ack = Next();
  EXPECT_EQ(ack->tcp.window, 1);
  EXPECT_EQ(ack->tcp.ack.value, kTargetIss + 65);
}

TEST_P(FloodPeers, HalfCloseSendsFinAndNeverFinishes) {
  Use(Mode::kHalfClose);
  const wire::Frame syn = Open();
  EXPECT_TRUE(Next()->tcp.fin());
  EXPECT_FALSE(Say(syn, wire::kTcpFin | wire::kTcpAck, kTargetIss + 1, syn.tcp.seq.value + 2));
  EXPECT_EQ(Next()->tcp.flags, wire::kTcpSyn);
}

TEST_P(FloodPeers, ReuseOpensTheVeryTupleAgain) {
  Use(Mode::kReuse);
  const wire::Frame syn = Open();
  const auto fin = Next();
  EXPECT_TRUE(fin->tcp.fin());
  const auto last = Say(syn, wire::kTcpFin | wire::kTcpAck, kTargetIss + 1, fin->tcp.seq.value + 1);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->tcp.ack.value, kTargetIss + 2);
  const auto again = Next();
  EXPECT_EQ(again->tcp.flags, wire::kTcpSyn);
  EXPECT_EQ(again->tcp.source_port, syn.tcp.source_port);
  EXPECT_GT(again->tcp.seq, fin->tcp.seq);
}

TEST_P(FloodPeers, OutOfOrderLeavesGaps) {
  Use(Mode::kOutOfOrder);
  const wire::Frame syn = Open();
  std::set<uint32_t> places;
  for (int i = 0; i < 100; ++i) {
    const auto octet = Next();
    EXPECT_EQ(octet->text_size, 1);
    const uint32_t place = octet->tcp.seq.value - syn.tcp.seq.value - 1;
    EXPECT_EQ(place % 2, 1u);  // no two of them touch, and none is the next
    places.insert(place);
  }
  EXPECT_GT(places.size(), 90u);
}

TEST_P(FloodPeers, SackNamesFourBlocks) {
  Use(Mode::kSack);
  Open();
  EXPECT_EQ(Next()->text_size, 1000);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Next()->tcp.options.sack_count, 4);
}

TEST_P(FloodPeers, OptimistAcknowledgesWhatItHasNotSeen) {
  Use(Mode::kOptimisticAck);
  Open();
  EXPECT_EQ(Next()->text_size, 1000);
  uint32_t most = 0;
  for (int i = 0; i < 20; ++i) most = std::max(most, Next()->tcp.ack.value - kTargetIss - 1);
  EXPECT_GT(most, 1000u);
}

TEST_P(FloodPeers, DivisionAcknowledgesOctetByOctet) {
  Use(Mode::kAckDivision);
  const wire::Frame syn = Open();
  Next();
  Say(syn, wire::kTcpAck, kTargetIss + 1, syn.tcp.seq.value + 1001, 1000);
  for (uint32_t i = 1; i < 10; ++i) EXPECT_EQ(Next()->tcp.ack.value, kTargetIss + 1 + i);
}

TEST_P(FloodPeers, NeverAckKeepsAskingAndAcknowledgesNothing) {
  Use(Mode::kNeverAck);
  const wire::Frame syn = Open();
  for (int i = 0; i < 5; ++i) {
    const auto request = Next();
    EXPECT_EQ(request->text_size, 1000);
    EXPECT_EQ(request->tcp.ack.value, kTargetIss + 1);
    Say(syn, wire::kTcpAck, kTargetIss + 1, request->tcp.seq.value + 1000, 1000);
  }
}

TEST_P(FloodPeers, TimestampsAreRandomOnceAgreedOn) {
  Use(Mode::kTimestamps);
  Open();
  std::set<uint32_t> values;
  for (int i = 0; i < 50; ++i) {
    const auto octet = Next();
    ASSERT_TRUE(octet->tcp.options.has(wire::TcpOptions::kTimestamps));
    values.insert(octet->tcp.options.ts_value);
  }
  EXPECT_GT(values.size(), 45u);
}

TEST_P(FloodPeers, UrgentIsWhatEveryOctetSaysItIs) {
  Use(Mode::kUrgent);
  Open();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE((Next()->tcp.flags & wire::kTcpUrg) != 0);
}

TEST_P(FloodPeers, ReplayRepeatsTheValidAckAndCountsWhoTakesIt) {
  Use(Mode::kReplay);
  const wire::Frame syn = Open();
  EXPECT_TRUE(Next()->tcp.rst());
  for (int i = 0; i < 3; ++i) {
    const auto replay = Next();
    EXPECT_EQ(replay->tcp.seq.value, syn.tcp.seq.value + 1);
    EXPECT_EQ(replay->tcp.ack.value, kTargetIss + 1);
    EXPECT_EQ(replay->text_size, 8);
  }
  EXPECT_EQ(peers_->replays_taken(), 0u);
  Say(syn, wire::kTcpAck, kTargetIss + 1, syn.tcp.seq.value + 9, 8);
  Say(syn, wire::kTcpAck, kTargetIss + 1, syn.tcp.seq.value + 9, 8);
  EXPECT_EQ(peers_->replays_taken(), 1u);
}

TEST_P(FloodPeers, TextForNoConnectionIsNotExpected) {
  Use(Mode::kConnect);
  wire::Frame stranger = *Next();
  stranger.tcp.source_port ^= 1;
  Say(stranger, wire::kTcpAck, 1, 1, 8);
  EXPECT_FALSE(expected_);
}

}  // namespace
}  // namespace weir::flood
