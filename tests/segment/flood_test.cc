// Every flood of the catalogue (F1 to F35, docs/resilience.md) against a whole stack: connections
// go on, clients are served at their first SYN, memory stays where it was, and no more goes out
// than came in.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <tuple>

#include "segment/flooded.h"

namespace weir::segment {
namespace {

using flood::Mode;

#ifdef __SANITIZE_ADDRESS__
constexpr uint32_t kFrames = 4000;
#else
constexpr uint32_t kFrames = 40000;
#endif

// Small bounds, so that a flood meets them.
tcp::TcpConfig Bounded() {
  tcp::TcpConfig config;
  config.max_connections = 32768;
  config.max_orphans = 256;
  config.max_half_open = 256;
  config.max_time_wait = 512;
  config.max_flights = 1024;
  config.kept_buffers = 2048;
  config.text_buffers = 1024;
  config.syn_backlog = 128;
  return config;
}

// What a mode may make the server send, for each frame and octet that it sends itself.
struct Limits {
  double packets = 1;
  double octets = 1;
};

Limits LimitsOf(Mode mode) {
  switch (mode) {
    // Before the backlog is full, SYNs are remembered and their SYN-ACKs sent again.
    case Mode::kSyn:
    case Mode::kSynBare:
    case Mode::kSynOneSource:
    case Mode::kSynPrefix:
    case Mode::kSynCollide:
    case Mode::kSynText:
    case Mode::kSynJunk:
    case Mode::kFastOpen:
      return {1.1, 1.1};
    // Nothing at all.
    case Mode::kBadChecksum:
    case Mode::kBadSource:
    case Mode::kLand:
    case Mode::kFragmentsTiny:
    case Mode::kFragmentsOverlap:
    case Mode::kFragmentsEndless:
    case Mode::kIcmpTooBig:
    case Mode::kIcmpUnreachable:
    case Mode::kIcmpRedirect:
    case Mode::kIcmpQuench:
    case Mode::kNdAdvert:
    case Mode::kNdRouter:
    case Mode::kArpGratuitous:
      return {0, 0};
    // Peers that speak get answers: an echo is a service, not a reflection.
    case Mode::kSlowRead:
    case Mode::kNeverAck:
    case Mode::kAckDivision:
    case Mode::kSack:
    case Mode::kOptimisticAck:
      return {2, 4};
    case Mode::kZeroWindow:
      return {2, 2};
    case Mode::kHalfClose:
    case Mode::kReuse:
    case Mode::kConnect:
      return {2, 2};
    default:
      return {};
  }
}

std::string NameOf(Mode mode) {
  std::string name(flood::InfoOf(mode).name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// --- one mode after another ---

class EveryFlood : public testing::TestWithParam<std::tuple<Mode, bool>> {};

TEST_P(EveryFlood, LeavesConnectionsAloneAndMemoryFlat) {
  const auto [mode, v4] = GetParam();
  Flooded rig(v4, Bounded());
  rig.Start();
  rig.Flood({mode}, kFrames);
  std::cout << rig.Report(NameOf(mode)) << std::endl;
  const FloodFigures figures = rig.figures();
  const uint64_t echoed = rig.echoed();
  EXPECT_TRUE(rig.alive());
  EXPECT_GE(echoed, kFrames / 16 * 90) << "it talked in nearly every step";
  EXPECT_EQ(rig.client_retransmits(), 0u) << "first SYNs, and nothing was lost";
  rig.Rest(Milliseconds(2100));
  EXPECT_EQ(rig.served(), rig.tried());
  EXPECT_GE(rig.tried(), kFrames / 160);
  EXPECT_TRUE(rig.alive());
  EXPECT_GT(rig.echoed(), echoed);

  const Limits limits = LimitsOf(mode);
  EXPECT_LE(figures.packets_ratio(), limits.packets);
  EXPECT_LE(figures.octets_ratio(), limits.octets);
  EXPECT_LE(figures.half_open, 128u + 1);
  const bool peers = flood::InfoOf(mode).made == flood::MadeBy::kPeers;
  EXPECT_LE(figures.buffers, peers ? 2048u + 64 : 64u);
  EXPECT_LE(rig.strangers(), rig.handshakes()) << "nobody got in without a handshake";
  EXPECT_EQ(rig.replays_taken(), 0u);
  if (!peers) {
    EXPECT_LE(figures.connections, 128u + 512 + 64);
  }
  rig.End();
}

std::vector<std::tuple<Mode, bool>> ModesAndFamilies() {
  std::vector<std::tuple<Mode, bool>> all;
  for (const bool v4 : {true, false}) {
    for (size_t i = 0; i < flood::kModeCount; ++i) {
      const auto mode = static_cast<Mode>(i);
      if (flood::HasFamily(mode, v4)) all.push_back({mode, v4});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(, EveryFlood, testing::ValuesIn(ModesAndFamilies()), [](const auto& test) {
  return NameOf(std::get<0>(test.param)) + (std::get<1>(test.param) ? "_Ipv4" : "_Ipv6");
});

// --- several at once, and what one of them must meet in particular ---

class Floods : public testing::TestWithParam<bool> {
 protected:
  static tcp::TcpConfig AlwaysCookies() {
    tcp::TcpConfig config = Bounded();
    config.syn_cookies = SynCookies::kAlways;
    return config;
  }
  // Everybody was served, and nothing is left.
  static void ExpectUnharmed(Flooded& rig) {
    EXPECT_TRUE(rig.alive());
    EXPECT_EQ(rig.client_retransmits(), 0u);
    rig.Rest(Milliseconds(2100));
    EXPECT_EQ(rig.served(), rig.tried());
    rig.End();
  }
};

// F12, requirement G8: 1/16 of a connection is expected of 2^20.
TEST_P(Floods, OfForgedAcksWhileCookiesAreOutOpenNoMoreThanChanceHasIt) {
#ifdef __SANITIZE_ADDRESS__
  constexpr uint32_t kAcks = 1u << 20;
#else
  constexpr uint32_t kAcks = 1u << 22;
#endif
  Flooded rig(GetParam(), AlwaysCookies());
  rig.Start();
  rig.Flood({Mode::kAckText}, kAcks, {.frames = 400, .step = Milliseconds(10)});
  std::cout << rig.Report("ack-text, armed") << std::endl;
  const uint64_t acks = rig.figures().frames_in;
  const double expected = static_cast<double>(acks) / (1 << 24);
  EXPECT_LE(rig.strangers(), expected + 3 * std::sqrt(expected));
  EXPECT_EQ(rig.counter(Counter::kDropTcpCookie) + rig.strangers(), acks);
  EXPECT_EQ(rig.counter(Counter::kTcpResetsSent), 0u) << "requirement C10";
  EXPECT_LE(rig.figures().frames_out, rig.strangers() * 16) << "the echo, and the echo again";
  ExpectUnharmed(rig);
}

// F13: they were good once; each has made its connection, which was reset at once.
TEST_P(Floods, OfReplayedAcksOpenNothing) {
#ifdef __SANITIZE_ADDRESS__
  constexpr uint32_t kAcks = 100000;
#else
  constexpr uint32_t kAcks = 1000000;
#endif
  Flooded rig(GetParam(), AlwaysCookies());
  rig.Start();
  rig.Flood({Mode::kReplay}, kAcks, {.peers = 1, .frames = 400, .step = Milliseconds(10)});
  std::cout << rig.Report("replay, armed") << std::endl;
  EXPECT_EQ(rig.handshakes(), 1u);
  EXPECT_EQ(rig.strangers(), 1u);
  EXPECT_EQ(rig.replays_taken(), 0u);
  // But for those of the first step, which came before the reset had been dealt with.
  EXPECT_GE(rig.counter(Counter::kDropTcpCookieReplayed), rig.figures().frames_in - 500);
  ExpectUnharmed(rig);
}

// F31.
TEST_P(Floods, OfAllKindsAtOnceAreTheSumOfTheirParts) {
  Flooded rig(GetParam(), Bounded());
  rig.Start();
  rig.Flood({Mode::kSyn, Mode::kAck, Mode::kFragmentsTiny, Mode::kOutOfOrder}, kFrames);
  std::cout << rig.Report("carpet") << std::endl;
  EXPECT_LE(rig.figures().packets_ratio(), 0.55);
  EXPECT_LE(rig.figures().octets_ratio(), 0.6);
  EXPECT_LE(rig.figures().half_open, 129u);
  EXPECT_LE(rig.figures().buffers, 2048u);
  EXPECT_EQ(rig.strangers(), rig.handshakes());
  ExpectUnharmed(rig);
}

// F19: a server that has as many connections as it may takes no more, says nothing to those that
// come, and goes on with those that it has.
TEST_P(Floods, OfConnectionsEndAtTheBoundAndHarmNoneThatIsOpen) {
  tcp::TcpConfig config = Bounded();
  config.max_connections = 256;
  Flooded rig(GetParam(), config);
  rig.Start();
  rig.Flood({Mode::kConnect}, kFrames);
  std::cout << rig.Report("connect, bounded") << std::endl;
  EXPECT_TRUE(rig.alive());
  EXPECT_GE(rig.echoed(), kFrames / 16 * 90);
  EXPECT_LE(rig.figures().connections, 256u + 256 + 512);
  EXPECT_GT(rig.counter(Counter::kDropTcpNoTcb), 0u);
  EXPECT_LE(rig.figures().packets_ratio(), 1);
  EXPECT_LE(rig.strangers(), 256u);
  rig.End();
}

// F22: what the application has closed is not kept for ever by who does not close.
TEST_P(Floods, OfHalfClosedConnectionsEndAtTheBoundOfOrphans) {
  Flooded rig(GetParam(), Bounded());
  rig.Start();
  rig.Flood({Mode::kHalfClose}, kFrames);
  std::cout << rig.Report("half-close, bounded") << std::endl;
  EXPECT_LE(rig.engine().usage().orphans, 256u);
  EXPECT_LE(rig.figures().connections, 1024u);
  EXPECT_GT(rig.counter(Counter::kTcpOrphansRefused), 0u);
  ExpectUnharmed(rig);
}

// F27: text that nobody acknowledges or reads keeps no more buffers than connections may keep. What
// comes then waits with its sender; reception and handshakes go on.
TEST_P(Floods, OfPeersThatNeverAcknowledgeLeaveBuffersToOthers) {
  tcp::TcpConfig config = Bounded();
  config.text_buffers = 256;
  Flooded rig(GetParam(), config);
  rig.Start();
  rig.Flood({Mode::kNeverAck}, kFrames, {.peers = 200});
  std::cout << rig.Report("never-ack, bounded") << std::endl;
  EXPECT_LE(rig.figures().buffers, 2048u + 64);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoBuffer), 0u);
  EXPECT_GT(rig.counter(Counter::kDropTcpKeptBuffers), 0u) << "or this shows nothing";
  EXPECT_TRUE(rig.alive());
  const uint64_t before = rig.echoed();
  rig.Rest(Seconds(2000));  // R2 gives the peers up
  EXPECT_TRUE(rig.alive());
  EXPECT_GT(rig.echoed(), before) << "and the client goes on where it was";
  rig.End();
}

// F23: TIME-WAIT fills, the oldest give way, and the client finds its place in it.
TEST_P(Floods, OfClosedConnectionsFillTimeWaitToItsBound) {
  tcp::TcpConfig config = Bounded();
  config.max_time_wait = 16;
  Flooded rig(GetParam(), config);
  rig.Start();
  rig.Flood({Mode::kReuse}, kFrames);
  std::cout << rig.Report("reuse, bounded") << std::endl;
  EXPECT_LE(rig.engine().usage().time_wait, 16u);
  EXPECT_GE(rig.strangers(), kFrames / 4);
  ExpectUnharmed(rig);
}

INSTANTIATE_TEST_SUITE_P(, Floods, testing::Bool(),
                         [](const auto& test) { return test.param ? "Ipv4" : "Ipv6"; });

}  // namespace
}  // namespace weir::segment
