// ARP packets.
#include "wire/arp.h"

#include <gtest/gtest.h>

#include "unit/wire/sample_frames.h"

namespace weir::wire {
namespace {

ArpPacket Sample() {
  return {.operation = kArpReply,
          .sender_mac = kClientMac,
          .sender = kClient4,
          .target_mac = kServerMac,
          .target = kServer4};
}

Octets Written(const ArpPacket& arp) {
  Octets octets(kArpSize);
  WriteArp(octets.data(), arp);
  return octets;
}

TEST(Arp, ReadsWhatItWrote) {
  for (uint16_t operation : {kArpRequest, kArpReply}) {
    ArpPacket in = Sample(), out;
    in.operation = operation;
    ASSERT_TRUE(ParseArp(Written(in), out));
    EXPECT_EQ(out.operation, operation);
    EXPECT_EQ(out.sender_mac, kClientMac);
    EXPECT_EQ(out.sender, kClient4);
    EXPECT_EQ(out.target_mac, kServerMac);
    EXPECT_EQ(out.target, kServer4);
  }
}

TEST(Arp, IsLaidOutAsRfc826Says) {
  EXPECT_EQ(Written(Sample()), (Octets{0,   1,  8, 0, 6, 4, 0, 2, 2, 0, 0,   0,  0, 1,
                                       198, 18, 0, 1, 2, 0, 0, 0, 0, 2, 198, 18, 0, 2}));
}

TEST(Arp, AcceptsAProbeWithoutASenderAddress) {
  ArpPacket in = Sample(), out;
  in.operation = kArpRequest;
  in.sender = IpAddress::V4(0);
  ASSERT_TRUE(ParseArp(Written(in), out));
  EXPECT_TRUE(out.sender.is_unspecified());
}

TEST(Arp, IgnoresPaddingAndRefusesEveryTruncation) {
  ArpPacket arp;
  EXPECT_TRUE(ParseArp(Written(Sample()) + Octets(18), arp));
  for (size_t size = 0; size < kArpSize; ++size) {
    Octets octets = Written(Sample());
    octets.resize(size);
    octets.shrink_to_fit();
    EXPECT_FALSE(ParseArp(octets, arp)) << size;
  }
}

TEST(Arp, RefusesOtherHardwareOtherProtocolsAndOtherOperations) {
  for (size_t at = 0; at < 8; ++at) {
    Octets octets = Written(Sample());
    octets[at] ^= 0x10;
    ArpPacket arp;
    EXPECT_FALSE(ParseArp(octets, arp)) << "octet " << at;
  }
}

TEST(Arp, RefusesASenderWithAGroupOrZeroHardwareAddress) {
  for (const MacAddress& mac : {kBroadcastMac, MacAddress{{1, 0, 0x5e, 0, 0, 1}}, MacAddress{}}) {
    ArpPacket in = Sample(), out;
    in.sender_mac = mac;
    EXPECT_FALSE(ParseArp(Written(in), out)) << mac.ToString();
  }
}

}  // namespace
}  // namespace weir::wire
