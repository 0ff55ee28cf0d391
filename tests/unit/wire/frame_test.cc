// Whole frames: what is accepted, the reason for what is not, and that nothing is read out of
// bounds.
#include "wire/frame.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/bytes.h"
#include "base/prng.h"
#include "unit/wire/sample_frames.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

namespace weir::wire {
namespace {

const Octets kText = {'h', 'e', 'l', 'l', 'o'};

Frame Parsed(const Octets& octets, const FrameHints& hints = {}) {
  Frame frame;
  ParseFrame(octets, hints, frame);
  EXPECT_EQ(frame.kind == FrameKind::kDropped, frame.drop != kNoDrop);
  return frame;
}

Octets WithTags(Octets frame, const Octets& tags) {
  frame.insert(frame.begin() + 12, tags.begin(), tags.end());
  return frame;
}

TEST(Frame, OfTcpOverIpv4SaysWhereEverythingIs) {
  Octets octets = TcpFrame(true, DataHeader(), kText);
  octets[15] = 0x2e;  // DSCP and ECN
  FixIpv4Checksum(octets);
  const Frame frame = Parsed(octets + Octets(7));  // padding
  EXPECT_EQ(frame.kind, FrameKind::kTcp);
  EXPECT_TRUE(frame.v4);
  EXPECT_FALSE(frame.l2_multicast);
  EXPECT_EQ(frame.ttl, 64);
  EXPECT_EQ(frame.dscp_ecn, 0x2e);
  EXPECT_EQ(frame.vlan, 0);
  EXPECT_EQ(frame.l3_offset, 14);
  EXPECT_EQ(frame.l4_offset, 34);
  EXPECT_EQ(frame.l4_size, 37);
  EXPECT_EQ(frame.text_offset, 66);
  EXPECT_EQ(frame.text_size, 5);
  EXPECT_EQ(frame.source_mac, kClientMac);
  EXPECT_EQ(frame.destination_mac, kServerMac);
  EXPECT_EQ(frame.source, kClient4);
  EXPECT_EQ(frame.destination, kServer4);
  EXPECT_EQ(frame.tcp.source_port, 4000);
  EXPECT_EQ(frame.tcp.seq, Seq(0xfffffffe));
  EXPECT_EQ(frame.tcp.options.ts_value, 0x80000001u);
}

TEST(Frame, OfTcpOverIpv6SaysWhereEverythingIs) {
  const Frame frame = Parsed(TcpFrame(false, DataHeader(), kText) + Octets(3));
  EXPECT_EQ(frame.kind, FrameKind::kTcp);
  EXPECT_FALSE(frame.v4);
  EXPECT_EQ(frame.l4_offset, 54);
  EXPECT_EQ(frame.l4_size, 37);
  EXPECT_EQ(frame.text_offset, 86);
  EXPECT_EQ(frame.text_size, 5);
  EXPECT_EQ(frame.source, kClient6);
  EXPECT_EQ(frame.destination, kServer6);
}

TEST(Frame, OfEveryKindIsRecognised) {
  const auto kind = [](const Octets& octets) { return Parsed(octets).kind; };
  EXPECT_EQ(kind(ArpFrame()), FrameKind::kArp);
  EXPECT_EQ(kind(EchoFrame(true)), FrameKind::kIcmp);
  EXPECT_EQ(kind(EchoFrame(false)), FrameKind::kIcmpv6);
  const Frame arp = Parsed(ArpFrame() + Octets(18));
  EXPECT_TRUE(arp.l2_multicast);
  EXPECT_EQ(arp.l4_offset, 14);
  EXPECT_EQ(arp.l4_size, 28);
  EXPECT_EQ(arp.source, kClient4);
  EXPECT_EQ(arp.destination, kServer4);
  for (const auto& [name, octets] : SampleFrames()) {
    EXPECT_EQ(Parsed(octets).drop, kNoDrop) << name;
  }
}

TEST(Frame, DoesNotDependOnTheFrameParsedBefore) {
  const auto samples = SampleFrames();
  for (const auto& before : samples) {
    for (const auto& sample : samples) {
      Frame reused;
      ParseFrame(before.octets, {}, reused);
      ParseFrame(sample.octets, {}, reused);
      const Frame fresh = Parsed(sample.octets);
      EXPECT_EQ(reused.kind, fresh.kind);
      EXPECT_EQ(reused.v4, fresh.v4);
      EXPECT_EQ(reused.l2_multicast, fresh.l2_multicast);
      EXPECT_EQ(reused.ttl, fresh.ttl);
      EXPECT_EQ(reused.vlan, fresh.vlan);
      EXPECT_EQ(reused.outer_vlan, fresh.outer_vlan);
      EXPECT_EQ(reused.has_fragment_header, fresh.has_fragment_header);
      EXPECT_EQ(reused.l3_offset, fresh.l3_offset);
      EXPECT_EQ(reused.l4_offset, fresh.l4_offset);
      EXPECT_EQ(reused.l4_size, fresh.l4_size);
      EXPECT_EQ(reused.text_offset, fresh.text_offset);
      EXPECT_EQ(reused.text_size, fresh.text_size);
      EXPECT_EQ(reused.source, fresh.source);
      EXPECT_EQ(reused.destination, fresh.destination);
      if (fresh.kind != FrameKind::kTcp) continue;
      EXPECT_EQ(reused.tcp.options.present, fresh.tcp.options.present);
      EXPECT_EQ(reused.tcp.options.mss, fresh.tcp.options.mss);
      EXPECT_EQ(reused.tcp.options.sack_count, fresh.tcp.options.sack_count);
    }
  }
}

TEST(Frame, CarriesItsVlanInTheFrameOrInTheHint) {
  const Octets plain = TcpFrame(true, DataHeader(), kText);
  const Frame tagged = Parsed(WithTags(plain, {0x81, 0, 0xe1, 0x23}));
  EXPECT_EQ(tagged.kind, FrameKind::kTcp);
  EXPECT_EQ(tagged.vlan, 0x123);
  EXPECT_EQ(tagged.outer_vlan, 0);
  EXPECT_EQ(tagged.l3_offset, 18);
  EXPECT_EQ(tagged.text_offset, 70);
  const Frame stripped = Parsed(plain, {.vlan_stripped = true, .vlan_tci = 0xe123});
  EXPECT_EQ(stripped.kind, FrameKind::kTcp);
  EXPECT_EQ(stripped.vlan, 0x123);
  EXPECT_EQ(stripped.l3_offset, 14);
  const Frame priority = Parsed(WithTags(plain, {0x81, 0, 0xe0, 0}));
  EXPECT_EQ(priority.kind, FrameKind::kTcp);
  EXPECT_EQ(priority.vlan, 0);
}

TEST(Frame, CarriesTwoTagsAtMost) {
  const Octets plain = TcpFrame(true, DataHeader(), kText);
  const Octets two = {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6};
  const FrameHints stripped{.vlan_stripped = true, .vlan_tci = 7};
  const Frame both = Parsed(WithTags(plain, two));
  EXPECT_EQ(both.kind, FrameKind::kTcp);
  EXPECT_EQ(both.outer_vlan, 5);
  EXPECT_EQ(both.vlan, 6);
  const Frame one_stripped = Parsed(WithTags(plain, {0x81, 0, 0, 6}), stripped);
  EXPECT_EQ(one_stripped.outer_vlan, 7);
  EXPECT_EQ(one_stripped.vlan, 6);
  EXPECT_EQ(Parsed(WithTags(plain, two), stripped).drop, Counter::kDropVlanTags);
  EXPECT_EQ(Parsed(WithTags(plain, two + Octets{0x81, 0, 0, 8})).drop, Counter::kDropVlanTags);
}

// MUST-3: only a device's "good" replaces the verification.
TEST(Frame, VerifiesTheTcpChecksumUnlessTheDeviceHas) {
  for (const bool v4 : {true, false}) {
    Octets octets = TcpFrame(v4, DataHeader(), kText);
    octets.back() ^= 1;
    EXPECT_EQ(Parsed(octets).drop, Counter::kDropTcpChecksum);
    EXPECT_EQ(Parsed(octets, {.ip_checksum_good = true}).drop, Counter::kDropTcpChecksum);
    EXPECT_EQ(Parsed(octets, {.l4_checksum_good = true}).kind, FrameKind::kTcp);
  }
}

TEST(Frame, VerifiesIcmpWhateverTheDeviceSays) {
  for (const bool v4 : {true, false}) {
    Octets octets = EchoFrame(v4);
    octets.back() ^= 1;
    const Counter reason = v4 ? Counter::kDropIcmpChecksum : Counter::kDropIcmpv6Checksum;
    EXPECT_EQ(Parsed(octets).drop, reason);
    EXPECT_EQ(Parsed(octets, {.ip_checksum_good = true, .l4_checksum_good = true}).drop, reason);
  }
}

struct MalformedFrame {
  const char* name;
  Octets octets;
  Counter reason;
};

Octets Changed(Octets octets, const std::function<void(Octets&)>& change) {
  change(octets);
  return octets;
}

// An IPv4 frame with a changed header and a right header checksum.
Octets ChangedIpv4(size_t at, uint8_t value) {
  return Changed(TcpFrame(true, DataHeader(), kText), [at, value](Octets& octets) {
    octets[14 + at] = value;
    FixIpv4Checksum(octets);
  });
}

Octets TcpFrom(const char* source, const char* destination) {
  const IpAddress from = Address(source), to = Address(destination);
  const Octets segment = TcpSegment(from, to, SynHeader());
  return from.is_v4() ? Ipv4Frame(kProtocolTcp, segment, from, to)
                      : Ipv6Frame(kProtocolTcp, segment, from, to);
}

// An IPv6 packet whose addresses may be anything, mapped ones too.
Octets TcpFromV6(const IpAddress& source, const IpAddress& destination) {
  return Ipv6Frame(kProtocolTcp, TcpSegment(kClient6, kServer6, SynHeader()), source, destination);
}

std::vector<MalformedFrame> MalformedFrames() {
  const Octets tcp4 = TcpFrame(true, DataHeader(), kText);
  const auto set = [](size_t at, uint8_t value) {
    return [at, value](Octets& octets) { octets[at] = value; };
  };
  return {
      {"empty", {}, Counter::kDropFrameShort},
      {"no EtherType", Octets(13), Counter::kDropFrameShort},
      {"a tag cut short", Octets(12) + Octets{0x81, 0, 0, 5, 8}, Counter::kDropFrameShort},
      {"a group as Ethernet source", Changed(tcp4, set(6, 0x03)), Counter::kDropEthernetSource},
      {"an LLC length", Changed(tcp4, set(12, 0x00)), Counter::kDropEtherType},
      {"LLDP", Changed(tcp4, [](Octets& o) { StoreBe16(&o[12], 0x88cc); }),
       Counter::kDropEtherType},
      {"a pause frame", Changed(tcp4, [](Octets& o) { StoreBe16(&o[12], 0x8808); }),
       Counter::kDropEtherType},
      {"ARP for Chaosnet", Changed(ArpFrame(), set(17, 4)), Counter::kDropArpMalformed},
      {"IPv6 behind IPv4's EtherType", ChangedIpv4(0, 0x65), Counter::kDropIpv4Header},
      {"IHL of 4", ChangedIpv4(0, 0x44), Counter::kDropIpv4Header},
      {"total length past the frame", ChangedIpv4(3, 200), Counter::kDropIpv4Length},
      {"a bad header checksum", Changed(tcp4, set(22, 63)), Counter::kDropIpv4Checksum},
      {"the first fragment", ChangedIpv4(6, 0x20), Counter::kDropIpv4Fragment},
      {"a later fragment", ChangedIpv4(7, 0x10), Counter::kDropIpv4Fragment},
      {"UDP", ChangedIpv4(9, 17), Counter::kDropIpProtocol},
      {"ICMPv6 in IPv4", ChangedIpv4(9, 58), Counter::kDropIpProtocol},
      {"IPv4 in IPv4", ChangedIpv4(9, 4), Counter::kDropIpProtocol},
      {"ICMP in IPv6", Ipv6Frame(1, Octets(8)), Counter::kDropIpProtocol},
      {"no next header", Ipv6Frame(59, Octets(8)), Counter::kDropIpProtocol},
      {"ESP", Ipv6Frame(50, Octets(8)), Counter::kDropIpProtocol},
      {"IPv4 behind IPv6's EtherType", Changed(TcpFrame(false, DataHeader()), set(14, 0x45)),
       Counter::kDropIpv6Header},
      {"payload length past the frame", Changed(TcpFrame(false, DataHeader()), set(18, 9)),
       Counter::kDropIpv6Length},
      {"an IPv6 fragment", Ipv6Frame(kHeaderFragment, Octets{6, 0, 0, 1, 0, 0, 0, 0}),
       Counter::kDropIpv6Fragment},
      {"routing header 0", Ipv6Frame(kHeaderRouting, Octets{6, 0, 0, 0, 0, 0, 0, 0}),
       Counter::kDropIpv6Routing},
      {"from 0.0.0.0", TcpFrom("0.0.0.0", "198.18.0.2"), Counter::kDropSourceUnspecified},
      {"from 127.0.0.1", TcpFrom("127.0.0.1", "198.18.0.2"), Counter::kDropSourceLoopback},
      {"from 224.0.0.1", TcpFrom("224.0.0.1", "198.18.0.2"), Counter::kDropSourceMulticast},
      {"from 255.255.255.255", TcpFrom("255.255.255.255", "198.18.0.2"),
       Counter::kDropSourceBroadcast},
      {"from 250.1.1.1", TcpFrom("250.1.1.1", "198.18.0.2"), Counter::kDropSourceReserved},
      {"to 127.0.0.1", TcpFrom("198.18.0.1", "127.0.0.1"), Counter::kDropDestinationInvalid},
      {"from ::", TcpFrom("::", "2001:2::2"), Counter::kDropSourceUnspecified},
      {"from ::1", TcpFrom("::1", "2001:2::2"), Counter::kDropSourceLoopback},
      {"from ff02::1", TcpFrom("ff02::1", "2001:2::2"), Counter::kDropSourceMulticast},
      {"from a mapped address", TcpFromV6(kClient4, kServer6), Counter::kDropSourceMapped},
      {"to ::1", TcpFrom("2001:2::1", "::1"), Counter::kDropDestinationInvalid},
      {"to a mapped address", TcpFromV6(kClient6, kServer4), Counter::kDropDestinationInvalid},
      {"TCP to 255.255.255.255", TcpFrom("198.18.0.1", "255.255.255.255"),
       Counter::kDropTcpMulticast},
      {"TCP to 224.0.0.1", TcpFrom("198.18.0.1", "224.0.0.1"), Counter::kDropTcpMulticast},
      {"TCP to ff02::1", TcpFrom("2001:2::1", "ff02::1"), Counter::kDropTcpMulticast},
      {"TCP in an Ethernet broadcast",
       Changed(tcp4, [](Octets& o) { std::fill_n(o.begin(), 6, uint8_t{0xff}); }),
       Counter::kDropTcpMulticast},
      {"TCP cut short", Ipv4Frame(kProtocolTcp, Octets(19)), Counter::kDropTcpHeader},
      {"data offset of 4", Changed(tcp4, set(46, 0x40)), Counter::kDropTcpHeader},
      {"data offset past the segment", Changed(tcp4, set(46, 0xf0)), Counter::kDropTcpHeader},
      {"ICMP cut short", Ipv4Frame(kProtocolIcmp, Octets(7)), Counter::kDropIcmpMalformed},
      {"ICMPv6 cut short", Ipv6Frame(kProtocolIcmpv6, Octets(7)), Counter::kDropIcmpv6Malformed},
  };
}

// MUST-57, MUST-63 among others.
TEST(Frame, ThatIsMalformedNamesItsReason) {
  for (const auto& [name, octets, reason] : MalformedFrames()) {
    const Frame frame = Parsed(octets);
    EXPECT_EQ(frame.drop, reason) << name << ": " << CounterName(frame.drop);
  }
}

TEST(Frame, FromTheUnspecifiedAddressMaySayOnlyWhatAHostWithoutAddressMust) {
  for (int type = 0; type < 256; ++type) {
    Octets message(24);
    message[0] = static_cast<uint8_t>(type);
    const IpAddress destination = SolicitedNodeAddress(kServer6);
    const Octets octets =
        Ipv6Frame(kProtocolIcmpv6, WithIcmpv6Checksum(std::move(message), IpAddress(), destination),
                  IpAddress(), destination, kNdHopLimit);
    const bool may = type == kNdNeighborSolicitation || type == kNdRouterSolicitation ||
                     type == kMldReport || type == kMldDone || type == kMldv2Report;
    EXPECT_EQ(Parsed(octets).drop, may ? kNoDrop : Counter::kDropSourceUnspecified) << type;
  }
}

TEST(Frame, OfTheGreatestIpv4LengthIsParsed) {
  const Octets text(65535 - 20 - 20);
  TcpHeader header = DataHeader();
  header.options.present = 0;
  const Frame frame = Parsed(TcpFrame(true, header, text));
  EXPECT_EQ(frame.kind, FrameKind::kTcp);
  EXPECT_EQ(frame.text_size, text.size());
}

TEST(Frame, CutShortAnywhereIsDropped) {
  for (const auto& [name, whole] : SampleFrames()) {
    for (size_t size = 0; size < whole.size(); ++size) {
      const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const FrameHints trusting{.ip_checksum_good = true, .l4_checksum_good = true};
      EXPECT_NE(Parsed(cut).drop, kNoDrop) << name << " cut to " << size;
      EXPECT_NE(Parsed(cut, trusting).drop, kNoDrop) << name << " cut to " << size;
    }
  }
}

// What the rest of the stack relies on, whatever arrived.
void ExpectConsistent(const Octets& octets, const Frame& frame) {
  if (frame.kind == FrameKind::kDropped) return;
  ASSERT_LE(frame.l3_offset, frame.l4_offset);
  ASSERT_LE(size_t{frame.l4_offset} + frame.l4_size, octets.size());
  if (frame.kind != FrameKind::kTcp) return;
  ASSERT_GE(frame.text_offset, frame.l4_offset + kTcpHeaderSize);
  ASSERT_EQ(frame.text_offset + frame.text_size, frame.l4_offset + frame.l4_size);
  ASSERT_EQ(frame.v4, frame.source.is_v4());
  ASSERT_EQ(frame.v4, frame.destination.is_v4());
}

TEST(Frame, WithAnyOneOctetChangedIsDroppedForAReasonOrParsedInBounds) {
  for (const auto& [name, whole] : SampleFrames()) {
    for (size_t at = 0; at < whole.size(); ++at) {
      for (unsigned change = 1; change < 256; ++change) {
        Octets octets = whole;
        octets[at] ^= static_cast<uint8_t>(change);
        const Frame strict = Parsed(octets);
        ExpectConsistent(octets, strict);
        ExpectConsistent(octets,
                         Parsed(octets, {.ip_checksum_good = true, .l4_checksum_good = true}));
        // One octet's change never escapes the checksums of IPv4 and what is above it.
        const bool checked = strict.l3_offset != 0 && at >= strict.l3_offset && strict.v4;
        if (checked) {
          ASSERT_NE(strict.drop, kNoDrop) << name << " octet " << at;
        }
      }
    }
  }
}

TEST(Frame, OfRandomOctetsNeverLeadsOutOfBounds) {
  Prng prng(7);
  const auto samples = SampleFrames();
  for (int i = 0; i < 50000; ++i) {
    Octets octets = samples[prng.Below(samples.size())].octets;
    for (uint64_t n = prng.Below(8); n > 0; --n) {
      octets[prng.Below(octets.size())] = static_cast<uint8_t>(prng.Next());
    }
    if (prng.Chance(300)) octets.resize(prng.Below(octets.size()));
    octets.shrink_to_fit();
    const FrameHints hints{.ip_checksum_good = prng.Chance(700),
                           .l4_checksum_good = prng.Chance(700),
                           .vlan_stripped = prng.Chance(100),
                           .vlan_tci = static_cast<uint16_t>(prng.Next())};
    ExpectConsistent(octets, Parsed(octets, hints));
  }
}

}  // namespace
}  // namespace weir::wire
