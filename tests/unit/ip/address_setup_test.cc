// AddressSetup: duplicate address detection, listener reports, announcements, defence.
#include "ip/address_setup.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

const IpAddress kLinkLocal = Address("fe80::ff:fe00:1");  // from 02:00:00:00:00:01
const IpAddress kAllNodes = Address("ff02::1");

int Count(const std::vector<SentFrame>& sent, auto predicate) {
  return static_cast<int>(std::count_if(sent.begin(), sent.end(), predicate));
}

bool IsProbe(const SentFrame& one, const IpAddress& target) {
  return one.AsksFor(target) && one.frame.source.is_unspecified();
}

bool IsAnnouncement(const SentFrame& one, const IpAddress& address) {
  if (one.IsArp(wire::kArpRequest)) {
    return one.arp().sender == address && one.arp().target == address;
  }
  return one.IsIcmpv6(wire::kNdNeighborAdvertisement) && one.nd().target == address &&
         one.frame.destination == kAllNodes;
}

wire::NdMessage ProbeFor(const IpAddress& target) {
  return {.type = wire::kNdNeighborSolicitation, .target = target};
}

TEST(AddressSetup, DerivesTheLinkLocalAddressFromTheHardwareAddress) {
  // RFC 2464 4: 34-56-78-9A-BC-DE gives 36-56-78-FF-FE-9A-BC-DE.
  EXPECT_EQ(LinkLocalAddress({{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}}),
            Address("fe80::3656:78ff:fe9a:bcde"));
  LinkRig rig;
  ASSERT_EQ(rig.ip->locals().size(), 3u);
  EXPECT_EQ(rig.ip->Local(2).address, kLinkLocal);
}

TEST(AddressSetup, TakesAConfiguredLinkLocalAddressInstead) {
  IpConfig config = RigConfig();
  config.interfaces[0].addresses.push_back({Address("fe80::77"), 64});
  const LinkRig rig(config);
  ASSERT_EQ(rig.ip->locals().size(), 3u);
  EXPECT_EQ(rig.ip->Local(2).address, Address("fe80::77"));
}

TEST(AddressSetup, LeavesIpv6AloneWhereThereIsNoIpv6Address) {
  IpConfig config = RigConfig();
  config.interfaces[0].addresses = {{kOurs4, 24}};
  LinkRig rig(config);
  rig.Start();
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(IsAnnouncement(sent[0], kOurs4));
  EXPECT_EQ(rig.ip->locals().size(), 1u);
}

TEST(AddressSetup, UsesIpv4AddressesAtOnceAndAnnouncesThem) {
  LinkRig rig;
  EXPECT_EQ(rig.ip->LocalIndex(kOurs4, kPort), -1);
  rig.Start();
  EXPECT_EQ(rig.ip->LocalIndex(kOurs4, kPort), 0);
  const auto sent = rig.Sent();
  EXPECT_EQ(Count(sent, [](const auto& one) { return IsAnnouncement(one, kOurs4); }), 1);
}

// RFC 4862 5.4.2: join, one probe, one second.
TEST(AddressSetup, UsesIpv6AddressesAfterASecondWithoutObjection) {  // RFC4862-5.4
  LinkRig rig;
  rig.Start();
  auto sent = rig.Sent();
  for (const IpAddress& address : {kOurs6, kLinkLocal}) {
    EXPECT_EQ(Count(sent, [&](const auto& one) { return IsProbe(one, address); }), 1);
    EXPECT_EQ(Count(sent, [&](const auto& one) { return IsAnnouncement(one, address); }), 0);
  }
  EXPECT_TRUE(sent[0].IsIcmpv6(wire::kMldv2Report));  // before any probe
  rig.Advance(Milliseconds(999));
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), -1);
  rig.Advance(Milliseconds(2));
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), 1);
  EXPECT_EQ(rig.ip->LocalIndex(kLinkLocal, kPort), 2);
  sent = rig.Sent();
  for (const IpAddress& address : {kOurs6, kLinkLocal}) {
    EXPECT_EQ(Count(sent, [&](const auto& one) { return IsAnnouncement(one, address); }), 1);
  }
}

