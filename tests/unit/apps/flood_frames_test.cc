// The frames of each flood, read back by the same code that reads what a NIC received.
#include <array>
#include <map>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "flood/flood.h"
#include "flood/interlocks.h"
#include "flood/modes.h"
#include "flood/segment_template.h"
#include "gtest/gtest.h"
#include "runtime/toeplitz.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/nd.h"

namespace weir::flood {
namespace {

constexpr int kFrames = 300;
const wire::MacAddress kOwn{{2, 0, 0, 0, 0, 1}};
const wire::MacAddress kTarget{{2, 0, 0, 0, 0, 2}};

IpAddress A(const char* text) { return *IpAddress::Parse(text); }

Scene SceneOf(bool v4, bool live = false) {
  Scene scene{kOwn,
              kTarget,
              {v4 ? A("198.18.0.2") : A("2001:2::2"), 7},
              Sources(*Prefix::Parse(v4 ? "198.19.0.0/16" : "2001:2:0:ff00::/56")),
              {}};
  if (live) scene.live = {{v4 ? A("198.18.0.1") : A("2001:2::1"), 50001}};
  return scene;
}

// A frame with the octets it was read from.
struct Read {
  std::vector<uint8_t> octets;
  wire::Frame frame;
  bool tcp() const { return frame.kind == wire::FrameKind::kTcp; }
};

std::vector<Read> Frames(Mode mode, bool v4, bool live = false, int count = kFrames) {
  Flood flood({mode}, SceneOf(v4, live), 100, 1);
  std::vector<Read> frames;
  for (int i = 0; i < count; ++i) {
    Read read;
    read.octets.resize(kFrameMax);
    read.octets.resize(flood.Make(read.octets.data(), Time{}));
    wire::ParseFrame(read.octets, {}, read.frame);
    frames.push_back(std::move(read));
  }
  return frames;
}

uint8_t TtlOf(const std::vector<uint8_t>& octets, bool v4) { return octets[14 + (v4 ? 8 : 7)]; }

class FloodFrames : public testing::TestWithParam<bool> {
 protected:
  bool v4() const { return GetParam(); }
  std::vector<Read> Of(Mode mode, bool live = false) const { return Frames(mode, v4(), live); }
};
INSTANTIATE_TEST_SUITE_P(, FloodFrames, testing::Bool(),
                         [](const auto& family) { return family.param ? "IPv4" : "IPv6"; });

// Sources and destinations of every mode, whatever it is: nothing leaves the networks for tests,
// nothing lives long, nobody else's hardware is addressed but by the mode that is about that.
TEST_P(FloodFrames, StayInTheLab) {
  for (size_t i = 0; i < kModeCount; ++i) {
    const Mode mode = static_cast<Mode>(i);
    if (!HasFamily(mode, v4())) continue;
    SCOPED_TRACE(InfoOf(mode).name);
    const bool link_only = mode == Mode::kArp || mode == Mode::kArpGratuitous;
    const bool nd = mode == Mode::kNdSolicit || mode == Mode::kNdAdvert ||
                    mode == Mode::kNdRouter || (mode == Mode::kIcmpRedirect && !v4());
    for (const Read& read : Frames(mode, v4(), true, 64)) {
      ASSERT_GE(read.octets.size(), mode == Mode::kL2 ? 14u : 60u);
      ASSERT_LE(read.octets.size(), kFrameMax);
      if (mode == Mode::kL2 || link_only) continue;  // no IP header where it usually is
      ASSERT_EQ(TtlOf(read.octets, v4()), nd ? wire::kNdHopLimit : kFloodTtl);
      const uint8_t* ip = read.octets.data() + 14;
      const IpAddress source =
          v4() ? wire::LoadIpv4Address(ip + 12) : IpAddress::FromV6Octets(ip + 8);
      const IpAddress destination =
          v4() ? wire::LoadIpv4Address(ip + 16) : IpAddress::FromV6Octets(ip + 24);
      const Prefix& allowed = TestNetworks()[v4() ? 0 : 1];
      if (mode != Mode::kBadSource && !source.is_link_local_v6()) {
        ASSERT_TRUE(allowed.Contains(source)) << source.ToString();
      }
      if (!nd || mode == Mode::kIcmpRedirect) {
        ASSERT_EQ(destination, SceneOf(v4()).target.address);
        ASSERT_EQ(wire::MacAddress::FromOctets(read.octets.data()), kTarget);
      } else {
        ASSERT_TRUE(destination.is_multicast());
      }
    }
  }
}

TEST_P(FloodFrames, SynIsLinuxsFromManySources) {
  std::set<IpAddress> sources;
  std::set<uint32_t> numbers;
  for (const Read& read : Of(Mode::kSyn)) {
    ASSERT_TRUE(read.tcp());
    const wire::TcpHeader& tcp = read.frame.tcp;
    EXPECT_EQ(tcp.flags, wire::kTcpSyn);
    EXPECT_EQ(tcp.destination_port, 7);
    EXPECT_GE(tcp.source_port, 1024);
    EXPECT_EQ(tcp.options.present, wire::TcpOptions::kMss | wire::TcpOptions::kWindowScale |
                                       wire::TcpOptions::kSackPermitted |
                                       wire::TcpOptions::kTimestamps);
    EXPECT_EQ(tcp.options.mss, 1460);
    EXPECT_EQ(tcp.options.window_scale, 7);
    EXPECT_EQ(read.octets.size(), v4() ? 74u : 94u);
    sources.insert(read.frame.source);
    numbers.insert(tcp.seq.value);
  }
  EXPECT_GT(sources.size(), kFrames * 9 / 10u);
  EXPECT_GT(numbers.size(), kFrames * 9 / 10u);
}

TEST_P(FloodFrames, BareSynHasNoOptions) {
  for (const Read& read : Of(Mode::kSynBare)) {
    ASSERT_TRUE(read.tcp());
    EXPECT_EQ(read.frame.tcp.flags, wire::kTcpSyn);
    EXPECT_EQ(read.frame.tcp.options.present, 0);
    EXPECT_EQ(read.octets.size(), v4() ? 60u : 74u);
  }
}

TEST_P(FloodFrames, SourcesAreAsFewAsTheModeSays) {
  const auto sources = [this](Mode mode, bool live) {
    std::set<IpAddress> addresses;
    for (const Read& read : Of(mode, live)) addresses.insert(read.frame.source);
    return addresses.size();
  };
  EXPECT_EQ(sources(Mode::kSynOneSource, false), 1u);
  EXPECT_EQ(sources(Mode::kSynPrefix, false), 256u);
  EXPECT_EQ(sources(Mode::kSynFixed, false), 1u);
  EXPECT_EQ(sources(Mode::kSynLive, true), 1u);
  EXPECT_GT(sources(Mode::kSynLive, false), 100u);  // without flows: random ones
}

TEST_P(FloodFrames, FixedTupleChangesItsNumberOnly) {
  std::set<uint16_t> ports;
  std::set<uint32_t> numbers;
  for (const Read& read : Of(Mode::kSynFixed)) {
    ports.insert(read.frame.tcp.source_port);
    numbers.insert(read.frame.tcp.seq.value);
  }
  EXPECT_EQ(ports.size(), 1u);
  EXPECT_GT(numbers.size(), 200u);
}

TEST_P(FloodFrames, LiveTuplesAreTheFlows) {
  for (const Mode mode : {Mode::kSynLive, Mode::kRst, Mode::kFin, Mode::kData}) {
    for (const Read& read : Of(mode, true)) {
      ASSERT_TRUE(read.tcp());
      EXPECT_EQ(read.frame.source, SceneOf(v4(), true).live[0].address);
      EXPECT_EQ(read.frame.tcp.source_port, 50001);
    }
  }
}

// Under the key of Microsoft's examples, which drivers start with.
TEST_P(FloodFrames, CollidingTuplesAreManyAndHashAlike) {
  constexpr std::array<uint8_t, 40> kKey = {
      0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
      0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
      0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
  const runtime::Toeplitz toeplitz(kKey);
  std::set<std::pair<IpAddress, uint16_t>> tuples;
  for (const Read& read : Of(Mode::kSynCollide)) {
    ASSERT_TRUE(read.tcp());
    tuples.insert({read.frame.source, read.frame.tcp.source_port});
    const uint32_t hash =
        toeplitz.Hash({read.frame.source, read.frame.destination, read.frame.tcp.source_port,
                       read.frame.tcp.destination_port});
    EXPECT_EQ(hash & 0x7f, 0u);
  }
  EXPECT_GT(tuples.size(), size_t{kFrames} * 9 / 10);
}

TEST_P(FloodFrames, SynTextCarriesUpToFullSegments) {
  std::set<uint16_t> sizes;
  for (const Read& read : Of(Mode::kSynText)) {
    ASSERT_TRUE(read.tcp());
    EXPECT_EQ(read.frame.tcp.flags, wire::kTcpSyn);
    sizes.insert(read.frame.text_size);
  }
  EXPECT_EQ(sizes, (std::set<uint16_t>{1, 64, 512, 1398}));
}

TEST_P(FloodFrames, JunkOptionsAreOfEveryKind) {
  int malformed = 0, mss_zero = 0, scale = 0, none = 0;
  for (const Read& read : Of(Mode::kSynJunk)) {
    ASSERT_TRUE(read.tcp());
    const wire::TcpOptions& options = read.frame.tcp.options;
    EXPECT_EQ(read.frame.tcp.flags, wire::kTcpSyn);
    malformed += options.has(wire::TcpOptions::kMalformed);
    mss_zero += options.has(wire::TcpOptions::kMss) && options.mss == 0;
    scale += options.has(wire::TcpOptions::kWindowScale) && options.window_scale == 255;
    none += options.present == 0;
  }
  EXPECT_GT(malformed, 0);
  EXPECT_GT(mss_zero, 0);
  EXPECT_GT(scale, 0);
  EXPECT_GT(none, 0);
}

TEST_P(FloodFrames, FlagsAreOnesThatNoTcpSends) {
  std::set<uint8_t> flags;
  for (const Read& read : Of(Mode::kFlags)) {
    if (read.tcp()) flags.insert(read.frame.tcp.flags);
  }
  for (const int expected : {0x03, 0x06, 0x22, 0x00, 0x3f, 0xff}) {
    EXPECT_TRUE(flags.contains(static_cast<uint8_t>(expected))) << expected;
  }
}

TEST_P(FloodFrames, ClosedPortsAreNeverTheTargets) {
  std::set<uint16_t> ports;
  for (const Read& read : Of(Mode::kClosedPorts)) {
    ASSERT_TRUE(read.tcp());
    EXPECT_NE(read.frame.tcp.destination_port, 7);
    ports.insert(read.frame.tcp.destination_port);
  }
  EXPECT_GT(ports.size(), 250u);
}

TEST_P(FloodFrames, AcknowledgementsHaveRandomNumbers) {
  const std::map<Mode, std::pair<int, int>> modes = {
      {Mode::kSynAck, {wire::kTcpSyn | wire::kTcpAck, 0}},
      {Mode::kAck, {wire::kTcpAck, 0}},
      {Mode::kAckText, {wire::kTcpAck | wire::kTcpPsh, 8}},
      {Mode::kData, {wire::kTcpAck | wire::kTcpPsh, 64}},
  };
  for (const auto& [mode, expected] : modes) {
    SCOPED_TRACE(InfoOf(mode).name);
    std::set<uint32_t> numbers;
    for (const Read& read : Of(mode)) {
      ASSERT_TRUE(read.tcp());
      EXPECT_EQ(read.frame.tcp.flags, expected.first);
      EXPECT_EQ(read.frame.text_size, expected.second);
      numbers.insert(read.frame.tcp.ack.value);
    }
    EXPECT_GT(numbers.size(), 290u);
  }
}

TEST_P(FloodFrames, ResetsAndFinsAreThat) {
  for (const Read& read : Of(Mode::kRst)) EXPECT_TRUE(read.frame.tcp.rst());
  for (const Read& read : Of(Mode::kFin)) EXPECT_TRUE(read.frame.tcp.fin());
}

TEST_P(FloodFrames, FastOpenHasACookieAndText) {
  for (const Read& read : Of(Mode::kFastOpen)) {
    ASSERT_TRUE(read.tcp());
    EXPECT_GT(read.frame.text_size, 0);
    const uint8_t* options = read.octets.data() + read.frame.l4_offset + 20;
    EXPECT_EQ(options[6], 34);
    EXPECT_EQ(options[7], 10);
  }
}

TEST_P(FloodFrames, BadChecksumIsOneBitWrong) {
  for (const Read& read : Of(Mode::kBadChecksum)) {
    EXPECT_EQ(read.frame.kind, wire::FrameKind::kDropped);
    EXPECT_EQ(read.frame.drop, Counter::kDropTcpChecksum);
    wire::Frame believed;
    wire::ParseFrame(read.octets, {.ip_checksum_good = true, .l4_checksum_good = true}, believed);
    ASSERT_EQ(believed.kind, wire::FrameKind::kTcp);
    const std::span<const uint8_t> segment(read.octets.data() + believed.l4_offset,
                                           believed.l4_size);
    std::vector<uint8_t> right(segment.begin(), segment.end());
    StoreBe16(&right[16], 0);
    const uint16_t checksum =
        wire::TransportChecksum(believed.source, believed.destination, wire::kProtocolTcp, right);
    EXPECT_EQ(__builtin_popcount(checksum ^ LoadBe16(&segment[16])), 1);
  }
}

TEST_P(FloodFrames, LandIsFromTheTargetItself) {
  for (const Read& read : Of(Mode::kLand)) {
    ASSERT_TRUE(read.tcp());
    EXPECT_EQ(read.frame.source, read.frame.destination);
    EXPECT_EQ(read.frame.tcp.source_port, read.frame.tcp.destination_port);
  }
}

TEST_P(FloodFrames, BadSourcesAreRefusedByTheParser) {
  for (const Read& read : Of(Mode::kBadSource)) {
    EXPECT_EQ(read.frame.kind, wire::FrameKind::kDropped);
    EXPECT_NE(read.frame.drop, Counter::kDropTcpChecksum);
  }
}

TEST_P(FloodFrames, FragmentsAreFragments) {
  const Counter expected = v4() ? Counter::kDropIpv4Fragment : Counter::kDropIpv6Fragment;
  for (const Mode mode : {Mode::kFragmentsTiny, Mode::kFragmentsOverlap, Mode::kFragmentsEndless}) {
    SCOPED_TRACE(InfoOf(mode).name);
    for (const Read& read : Of(mode)) {
      EXPECT_EQ(read.frame.kind, wire::FrameKind::kDropped);
      EXPECT_EQ(read.frame.drop, expected);
    }
  }
}

// Offset in octets and "more fragments" of a frame.
std::pair<unsigned, bool> FragmentOf(const Read& read, bool v4) {
  if (!v4) {
    const uint16_t field = LoadBe16(&read.octets[14 + 40 + 2]);
    return {field & 0xfff8u, (field & 1) != 0};
  }
  const uint16_t field = LoadBe16(&read.octets[14 + 6]);
  return {(field & 0x1fffu) * 8, (field & 0x2000) != 0};
}

uint32_t DatagramOf(const Read& read, bool v4) {
  return v4 ? LoadBe16(&read.octets[14 + 4]) : LoadBe32(&read.octets[14 + 40 + 4]);
}

TEST_P(FloodFrames, TinyFragmentsCutTheHeader) {
  const std::vector<Read> frames = Of(Mode::kFragmentsTiny);
  EXPECT_EQ(FragmentOf(frames[0], v4()), std::make_pair(0u, true));
  EXPECT_EQ(FragmentOf(frames[1], v4()), std::make_pair(8u, false));
  EXPECT_EQ(DatagramOf(frames[0], v4()), DatagramOf(frames[1], v4()));
  EXPECT_NE(DatagramOf(frames[0], v4()), DatagramOf(frames[2], v4()));
}

TEST_P(FloodFrames, OverlappingFragmentsOverlap) {
  const std::vector<Read> frames = Of(Mode::kFragmentsOverlap);
  const size_t first_size = LoadBe16(&frames[0].octets[14 + (v4() ? 2 : 4)]) - (v4() ? 20u : 8u);
  EXPECT_EQ(first_size, 24u);
  EXPECT_EQ(FragmentOf(frames[1], v4()), std::make_pair(8u, false));
}

TEST_P(FloodFrames, EndlessFragmentsNeverEnd) {
  std::set<unsigned> offsets;
  for (const Read& read : Of(Mode::kFragmentsEndless)) {
    EXPECT_TRUE(FragmentOf(read, v4()).second);
    offsets.insert(FragmentOf(read, v4()).first);
  }
  EXPECT_GT(offsets.size(), 200u);
}

TEST_P(FloodFrames, IcmpErrorsQuoteWhatTheTargetIsSaidToHaveSent) {
  for (const Mode mode : {Mode::kIcmpTooBig, Mode::kIcmpUnreachable}) {
    for (const bool live : {false, true}) {
      SCOPED_TRACE(InfoOf(mode).name);
      std::set<uint32_t> numbers;
      for (const Read& read : Of(mode, live)) {
        ASSERT_EQ(read.frame.kind, v4() ? wire::FrameKind::kIcmp : wire::FrameKind::kIcmpv6);
        wire::QuotedSegment quoted;
        ASSERT_TRUE(wire::ParseQuoted(
            {read.octets.data() + read.frame.l4_offset, read.frame.l4_size}, v4(), quoted));
        EXPECT_EQ(quoted.kind == wire::IcmpErrorKind::kPacketTooBig, mode == Mode::kIcmpTooBig);
        EXPECT_EQ(quoted.source, SceneOf(v4()).target.address);
        EXPECT_EQ(quoted.source_port, 7);
        if (live) {
          EXPECT_EQ(quoted.destination, SceneOf(v4(), true).live[0].address);
          EXPECT_EQ(quoted.destination_port, 50001);
        }
        numbers.insert(quoted.seq.value);
      }
      EXPECT_GT(numbers.size(), 290u);
    }
  }
}

TEST_P(FloodFrames, OtherIcmpIsSoundAndOfItsType) {
  const std::vector<Read> echoes = Of(Mode::kIcmpEcho);
  for (const Read& read : echoes) {
    ASSERT_EQ(read.frame.kind, v4() ? wire::FrameKind::kIcmp : wire::FrameKind::kIcmpv6);
    EXPECT_EQ(read.octets[read.frame.l4_offset], v4() ? wire::kIcmpEcho : wire::kIcmpv6Echo);
  }
  for (const Read& read : Of(Mode::kIcmpRedirect)) {
    ASSERT_EQ(read.frame.kind, v4() ? wire::FrameKind::kIcmp : wire::FrameKind::kIcmpv6);
    EXPECT_EQ(read.octets[read.frame.l4_offset], v4() ? wire::kIcmpRedirect : wire::kNdRedirect);
  }
}

TEST(FloodFramesV4, QuenchIsSound) {
  for (const Read& read : Frames(Mode::kIcmpQuench, true)) {
    ASSERT_EQ(read.frame.kind, wire::FrameKind::kIcmp);
    EXPECT_EQ(read.octets[read.frame.l4_offset], wire::kIcmpSourceQuench);
  }
}

TEST(FloodFramesV4, ArpAsksOrAnnounces) {
  for (const Mode mode : {Mode::kArp, Mode::kArpGratuitous}) {
    std::set<IpAddress> senders;
    for (const Read& read : Frames(mode, true)) {
      ASSERT_EQ(read.frame.kind, wire::FrameKind::kArp);
      wire::ArpPacket arp;
      ASSERT_TRUE(wire::ParseArp({read.octets.data() + 14, wire::kArpSize}, arp));
      EXPECT_EQ(arp.sender_mac, read.frame.source_mac);
      EXPECT_EQ(arp.target, mode == Mode::kArp ? A("198.18.0.2") : arp.sender);
      EXPECT_TRUE(TestNetworks()[0].Contains(arp.sender));
      senders.insert(arp.sender);
    }
    EXPECT_GT(senders.size(), 250u);
  }
}

TEST(FloodFramesV6, NeighbourDiscoveryIsValid) {
  const std::map<Mode, uint8_t> modes = {{Mode::kNdSolicit, wire::kNdNeighborSolicitation},
                                         {Mode::kNdAdvert, wire::kNdNeighborAdvertisement},
                                         {Mode::kNdRouter, wire::kNdRouterAdvertisement}};
  for (const auto& [mode, type] : modes) {
    SCOPED_TRACE(InfoOf(mode).name);
    std::set<IpAddress> sources;
    for (const Read& read : Frames(mode, false)) {
      ASSERT_EQ(read.frame.kind, wire::FrameKind::kIcmpv6);
      wire::NdMessage nd;
      ASSERT_EQ(wire::ParseNd({read.octets.data() + read.frame.l4_offset, read.frame.l4_size},
                              read.frame, nd),
                wire::kNoDrop);
      EXPECT_EQ(nd.type, type);
      sources.insert(read.frame.source);
    }
    EXPECT_GT(sources.size(), 290u);
  }
}

TEST_P(FloodFrames, OddFramesAreForOthersTaggedCutOrForeign) {
  int others = 0, tagged = 0, dropped = 0;
  for (const Read& read : Of(Mode::kL2)) {
    others += !(wire::MacAddress::FromOctets(read.octets.data()) == kTarget);
    tagged += read.tcp() && read.frame.vlan != 0;
    dropped += read.frame.kind == wire::FrameKind::kDropped;
    // Nothing among them is an ordinary SYN for the target.
    EXPECT_FALSE(read.tcp() && read.frame.vlan == 0 && read.frame.destination_mac == kTarget);
  }
  EXPECT_GT(others, kFrames / 8);
  EXPECT_GT(tagged, 0);
  EXPECT_GT(dropped, kFrames / 8);
}

TEST(SegmentTemplate, StampsRightChecksumsForAnyFields) {
  Prng random(7);
  for (const bool v4 : {true, false}) {
    const std::vector<uint8_t> text = {1, 2, 3};  // an odd size
    const std::vector<uint8_t> options = {1, 1, 8, 10, 9, 9, 9, 9, 8, 8, 8, 8};
    const Scene scene = SceneOf(v4);
    const SegmentTemplate segment(SegmentFrame(kOwn, kTarget,
                                               {.source = scene.sources.Neighbour(1),
                                                .destination = scene.target.address,
                                                .source_port = 1,
                                                .destination_port = 2,
                                                .seq = 3,
                                                .ack = 4,
                                                .flags = wire::kTcpAck,
                                                .urgent = 5,
                                                .options = options,
                                                .text = text}),
                                  24);
    for (int i = 0; i < 2000; ++i) {
      SegmentTemplate::Fields fields;
      fields.source = scene.sources.Random(random);
      fields.source_port = static_cast<uint16_t>(random.Next());
      fields.destination_port = static_cast<uint16_t>(random.Next());
      fields.seq = static_cast<uint32_t>(random.Next());
      fields.ack = static_cast<uint32_t>(random.Next());
      fields.window = static_cast<uint16_t>(random.Next());
      fields.urgent = static_cast<uint16_t>(random.Next());
      fields.ts_value = static_cast<uint32_t>(random.Next());
      fields.ts_echo = static_cast<uint32_t>(random.Next());
      std::vector<uint8_t> octets(segment.size());
      ASSERT_EQ(segment.Stamp(fields, octets.data()), octets.size());
      wire::Frame frame;
      wire::ParseFrame(octets, {}, frame);
      ASSERT_EQ(frame.kind, wire::FrameKind::kTcp);
      EXPECT_EQ(frame.source, fields.source);
      EXPECT_EQ(frame.tcp.source_port, fields.source_port);
      EXPECT_EQ(frame.tcp.destination_port, fields.destination_port);
      EXPECT_EQ(frame.tcp.seq.value, fields.seq);
      EXPECT_EQ(frame.tcp.ack.value, fields.ack);
      EXPECT_EQ(frame.tcp.window, fields.window);
      EXPECT_EQ(frame.tcp.urgent, fields.urgent);
      EXPECT_EQ(frame.tcp.options.ts_value, fields.ts_value);
      EXPECT_EQ(frame.tcp.options.ts_echo, fields.ts_echo);
      EXPECT_EQ(frame.text_size, 3);
    }
  }
}

TEST(FloodModes, NamesAreKnownOnceEach) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kModeCount; ++i) {
    const ModeInfo& info = InfoOf(static_cast<Mode>(i));
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    const auto modes = ParseModes({std::string(info.name)});
    ASSERT_TRUE(modes.ok());
    EXPECT_EQ(*modes, std::vector<Mode>{static_cast<Mode>(i)});
  }
}

TEST(FloodModes, ListHasEveryRowOfTheCatalogue) {
  const std::string list = ModeList();
  for (int row = 1; row <= 35; ++row) {
    EXPECT_NE(list.find(" F" + std::to_string(row) + " "), std::string::npos) << row;
  }
}

TEST(FloodModes, MixturesStandForSeveralAndRepeatsForOne) {
  const auto carpet = ParseModes({"carpet", "syn"});
  ASSERT_TRUE(carpet.ok());
  EXPECT_EQ(carpet->size(), 4u);
  EXPECT_FALSE(ParseModes({"syn", "sync"}).ok());
  EXPECT_FALSE(ParseModes({}).ok());
}

}  // namespace
}  // namespace weir::flood
