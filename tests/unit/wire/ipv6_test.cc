// The IPv6 header and the walk over extension headers.
#include "wire/ipv6.h"

#include <gtest/gtest.h>

#include "unit/wire/sample_frames.h"

namespace weir::wire {
namespace {

constexpr uint16_t kPayloadSize = 24;

// A packet of these extension headers and kPayloadSize octets; `first` is the first next header.
Octets Packet(uint8_t first, const Octets& extensions) {
  Ipv6Header header{.source = kClient6, .destination = kServer6, .protocol = first};
  header.payload_size = static_cast<uint16_t>(extensions.size() + kPayloadSize);
  Octets packet(kIpv6HeaderSize);
  EXPECT_EQ(WriteIpv6(packet.data(), header), kIpv6HeaderSize);
  return std::move(packet) + extensions + Octets(kPayloadSize);
}

Counter Parse(uint8_t first, const Octets& extensions) {
  Ipv6Header header;
  return ParseIpv6(Packet(first, extensions), header);
}

// An options header of `units` times eight octets, filled with one PadN.
Octets Options(uint8_t next, int units = 1) {
  Octets header(static_cast<size_t>(units) * 8);
  header[0] = next;
  header[1] = static_cast<uint8_t>(units - 1);
  header[2] = 1;
  header[3] = static_cast<uint8_t>(units * 8 - 4);
  return header;
}

Octets Fragment(uint8_t next, uint16_t offset_and_flags) {
  return {next,
          0,
          static_cast<uint8_t>(offset_and_flags >> 8),
          static_cast<uint8_t>(offset_and_flags),
          0xaa,
          0xbb,
          0xcc,
          0xdd};
}

Octets Routing(uint8_t next, uint8_t type, uint8_t segments_left) {
  return {next, 0, type, segments_left, 0, 0, 0, 0};
}

TEST(Ipv6, ReadsWhatItWrote) {
  for (uint32_t octet = 0; octet < 256; ++octet) {
    Ipv6Header in{.source = kClient6, .destination = kServer6, .protocol = kProtocolTcp}, out;
    in.hop_limit = in.dscp_ecn = static_cast<uint8_t>(octet);
    in.flow_label = octet * 0x1001 & 0xfffff;
    in.payload_size = static_cast<uint16_t>(octet);
    Octets packet(kIpv6HeaderSize + octet);
    WriteIpv6(packet.data(), in);
    ASSERT_EQ(ParseIpv6(packet, out), kNoDrop);
    EXPECT_EQ(out.source, kClient6);
    EXPECT_EQ(out.destination, kServer6);
    EXPECT_EQ(out.protocol, kProtocolTcp);
    EXPECT_EQ(out.hop_limit, in.hop_limit);
    EXPECT_EQ(out.dscp_ecn, in.dscp_ecn);
    EXPECT_EQ(out.flow_label, in.flow_label);
    EXPECT_EQ(out.payload_size, in.payload_size);
    EXPECT_EQ(out.header_size, kIpv6HeaderSize);
    EXPECT_FALSE(out.has_routing_header);
    EXPECT_FALSE(out.has_fragment_header);
  }
}

TEST(Ipv6, RefusesImpossibleHeadersAndIgnoresPadding) {
  Ipv6Header header;
  Octets packet = Packet(kProtocolTcp, {});
  EXPECT_EQ(ParseIpv6(packet + Octets(9), header), kNoDrop);
  EXPECT_EQ(header.payload_size, kPayloadSize);
  packet[0] = 0x45;
  EXPECT_EQ(ParseIpv6(packet, header), Counter::kDropIpv6Header);
  for (size_t size = 0; size < kIpv6HeaderSize + kPayloadSize; ++size) {
    packet = Packet(kProtocolTcp, {});
    packet.resize(size);
    packet.shrink_to_fit();
    EXPECT_EQ(ParseIpv6(packet, header),
              size < kIpv6HeaderSize ? Counter::kDropIpv6Header : Counter::kDropIpv6Length);
  }
}

TEST(Ipv6, WalksEveryExtensionHeaderThatMayBeIgnored) {  // RFC8200-4
  const Octets chain = Options(kHeaderDestinationOptions) + Options(kHeaderRouting, 2) +
                       Routing(kHeaderFragment, 4, 0) + Fragment(kHeaderDestinationOptions, 0) +
                       Options(kProtocolTcp);
  Ipv6Header header;
  ASSERT_EQ(ParseIpv6(Packet(kHeaderHopByHop, chain), header), kNoDrop);
  EXPECT_EQ(header.protocol, kProtocolTcp);
  EXPECT_EQ(header.header_size, kIpv6HeaderSize + chain.size());
  EXPECT_EQ(header.payload_size, kPayloadSize);
  EXPECT_TRUE(header.has_routing_header);
  EXPECT_TRUE(header.has_fragment_header);
}

TEST(Ipv6, TakesAnAtomicFragmentAsWholeAndDropsRealOnes) {  // RFC6946-4
  // RFC 6946; reserved bits are ignored (RFC 8200 4.5).
  EXPECT_EQ(Parse(kHeaderFragment, Fragment(kProtocolTcp, 0x0000)), kNoDrop);
  EXPECT_EQ(Parse(kHeaderFragment, Fragment(kProtocolTcp, 0x0006)), kNoDrop);
  for (uint16_t real : {0x0001, 0x0008, 0x0009, 0x8000, 0xfff8}) {
    EXPECT_EQ(Parse(kHeaderFragment, Fragment(kProtocolTcp, real)), Counter::kDropIpv6Fragment)
        << real;
  }
}

TEST(Ipv6, TakesHopByHopOptionsOnlyFirst) {  // RFC8200-4
  EXPECT_EQ(Parse(kHeaderHopByHop, Options(kProtocolTcp)), kNoDrop);
  EXPECT_EQ(Parse(kHeaderDestinationOptions, Options(kHeaderHopByHop) + Options(kProtocolTcp)),
            Counter::kDropIpv6Extension);
  EXPECT_EQ(Parse(kHeaderHopByHop, Options(kHeaderHopByHop) + Options(kProtocolTcp)),
            Counter::kDropIpv6Extension);
}

TEST(Ipv6, DropsRoutingHeadersThatWantForwardingOrAreOfTypeZero) {  // RFC8200-4.4, RFC5095-3
  EXPECT_EQ(Parse(kHeaderRouting, Routing(kProtocolTcp, 4, 0)), kNoDrop);
  EXPECT_EQ(Parse(kHeaderRouting, Routing(kProtocolTcp, 4, 1)), Counter::kDropIpv6Routing);
  EXPECT_EQ(Parse(kHeaderRouting, Routing(kProtocolTcp, 2, 255)), Counter::kDropIpv6Routing);
  EXPECT_EQ(Parse(kHeaderRouting, Routing(kProtocolTcp, 0, 0)), Counter::kDropIpv6Routing);
}

TEST(Ipv6, ObeysWhatUnknownOptionsSayAboutThemselves) {  // RFC8200-4.2
  const auto with_option = [](uint8_t type) {
    return Octets{kProtocolTcp, 0, type, 2, 0, 0, 1, 0};
  };
  EXPECT_EQ(Parse(kHeaderDestinationOptions, with_option(0x1e)), kNoDrop);  // skip
  EXPECT_EQ(Parse(kHeaderHopByHop, with_option(0x05)), kNoDrop);            // router alert
  EXPECT_EQ(Parse(kHeaderDestinationOptions, with_option(0x5e)), Counter::kDropIpv6Option);
  EXPECT_EQ(Parse(kHeaderDestinationOptions, with_option(0x9e)), Counter::kDropIpv6Option);
  EXPECT_EQ(Parse(kHeaderHopByHop, with_option(0xc2)), Counter::kDropIpv6Option);  // jumbogram
}

TEST(Ipv6, RefusesOptionsThatRunPastTheirHeader) {
  EXPECT_EQ(Parse(kHeaderHopByHop, {kProtocolTcp, 0, 1, 5, 0, 0, 0, 0}),
            Counter::kDropIpv6Extension);
  EXPECT_EQ(Parse(kHeaderHopByHop, {kProtocolTcp, 0, 1, 3, 0, 0, 0, 1}),
            Counter::kDropIpv6Extension);
  EXPECT_EQ(Parse(kHeaderHopByHop, {kProtocolTcp, 0, 0, 0, 0, 0, 0, 0}), kNoDrop);  // six Pad1
}

TEST(Ipv6, BoundsTheChainInCountAndOctets) {  // RFC8504-5.3
  const auto chain = [](int count) {
    Octets octets;
    for (int i = 1; i < count; ++i) octets = octets + Options(kHeaderDestinationOptions);
    return octets + Options(kProtocolTcp);
  };
  EXPECT_EQ(Parse(kHeaderDestinationOptions, chain(kExtensionHeadersMax)), kNoDrop);
  EXPECT_EQ(Parse(kHeaderDestinationOptions, chain(kExtensionHeadersMax + 1)),
            Counter::kDropIpv6Chain);
  EXPECT_EQ(Parse(kHeaderDestinationOptions, Options(kProtocolTcp, 32)), kNoDrop);
  EXPECT_EQ(Parse(kHeaderDestinationOptions, Options(kProtocolTcp, 33)), Counter::kDropIpv6Chain);
  EXPECT_EQ(Parse(kHeaderDestinationOptions,
                  Options(kHeaderDestinationOptions, 31) + Options(kProtocolTcp, 2)),
            Counter::kDropIpv6Chain);
}

TEST(Ipv6, RefusesAnExtensionHeaderThatRunsPastThePayload) {
  for (const uint8_t first : {kHeaderHopByHop, kHeaderRouting, kHeaderFragment}) {
    for (uint16_t size = 0; size < 8; ++size) {
      Ipv6Header header{.source = kClient6, .destination = kServer6, .protocol = first};
      header.payload_size = size;
      Octets packet(kIpv6HeaderSize + size_t{size});
      WriteIpv6(packet.data(), header);
      EXPECT_EQ(ParseIpv6(packet, header), Counter::kDropIpv6Extension);
    }
  }
  Octets longer = Options(kProtocolTcp);
  longer[1] = 4;  // 40 octets of 32
  EXPECT_EQ(Parse(kHeaderHopByHop, longer), Counter::kDropIpv6Extension);
}

TEST(Ipv6, RefusesAJumbogram) {
  // RFC 2675: payload length 0 with a hop-by-hop header; the length is taken as it is.
  Octets packet = Packet(kHeaderHopByHop, Options(kProtocolTcp));
  packet[4] = packet[5] = 0;
  Ipv6Header header;
  EXPECT_EQ(ParseIpv6(packet, header), Counter::kDropIpv6Extension);
}

// MUST-63.
TEST(Ipv6, NamesTheReasonWhyASourceMustNotBeAnswered) {
  EXPECT_EQ(CheckIpv6Source(Address("2001:2::1")), kNoDrop);
  EXPECT_EQ(CheckIpv6Source(Address("fe80::1")), kNoDrop);
  EXPECT_EQ(CheckIpv6Source(Address("::2")), kNoDrop);
  EXPECT_EQ(CheckIpv6Source(Address("::")), Counter::kDropSourceUnspecified);
  EXPECT_EQ(CheckIpv6Source(Address("::1")), Counter::kDropSourceLoopback);
  EXPECT_EQ(CheckIpv6Source(Address("ff02::1")), Counter::kDropSourceMulticast);
  EXPECT_EQ(CheckIpv6Source(Address("::ffff:198.18.0.1")), Counter::kDropSourceMapped);
}

TEST(Ipv6, MapsAddressesToSolicitedNodeGroupsAndGroupsToEthernet) {
  // The example of RFC 4291 2.7.1.
  EXPECT_EQ(SolicitedNodeAddress(Address("4037::1:800:200e:8c6c")), Address("ff02::1:ff0e:8c6c"));
  EXPECT_EQ(MulticastMac(Address("ff02::1:ff0e:8c6c")).ToString(), "33:33:ff:0e:8c:6c");
}

}  // namespace
}  // namespace weir::wire