TEST(AddressSetup, SkipsDetectionWhereItIsOff) {
  IpConfig config = RigConfig();
  config.interfaces[0].dad = false;
  LinkRig rig(config);
  rig.Start();
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), 1);
  EXPECT_EQ(Count(rig.Sent(), [](const auto& one) { return IsProbe(one, kOurs6); }), 0);
}

TEST(AddressSetup, GivesUpAnAddressThatSomebodyHas) {  // RFC4862-5.4.5
  LinkRig rig;
  rig.Start();
  rig.Sent();
  rig.Advance(Milliseconds(500));
  wire::NdMessage nd{.type = wire::kNdNeighborAdvertisement, .override = true, .target = kOurs6};
  nd.has_target_mac = true;
  nd.target_mac = HostMac(5);
  rig.ReceiveNd(nd, kOurs6, kAllNodes, HostMac(5));
  EXPECT_EQ(rig[Counter::kAddressDuplicates], 1u);
  rig.Advance(Seconds(10));
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), -1);
  EXPECT_EQ(rig.ip->Local(1).state, AddressState::kDuplicate);
  EXPECT_EQ(rig.ip->LocalIndex(kLinkLocal, kPort), 2);  // the others are not touched
  rig.Sent();
  rig.AskForUs(Address("2001:2::5"), HostMac(5));
  EXPECT_TRUE(rig.Sent().empty());  // it is not ours to answer for
}

// RFC 4862 5.4.3: two nodes that probe at the same time.
TEST(AddressSetup, GivesUpAnAddressThatSomebodyElseProbes) {
  LinkRig rig;
  rig.Start();
  rig.ReceiveNd(ProbeFor(kOurs6), IpAddress(), wire::SolicitedNodeAddress(kOurs6), HostMac(5));
  rig.Advance(Seconds(2));
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), -1);
  EXPECT_EQ(rig[Counter::kAddressDuplicates], 1u);
}

TEST(AddressSetup, DoesNotTakeItsOwnEchoForAConflict) {
  LinkRig rig;
  rig.Start();
  for (const SentFrame& one : rig.Sent()) rig.Receive(one.octets);
  rig.Advance(Seconds(2));
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), 1);
  EXPECT_GE(rig[Counter::kDropEthernetOwn], 3u);
}

TEST(AddressSetup, IsSilentAboutTentativeAddresses) {
  LinkRig rig;
  rig.Start();
  rig.Sent();
  rig.AskForUs(Address("2001:2::5"), HostMac(5));
  EXPECT_TRUE(rig.Sent().empty());
  EXPECT_EQ(rig.Find(Address("2001:2::5")), nullptr);
}

TEST(AddressSetup, TellsAllWhenAnAddressOfOursIsProbed) {
  LinkRig rig;
  rig.StartUp();
  rig.ReceiveNd(ProbeFor(kOurs6), IpAddress(), wire::SolicitedNodeAddress(kOurs6), HostMac(5));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].frame.destination, kAllNodes);
  EXPECT_EQ(sent[0].frame.destination_mac, wire::MulticastMac(kAllNodes));
  EXPECT_FALSE(sent[0].nd().solicited);
  EXPECT_TRUE(sent[0].nd().override);
  EXPECT_EQ(sent[0].nd().target_mac, kOurMac);
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), 1);
}

// RFC 5227 2.4 (b): defend, but not in a storm.
TEST(AddressSetup, DefendsAnAddressInUseOnceInTenSeconds) {
  for (const bool v4 : {true, false}) {
    LinkRig rig;
    rig.StartUp();
    const IpAddress ours = v4 ? kOurs4 : kOurs6;
    int defences = 0;
    for (int i = 0; i < 250; ++i) {  // 25 s
      rig.Advertise(ours, HostMac(5), false);
      const auto sent = rig.Sent();
      defences += Count(sent, [&](const auto& one) { return IsAnnouncement(one, ours); });
      rig.Advance(Milliseconds(100));
    }
    EXPECT_EQ(defences, 3);
    EXPECT_EQ(rig[Counter::kAddressConflicts], 250u);
    EXPECT_GE(rig.ip->LocalIndex(ours, kPort), 0);
    EXPECT_EQ(rig.Find(ours), nullptr);
  }
}

