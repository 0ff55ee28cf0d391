// IP addresses: text, classes, prefixes, end points.
#include "weir/address.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

IpAddress Address(const char* text) {
  const auto address = IpAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

TEST(IpAddress, PrintsWhatItParsed) {
  for (const char* text :
       {"0.0.0.0", "198.18.0.1", "255.255.255.255", "10.200.3.44", "::", "::1", "2001:2::2",
        "fe80::1234:5678:9abc:def0", "ff02::1:ff00:1", "2001:db8:1:2:3:4:5:6"}) {
    EXPECT_EQ(Address(text).ToString(), text);
  }
}

TEST(IpAddress, RefusesEverythingThatIsNoAddress) {
  for (std::string_view text : {"",
                                " ",
                                "1.2.3",
                                "1.2.3.4.5",
                                "256.1.1.1",
                                "1.2.3.4 ",
                                " 1.2.3.4",
                                "1.2.3.4/24",
                                "a.b.c.d",
                                ":",
                                ":::",
                                "1::2::3",
                                "12345::",
                                "fe80::1%eth0",
                                "2001:2::/48",
                                "1:2:3:4:5:6:7",
                                "1:2:3:4:5:6:7:8:9",
                                "g::",
                                "example",
                                "[::1]"}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << '"' << text << '"';
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("1.2.3.4\0", 8)).has_value());
  EXPECT_FALSE(IpAddress::Parse(std::string(1000, '1')).has_value());
}

TEST(IpAddress, HoldsIpv4AsAMappedAddress) {
  const IpAddress a = IpAddress::V4(0xc6120001);
  EXPECT_TRUE(a.is_v4());
  EXPECT_EQ(a.v4(), 0xc6120001u);
  EXPECT_EQ(a, Address("198.18.0.1"));
  EXPECT_EQ(a, Address("::ffff:198.18.0.1"));
  EXPECT_EQ(a.high(), 0u);
  EXPECT_EQ(a.low(), 0x0000ffffc6120001u);
  EXPECT_FALSE(Address("::198.18.0.1").is_v4());
  EXPECT_FALSE(Address("2001:2::ffff:c612:1").is_v4());
}

TEST(IpAddress, ReadsOctetsInNetworkOrder) {
  const uint8_t octets[16] = {0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  const IpAddress a = IpAddress::FromV6Octets(octets);
  EXPECT_EQ(a, Address("2001:2::9"));
  EXPECT_EQ(a, IpAddress::V6(a.octets()));
  EXPECT_EQ(a.high(), 0x2001000200000000u);
  EXPECT_EQ(a.low(), 9u);
}

TEST(IpAddress, KnowsItsClass) {
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_TRUE(Address("0.0.0.0").is_unspecified());
  EXPECT_FALSE(Address("0.0.0.1").is_unspecified());
  EXPECT_FALSE(Address("::1").is_unspecified());
  EXPECT_TRUE(Address("127.0.0.1").is_loopback());
  EXPECT_TRUE(Address("127.255.255.255").is_loopback());
  EXPECT_TRUE(Address("::1").is_loopback());
  EXPECT_FALSE(Address("128.0.0.1").is_loopback());
  EXPECT_FALSE(Address("::2").is_loopback());
  EXPECT_TRUE(Address("224.0.0.0").is_multicast());
  EXPECT_TRUE(Address("239.255.255.255").is_multicast());
  EXPECT_TRUE(Address("ff02::1").is_multicast());
  EXPECT_FALSE(Address("223.255.255.255").is_multicast());
  EXPECT_FALSE(Address("240.0.0.0").is_multicast());
  EXPECT_FALSE(Address("fe80::1").is_multicast());
  EXPECT_TRUE(Address("fe80::1").is_link_local_v6());
  EXPECT_TRUE(Address("febf::1").is_link_local_v6());
  EXPECT_FALSE(Address("fec0::1").is_link_local_v6());
  EXPECT_FALSE(Address("254.128.0.1").is_link_local_v6());
}

TEST(IpAddress, ComparesPrefixesOfItsOwnFamily) {
  const IpAddress a = Address("198.18.1.2");
  EXPECT_TRUE(a.InPrefix(Address("198.18.1.0"), 24));
  EXPECT_FALSE(a.InPrefix(Address("198.18.0.0"), 24));
  EXPECT_TRUE(a.InPrefix(Address("198.18.0.0"), 23));
  EXPECT_TRUE(a.InPrefix(Address("198.18.1.3"), 31));
  EXPECT_FALSE(a.InPrefix(Address("198.18.1.3"), 32));
  EXPECT_TRUE(a.InPrefix(a, 32));
  EXPECT_TRUE(a.InPrefix(Address("1.2.3.4"), 0));
  EXPECT_FALSE(a.InPrefix(Address("::"), 0));
  const IpAddress b = Address("2001:2:0:ff00::1");
  EXPECT_TRUE(b.InPrefix(Address("2001:2::"), 48));
  EXPECT_FALSE(b.InPrefix(Address("2001:2::"), 64));
  EXPECT_TRUE(b.InPrefix(Address("2001:2:0:fe00::"), 55));
  EXPECT_FALSE(b.InPrefix(Address("2001:2:0:fe00::"), 56));
  EXPECT_TRUE(b.InPrefix(b, 128));
  EXPECT_FALSE(b.InPrefix(Address("2001:2:0:ff00::"), 128));
  EXPECT_FALSE(b.InPrefix(a, 0));
}

TEST(Endpoint, PutsIpv6InBrackets) {
  EXPECT_EQ((Endpoint{Address("198.18.0.2"), 80}).ToString(), "198.18.0.2:80");
  EXPECT_EQ((Endpoint{Address("2001:2::2"), 65535}).ToString(), "[2001:2::2]:65535");
}

TEST(Endpoint, IsReadBackFromWhatItPrints) {
  const Endpoint endpoints[] = {{Address("198.18.0.2"), 80},
                                {Address("2001:2::2"), 65535},
                                {Address("::"), 0},
                                {Address("255.255.255.255"), 1}};
  for (const Endpoint& endpoint : endpoints) {
    EXPECT_EQ(Endpoint::Parse(endpoint.ToString()), endpoint) << endpoint.ToString();
  }
}

TEST(Endpoint, RefusesWhatIsNoAddressAndPort) {
  for (const char* text :
       {"", ":", ":80", "198.18.0.2", "198.18.0.2:", "198.18.0.2:65536", "198.18.0.2:-1",
        "198.18.0.2:8x", "198.18.0.2: 80", "198.18.0:80", "[198.18.0.2]:80", "2001:2::2:80",
        "2001:2::2", "[2001:2::2]", "[2001:2::2]:", "[2001:2::2]80", "[]:80", "[2001:2::2:80"}) {
    EXPECT_FALSE(Endpoint::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace weir
