// Ethernet headers and addresses.
#include "wire/ethernet.h"

#include <gtest/gtest.h>

#include "unit/wire/sample_frames.h"

namespace weir::wire {
namespace {

TEST(MacAddress, KnowsGroupsAndPrintsItself) {
  EXPECT_EQ(kClientMac.ToString(), "02:00:00:00:00:01");
  EXPECT_EQ(kBroadcastMac.ToString(), "ff:ff:ff:ff:ff:ff");
  EXPECT_TRUE(kBroadcastMac.is_broadcast());
  EXPECT_TRUE(kBroadcastMac.is_multicast());
  const MacAddress group{{0x33, 0x33, 0, 0, 0, 1}};
  EXPECT_TRUE(group.is_multicast());
  EXPECT_FALSE(group.is_broadcast());
  EXPECT_FALSE(kClientMac.is_multicast());
  EXPECT_TRUE(MacAddress().is_zero());
  EXPECT_FALSE(kClientMac.is_zero());
  EXPECT_EQ(MacAddress::FromOctets(group.octets.data()), group);
}

TEST(Ethernet, WritesThePlainHeader) {
  Octets out(15, 0xee);
  EXPECT_EQ(WriteEthernet(out.data(), kServerMac, kClientMac, 0, kEtherTypeIpv4), 14);
  EXPECT_EQ(out, (Octets{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0xee}));
}

TEST(Ethernet, WritesOneTagForAVlan) {
  Octets out(19, 0xee);
  EXPECT_EQ(WriteEthernet(out.data(), kServerMac, kClientMac, 0x123, kEtherTypeIpv6), 18);
  EXPECT_EQ(out, (Octets{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 1, 0x23, 0x86, 0xdd, 0xee}));
}

}  // namespace
}  // namespace weir::wire