TEST(AddressSetup, ReportsItsGroupsTwiceAndOnceMoreForEachQuery) {
  LinkRig rig;
  const auto is_report = [](const SentFrame& one) { return one.IsIcmpv6(wire::kMldv2Report); };
  rig.Start();
  auto sent = rig.Sent();
  ASSERT_EQ(Count(sent, is_report), 1);
  EXPECT_TRUE(sent[0].frame.source.is_unspecified());  // RFC 3590
  EXPECT_EQ(LoadBe16(&sent[0].message()[6]), 2);       // two groups
  rig.Advance(Seconds(5));
  sent = rig.Sent();
  ASSERT_EQ(Count(sent, is_report), 1);
  const auto second = *std::find_if(sent.begin(), sent.end(), is_report);
  EXPECT_EQ(second.frame.source, kLinkLocal);
  EXPECT_EQ(second.frame.ttl, 1);
  rig.Advance(Seconds(60));
  EXPECT_EQ(Count(rig.Sent(), is_report), 0);

  std::vector<uint8_t> query(28);
  query[0] = wire::kMldQuery;
  StoreBe16(&query[4], 1000);  // milliseconds
  for (int i = 0; i < 3; ++i) {
    rig.ReceiveIcmp(Address("fe80::9"), kAllNodes, wire::MulticastMac(kAllNodes), query, 1);
  }
  EXPECT_EQ(rig[Counter::kMldQueries], 3u);
  rig.Advance(Milliseconds(1001));
  EXPECT_EQ(Count(rig.Sent(), is_report), 1);
}

TEST(AddressSetup, DoesNotAnswerAQueryForAnothersGroup) {
  LinkRig rig;
  rig.StartUp();
  std::vector<uint8_t> query(28);
  query[0] = wire::kMldQuery;
  const IpAddress group = Address("ff02::1:ff00:99");
  std::memcpy(&query[8], group.octets().data(), 16);
  rig.ReceiveIcmp(Address("fe80::9"), group, wire::MulticastMac(group), query, 1);
  rig.Advance(Seconds(10));
  EXPECT_TRUE(rig.Sent().empty());
}

// Of several shards one speaks; the others come to the same conclusions in silence.
TEST(AddressSetup, OfAShardThatDoesNotOwnTheAddressesOnlyListens) {
  IpConfig config = RigConfig();
  config.owner = false;
  {
    LinkRig rig(config);
    rig.StartUp();
    EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), 1);
    rig.AskForUs(Address("198.18.0.5"), HostMac(5));
    rig.AskForUs(Address("2001:2::5"), HostMac(5));
    rig.Advertise(kOurs4, HostMac(5), false);
    EXPECT_TRUE(rig.Sent().empty());
    EXPECT_EQ(rig.StateOf(Address("198.18.0.5")), NeighbourState::kStale);
    EXPECT_EQ(rig.StateOf(Address("2001:2::5")), NeighbourState::kStale);
  }
  LinkRig rig(config);
  rig.Start();
  EXPECT_TRUE(rig.Sent().empty());
  rig.ReceiveNd(ProbeFor(kOurs6), IpAddress(), wire::SolicitedNodeAddress(kOurs6), HostMac(5));
  rig.Advance(Seconds(2));
  EXPECT_EQ(rig.ip->LocalIndex(kOurs6, kPort), -1);
}

TEST(AddressSetup, SleepsWhenThereIsNothingToDo) {
  LinkRig rig;
  rig.Start();
  EXPECT_LE(rig.ip->next_deadline(), rig.now + Seconds(1));
  rig.Advance(Seconds(10));
  EXPECT_GT(rig.ip->next_deadline(), rig.now + Seconds(3600));
  ASSERT_TRUE(rig.Send(Address("198.18.0.5")));
  EXPECT_EQ(rig.ip->next_deadline(), rig.now + Seconds(1));
}

}  // namespace
}  // namespace weir::ip
