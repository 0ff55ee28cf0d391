// Neighbour discovery: round trips and every validity check of RFC 4861.
#include "wire/nd.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "unit/wire/sample_frames.h"
#include "wire/ipv6.h"

namespace weir::wire {
namespace {

// The frame as ParseFrame would describe it.
Frame Context(const IpAddress& source = kClient6,
              const IpAddress& destination = SolicitedNodeAddress(kServer6)) {
  Frame frame;
  frame.kind = FrameKind::kIcmpv6;
  frame.ttl = kNdHopLimit;
  frame.source = source;
  frame.destination = destination;
  return frame;
}

NdMessage Solicitation() {
  return {.type = kNdNeighborSolicitation,
          .target = kServer6,
          .has_source_mac = true,
          .source_mac = kClientMac};
}

NdMessage Advertisement() {
  return {.type = kNdNeighborAdvertisement,
          .solicited = true,
          .target = kServer6,
          .has_target_mac = true,
          .target_mac = kServerMac};
}

Octets Written(const NdMessage& nd) {
  Octets octets(kNdMessageSizeMax);
  octets.resize(WriteNd(octets.data(), nd, kClient6, kServer6));
  octets.shrink_to_fit();
  return octets;
}

Counter Parse(const Octets& message, const Frame& frame = Context()) {
  NdMessage nd;
  return ParseNd(message, frame, nd);
}

Octets PrefixOption(const IpAddress& prefix, uint8_t bits, uint8_t flags) {
  Octets option = {3, 4, bits, flags, 0, 0, 0x0e, 0x10, 0, 0, 0x07, 0x08, 0, 0, 0, 0};
  return std::move(option) + prefix.octets();
}

Octets RouterAdvertisement() {
  return {kNdRouterAdvertisement, 0, 0, 0, 64, 0xc0, 0x07, 0x08, 0, 0, 0x75, 0x30, 0, 0, 3, 0xe8};
}

TEST(Nd, ReadsTheSolicitationItWrote) {
  NdMessage nd;
  const Octets message = Written(Solicitation());
  EXPECT_EQ(message.size(), 32u);
  ASSERT_EQ(ParseNd(message, Context(), nd), kNoDrop);
  EXPECT_EQ(nd.type, kNdNeighborSolicitation);
  EXPECT_EQ(nd.target, kServer6);
  EXPECT_TRUE(nd.has_source_mac);
  EXPECT_EQ(nd.source_mac, kClientMac);
  EXPECT_FALSE(nd.has_target_mac);
}

TEST(Nd, ReadsTheAdvertisementItWroteWithEveryFlag) {
  for (int bits = 0; bits < 8; ++bits) {
    NdMessage in = Advertisement(), out;
    in.router = bits & 1;
    in.solicited = bits & 2;
    in.override = bits & 4;
    ASSERT_EQ(ParseNd(Written(in), Context(kServer6, kClient6), out), kNoDrop);
    EXPECT_EQ(out.router, in.router);
    EXPECT_EQ(out.solicited, in.solicited);
    EXPECT_EQ(out.override, in.override);
    EXPECT_EQ(out.target, kServer6);
    EXPECT_EQ(out.target_mac, kServerMac);
  }
}

TEST(Nd, ReadsTheRouterSolicitationItWrote) {
  NdMessage nd;
  const NdMessage in{
      .type = kNdRouterSolicitation, .has_source_mac = true, .source_mac = kClientMac};
  const Octets message = Written(in);
  EXPECT_EQ(message.size(), 16u);
  ASSERT_EQ(ParseNd(message, Context(), nd), kNoDrop);
  EXPECT_EQ(nd.type, kNdRouterSolicitation);
  EXPECT_EQ(nd.source_mac, kClientMac);
}

TEST(Nd, ReadsARouterAdvertisementWithItsOptions) {
  Octets message = RouterAdvertisement() + Octets{5, 1, 0, 0, 0, 0, 0x05, 0xdc} +
                   Octets{1, 1, 2, 0, 0, 0, 0, 1} + Octets{77, 1, 0, 0, 0, 0, 0, 0};
  for (int i = 0; i < 6; ++i) message = message + PrefixOption(Address("2001:2::"), 64, 0x80);
  NdMessage nd;
  ASSERT_EQ(ParseNd(message, Context(kClientLinkLocal), nd), kNoDrop);
  EXPECT_EQ(nd.hop_limit, 64);
  EXPECT_TRUE(nd.managed);
  EXPECT_TRUE(nd.other);
  EXPECT_EQ(nd.router_lifetime_s, 1800);
  EXPECT_EQ(nd.reachable_time_ms, 30000u);
  EXPECT_EQ(nd.retransmit_timer_ms, 1000u);
  EXPECT_EQ(nd.mtu, 1500u);
  EXPECT_EQ(nd.source_mac, kClientMac);
  ASSERT_EQ(nd.prefix_count, NdMessage::kPrefixesMax);  // the others are ignored
  EXPECT_EQ(nd.prefixes[3].prefix, Address("2001:2::"));
  EXPECT_EQ(nd.prefixes[3].bits, 64);
  EXPECT_TRUE(nd.prefixes[3].on_link);
  EXPECT_FALSE(nd.prefixes[3].autonomous);
  EXPECT_EQ(nd.prefixes[3].valid_lifetime_s, 3600u);
  EXPECT_EQ(nd.prefixes[3].preferred_lifetime_s, 1800u);
}

TEST(Nd, IgnoresAPrefixLongerThanAnAddress) {
  NdMessage nd;
  ASSERT_EQ(ParseNd(RouterAdvertisement() + PrefixOption(Address("2001:2::"), 129, 0),
                    Context(kClientLinkLocal), nd),
            kNoDrop);
  EXPECT_EQ(nd.prefix_count, 0);
}

TEST(Nd, ReadsARedirect) {
  const Octets header = {kNdRedirect, 0, 0, 0, 0, 0, 0, 0};
  NdMessage nd;
  ASSERT_EQ(ParseNd(header + kClientLinkLocal.octets() + kServer6.octets(),
                    Context(kClientLinkLocal), nd),
            kNoDrop);
  EXPECT_EQ(nd.target, kClientLinkLocal);
  EXPECT_EQ(nd.redirected, kServer6);
  const auto bad = header + kClientLinkLocal.octets() + Address("ff02::1").octets();
  EXPECT_EQ(Parse(bad, Context(kClientLinkLocal)), Counter::kDropNdMalformed);
  const auto global_gateway = header + kClient6.octets() + kServer6.octets();
  EXPECT_EQ(Parse(global_gateway, Context(kClientLinkLocal)), Counter::kDropNdMalformed);
}

TEST(Nd, BelievesNothingThatARouterForwarded) {  // RFC4861-6.1
  for (int hop_limit = 0; hop_limit < 256; ++hop_limit) {
    Frame frame = Context();
    frame.ttl = static_cast<uint8_t>(hop_limit);
    EXPECT_EQ(Parse(Written(Solicitation()), frame),
              hop_limit == 255 ? kNoDrop : Counter::kDropNdHopLimit);
  }
}

TEST(Nd, BelievesNothingThatWasFragmented) {  // RFC6980-5
  Frame frame = Context();                    // RFC 6980: not even an atomic fragment
  frame.has_fragment_header = true;
  EXPECT_EQ(Parse(Written(Solicitation()), frame), Counter::kDropNdFragment);
}

TEST(Nd, RefusesCodesOtherThanZeroAndOtherTypes) {  // RFC4861-6.1
  Octets message = Written(Solicitation());
  message[1] = 1;
  EXPECT_EQ(Parse(message), Counter::kDropNdMalformed);
  message = Written(Solicitation());
  for (uint8_t type : {0, 128, 132, 138, 255}) {
    message[0] = type;
    EXPECT_EQ(Parse(message), Counter::kDropNdMalformed) << int{type};
  }
}

TEST(Nd, RefusesEveryTruncation) {
  for (const Octets& whole : {Written(Solicitation()), Written(Advertisement())}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      // Cut right behind the target it is a message without options.
      EXPECT_EQ(Parse(cut, Context(kClient6, kServer6)),
                size == kNdNeighborSize ? kNoDrop : Counter::kDropNdMalformed)
          << size;
    }
  }
}

TEST(Nd, RefusesOptionsOfLengthZeroOrPastTheEnd) {  // RFC4861-6.1
  Octets message = Written(Solicitation());
  message[25] = 0;
  EXPECT_EQ(Parse(message), Counter::kDropNdMalformed);
  message[25] = 2;
  EXPECT_EQ(Parse(message), Counter::kDropNdMalformed);
}

TEST(Nd, RefusesATargetThatIsAGroupOrAnIpv4Host) {
  for (const char* target : {"ff02::1", "::ffff:198.18.0.2"}) {
    NdMessage nd = Solicitation();
    nd.target = Address(target);
    EXPECT_EQ(Parse(Written(nd)), Counter::kDropNdMalformed) << target;
    nd = Advertisement();
    nd.target = Address(target);
    EXPECT_EQ(Parse(Written(nd), Context(kServer6, kClient6)), Counter::kDropNdMalformed) << target;
  }
}

TEST(Nd, RefusesLinkLayerAddressesThatAreGroupsOrZero) {
  for (const MacAddress& mac :
       {kBroadcastMac, MacAddress{{0x33, 0x33, 0, 0, 0, 1}}, MacAddress{}}) {
    NdMessage nd = Solicitation();
    nd.source_mac = mac;
    EXPECT_EQ(Parse(Written(nd)), Counter::kDropNdMalformed);
    nd = Advertisement();
    nd.target_mac = mac;
    EXPECT_EQ(Parse(Written(nd), Context(kServer6, kClient6)), Counter::kDropNdMalformed);
  }
}

TEST(Nd, AcceptsADuplicateAddressProbeOnlyToAGroupAndWithoutAnOption) {
  NdMessage probe = Solicitation();
  EXPECT_EQ(Parse(Written(probe), Context(IpAddress())), Counter::kDropNdMalformed);
  probe.has_source_mac = false;
  EXPECT_EQ(Parse(Written(probe), Context(IpAddress())), kNoDrop);
  EXPECT_EQ(Parse(Written(probe), Context(IpAddress(), kServer6)), Counter::kDropNdMalformed);
  EXPECT_EQ(Parse(Written(probe), Context(IpAddress(), Address("ff02::1"))),
            Counter::kDropNdMalformed);
}

TEST(Nd, RefusesASolicitedAdvertisementToAGroup) {
  NdMessage nd = Advertisement();
  EXPECT_EQ(Parse(Written(nd), Context(kServer6, Address("ff02::1"))), Counter::kDropNdMalformed);
  nd.solicited = false;
  EXPECT_EQ(Parse(Written(nd), Context(kServer6, Address("ff02::1"))), kNoDrop);
}

TEST(Nd, BelievesRoutersOnlyFromLinkLocalAddresses) {
  EXPECT_EQ(Parse(RouterAdvertisement(), Context(kClientLinkLocal)), kNoDrop);
  EXPECT_EQ(Parse(RouterAdvertisement(), Context(kClient6)), Counter::kDropNdMalformed);
}

TEST(Nd, RefusesARouterSolicitationFromNowhereWithAnAddressOption) {
  NdMessage nd{.type = kNdRouterSolicitation, .has_source_mac = true, .source_mac = kClientMac};
  EXPECT_EQ(Parse(Written(nd), Context(IpAddress())), Counter::kDropNdMalformed);
  nd.has_source_mac = false;
  EXPECT_EQ(Parse(Written(nd), Context(IpAddress())), kNoDrop);
}

TEST(Nd, SkipsALinkLayerAddressOfAnotherMedium) {
  Octets message = Written(Solicitation()) + Octets(8);
  message[25] = 2;  // sixteen octets
  NdMessage nd;
  ASSERT_EQ(ParseNd(message, Context(), nd), kNoDrop);
  EXPECT_FALSE(nd.has_source_mac);
}

}  // namespace
}  // namespace weir::wire
