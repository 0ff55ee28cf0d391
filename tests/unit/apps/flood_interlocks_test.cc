// Each interlock of weir-flood holds, and says what would release it.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "flood/interlocks.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::flood {
namespace {

using testing::HasSubstr;

// A machine of its own making below a directory.
class FloodInterlocks : public testing::Test {
 protected:
  FloodInterlocks() : root_(testing::TempDir() + "flood_interlocks_" + std::to_string(getpid())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ + "/proc/net");
    std::filesystem::create_directories(root_ + "/sys/class/net");
    Write("proc/net/route",
          "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
          "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
          "veth7\t000012C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
    Write("proc/net/ipv6_route",
          "20010002000000000000000000000000 40 00000000000000000000000000000000 00 "
          "00000000000000000000000000000000 00000100 00000001 00000000 00000001 veth7\n"
          "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
          "fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth1\n"
          "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
          "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo\n");
    for (const char* name : {"eth0", "eth1", "eth2", "veth7"}) Interface(name);
    std::filesystem::create_directories(root_ + "/sys/class/net/eth2/device");
  }
  ~FloodInterlocks() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path) << text;
  }
  void Interface(const std::string& name) {
    std::filesystem::create_directories(root_ + "/sys/class/net/" + name);
  }
  void Link(const std::string& name, const std::string& link, const std::string& to) {
    std::filesystem::create_symlink("../" + to, root_ + "/sys/class/net/" + name + "/" + link);
  }

  static Intentions Good() {
    Intentions intentions;
    intentions.i_control_this_lab = true;
    intentions.device = "net_memif0,role=server,socket=/tmp/s";
    intentions.addresses = {*IpAddress::Parse("198.18.0.1"), *IpAddress::Parse("2001:2::2")};
    intentions.sources = {*Prefix::Parse("198.19.0.0/16")};
    intentions.duration_s = 10;
    intentions.rate_cap = 1000;
    intentions.rate_asked = 1000;
    return intentions;
  }
  absl::Status Check(const Intentions& intentions) const {
    return CheckInterlocks(intentions, Interfaces(root_ + "/"));
  }
  void ExpectRefused(const Intentions& intentions, const std::string& because) const {
    const absl::Status status = Check(intentions);
    EXPECT_FALSE(status.ok()) << because;
    EXPECT_THAT(std::string(status.message()), HasSubstr(because));
  }

  std::string root_;
};

TEST_F(FloodInterlocks, LetALabPass) { EXPECT_TRUE(Check(Good()).ok()) << Check(Good()); }

TEST_F(FloodInterlocks, NobodyFloodsByAccident) {
  Intentions intentions = Good();
  intentions.i_control_this_lab = false;
  ExpectRefused(intentions, "--i-control-this-lab");
}

TEST_F(FloodInterlocks, HoldAddressesToTheNetworksForTests) {
  for (const char* address :
       {"192.0.2.1", "198.17.255.255", "198.20.0.0", "10.0.0.1", "2001:db8::1", "2001:2:1::1"}) {
    Intentions intentions = Good();
    intentions.addresses.push_back(*IpAddress::Parse(address));
    ExpectRefused(intentions, address);
    intentions.allow_target = {
        {*IpAddress::Parse(address), intentions.addresses.back().is_v4() ? 32u : 128u}};
    EXPECT_TRUE(Check(intentions).ok()) << address;
  }
}

TEST_F(FloodInterlocks, HoldSourcesToTheNetworksForTests) {
  for (const char* prefix : {"198.0.0.0/8", "198.18.0.0/14", "0.0.0.0/0", "2001:2::/32"}) {
    Intentions intentions = Good();
    const auto parsed = Prefix::Parse(prefix);
    // A prefix with bits beyond its length is none, which is as good.
    if (!parsed) continue;
    intentions.sources = {*parsed};
    ExpectRefused(intentions, prefix);
  }
  Intentions intentions = Good();
  intentions.sources = {*Prefix::Parse("192.0.0.0/8")};
  ExpectRefused(intentions, "192.0.0.0/8");
  intentions.allow_target = {*Prefix::Parse("192.0.2.0/24")};  // a part of it only
  ExpectRefused(intentions, "192.0.0.0/8");
}

TEST_F(FloodInterlocks, RefusePhysicalDevicesUnlessAllowed) {
  for (const char* device : {"0000:01:00.0", "net_af_packet0,iface=eth2"}) {
    Intentions intentions = Good();
    intentions.device = device;
    ExpectRefused(intentions, "--allow-physical");
    intentions.allow_physical = true;
    EXPECT_TRUE(Check(intentions).ok()) << device;
  }
}

TEST_F(FloodInterlocks, RefuseTheDefaultRouteWhateverIsAllowed) {
  Interface("br0");
  Interface("port3");
  Interface("macvlan0");
  Write("proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "br0\t00000080\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n");
  Link("port3", "master", "br0");
  Link("macvlan0", "lower_eth0", "eth0");
  for (const char* device :
       {"net_af_packet0,iface=eth0", "net_af_xdp0,iface=eth1", "net_tap0,iface=t0,remote=eth0",
        "net_pcap0,iface=eth0", "net_pcap0,rx_iface=veth7,tx_iface=eth0",
        "net_af_packet0,iface=port3", "net_af_xdp0,start_queue=0,iface=macvlan0"}) {
    Intentions intentions = Good();
    intentions.allow_physical = true;
    intentions.device = device;
    ExpectRefused(intentions, "default route");
  }
}

TEST_F(FloodInterlocks, LetAVethOfALabPass) {
  Intentions intentions = Good();
  intentions.device = "net_af_packet0,iface=veth7";
  EXPECT_TRUE(Check(intentions).ok());
}

TEST_F(FloodInterlocks, WantADeviceADurationAndARateCap) {
  Intentions intentions = Good();
  intentions.device.clear();
  ExpectRefused(intentions, "--device");
  for (const double duration : {0.0, -1.0, 1e9}) {
    intentions = Good();
    intentions.duration_s = duration;
    ExpectRefused(intentions, "--duration");
  }
  for (const double cap : {0.0, -1.0, 1e10}) {
    intentions = Good();
    intentions.rate_cap = cap;
    ExpectRefused(intentions, "--rate-cap");
  }
  intentions = Good();
  intentions.rate_asked = 1001;
  ExpectRefused(intentions, "more than --rate-cap");
}

TEST_F(FloodInterlocks, AreAllNamedAtOnce) {
  Intentions intentions = Good();
  intentions.i_control_this_lab = false;
  intentions.addresses.push_back(*IpAddress::Parse("192.0.2.1"));
  intentions.addresses.push_back(*IpAddress::Parse("10.0.0.1"));
  intentions.device = "net_af_packet0,iface=eth2";
  intentions.duration_s = 0;
  intentions.rate_cap = 0;
  EXPECT_EQ(std::string(Check(intentions).message()),
            "interlock: --i-control-this-lab: say that the device, the network behind it and the "
            "target are yours to break\n"
            "interlock: 192.0.2.1/32 is outside of 198.18.0.0/15 and 2001:2::/48, the networks for "
            "tests; --allow-target=PREFIX allows another that is yours\n"
            "interlock: 10.0.0.1/32 is outside of 198.18.0.0/15 and 2001:2::/48, the networks for "
            "tests; --allow-target=PREFIX allows another that is yours\n"
            "interlock: net_af_packet0,iface=eth2 is, or stands on, a physical device; "
            "--allow-physical allows one that leads nowhere but into your lab\n"
            "interlock: --duration=SECONDS: when this run ends at the latest, 1 to 604800\n"
            "interlock: --rate-cap=FRAMES_PER_SECOND: what is never exceeded, 1 to 1000000000");
}

TEST(FloodPrefix, ReadsPrefixesAndNothingElse) {
  EXPECT_EQ(Prefix::Parse("198.18.0.0/15")->ToString(), "198.18.0.0/15");
  EXPECT_EQ(Prefix::Parse("2001:2::/48")->ToString(), "2001:2::/48");
  EXPECT_TRUE(Prefix::Parse("0.0.0.0/0"));
  for (const char* text : {"198.18.0.0", "198.18.0.0/", "198.18.0.0/33", "198.18.0.1/15",
                           "2001:2::1/48", "2001:2::/129", "/15", "198.18.0.0/15 ", ""}) {
    EXPECT_FALSE(Prefix::Parse(text)) << text;
  }
}

TEST(FloodPrefix, ContainsItsOwnFamilyOnly) {
  const Prefix lab = *Prefix::Parse("198.18.0.0/15");
  EXPECT_TRUE(lab.Contains(*IpAddress::Parse("198.19.255.255")));
  EXPECT_FALSE(lab.Contains(*IpAddress::Parse("198.20.0.0")));
  EXPECT_FALSE(lab.Contains(*IpAddress::Parse("2001:2::1")));
  EXPECT_FALSE(Prefix::Parse("::/0")->Contains(*IpAddress::Parse("198.18.0.1")));
}

TEST(FloodSources, HalvesDoNotMeet) {
  Prng random(3);
  for (const char* text : {"198.19.0.0/16", "198.18.7.0/28", "2001:2:0:ff00::/56", "2001:2::/63"}) {
    const Sources sources(*Prefix::Parse(text));
    for (int i = 0; i < 1000; ++i) {
      const IpAddress nobody = sources.Random(random);
      EXPECT_TRUE(sources.Contains(nobody) && sources.prefix().Contains(nobody));
      EXPECT_FALSE(sources.PeerIndex(nobody)) << nobody.ToString();
      const uint32_t n = static_cast<uint32_t>(random.Below(sources.peers_max()));
      EXPECT_TRUE(sources.prefix().Contains(sources.Peer(n)));
      EXPECT_EQ(sources.PeerIndex(sources.Peer(n)), n);
    }
    for (int n = 0; n < 256; ++n) {
      EXPECT_FALSE(sources.PeerIndex(sources.Neighbour(static_cast<uint8_t>(n))));
      EXPECT_TRUE(sources.Contains(sources.Neighbour(static_cast<uint8_t>(n))));
    }
  }
}

}  // namespace
}  // namespace weir::flood
