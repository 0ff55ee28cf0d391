// Neighbours under attack: the table stays bounded and real neighbours stay in it.
#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"
#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

constexpr uint32_t kNeighbours = 64;

IpConfig WideConfig() {
  IpConfig config = RigConfig();
  config.neighbours = kNeighbours;
  config.waiting_packets = 16;
  config.interfaces[0].addresses = {{kOurs4, 16}, {kOurs6, 64}};
  return config;
}

class AFlood : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { rig.StartUp(); }

  IpAddress Host(uint32_t n) const {
    if (GetParam()) return IpAddress::V4(0xc6120000u + 256 + n);  // 198.18.1.0 and up
    auto octets = kOurs6.octets();
    octets[13] = 1;
    StoreBe16(&octets[14], static_cast<uint16_t>(n));
    return IpAddress::V6(octets);
  }
  static wire::MacAddress Mac(uint32_t n) {
    wire::MacAddress mac{{0x02, 0, 0x0f}};
    StoreBe16(&mac.octets[4], static_cast<uint16_t>(n));
    return mac;
  }
  void Resolve(const IpAddress& host, uint16_t& hint, const wire::MacAddress& mac) {
    ASSERT_TRUE(rig.Send(host, hint));
    rig.Advertise(host, mac);
    ASSERT_EQ(rig.StateOf(host), NeighbourState::kReachable);
    rig.Sent();
  }
  const NeighbourTable& table() const { return rig.ip->neighbours().table(); }

  LinkRig rig{WideConfig()};
  const IpAddress gateway = GetParam() ? kGateway4 : kGateway6;
  const IpAddress far = GetParam() ? Address("203.0.113.1") : Address("2001:db8::1");
};

TEST_P(AFlood, OfRequestsLeavesRealNeighboursAlone) {
  uint16_t gateway_hint = kNoNeighbour, host_hint = kNoNeighbour;
  Resolve(gateway, gateway_hint, HostMac(1));
  const IpAddress host = Host(60000);
  Resolve(host, host_hint, HostMac(2));
  for (uint32_t n = 0; n < 5000; ++n) {
    rig.AskForUs(Host(n), Mac(n));
    rig.Sent();
  }
  EXPECT_EQ(rig[Counter::kNeighbourLearned], 5000u);
  EXPECT_EQ(table().count(NeighbourClass::kLearned), table().capacity() / 4);
  EXPECT_EQ(rig.StateOf(gateway), NeighbourState::kReachable);
  EXPECT_EQ(rig.StateOf(host), NeighbourState::kReachable);
  ASSERT_TRUE(rig.Send(far, gateway_hint, "far"));
  ASSERT_TRUE(rig.Send(host, host_hint, "near"));
  EXPECT_EQ(rig.SentTexts(),
            (std::vector<LinkRig::SentText>{{"far", HostMac(1)}, {"near", HostMac(2)}}));
}

TEST_P(AFlood, OfRequestsDoesNotDisturbAResolution) {
  const IpAddress host = Host(60000);
  ASSERT_TRUE(rig.Send(host, "waits"));
  for (uint32_t n = 0; n < 1000; ++n) rig.AskForUs(Host(n), Mac(n)), rig.Sent();
  rig.Advertise(host, HostMac(2));
  EXPECT_EQ(rig.SentTexts(), (std::vector<LinkRig::SentText>{{"waits", HostMac(2)}}));
}

TEST_P(AFlood, OfUnaskedAnswersTeachesNothing) {
  for (uint32_t n = 0; n < 1000; ++n) {
    rig.Advertise(Host(n), Mac(n), (n & 1) != 0);
    rig.AskForUs(far, Mac(n));
    rig.Sent();
  }
  EXPECT_EQ(table().count(NeighbourClass::kFree), kNeighbours);
}

// Packets for silent hosts fill no more than their share, and stale neighbours outlive them.
TEST_P(AFlood, OfPacketsForSilentHostsIsBounded) {
  uint16_t gateway_hint = kNoNeighbour;
  Resolve(gateway, gateway_hint, HostMac(1));
  std::vector<uint16_t> hints(16, kNoNeighbour);
  for (uint32_t n = 0; n < hints.size(); ++n) Resolve(Host(50000 + n), hints[n], Mac(50000 + n));
  for (uint32_t n = 0; n < 2000; ++n) {
    rig.Send(Host(n));
    rig.Sent();
    ASSERT_LE(rig.ip->neighbours().waiting(), 16u);
    ASSERT_LE(table().count(NeighbourClass::kIncomplete), table().capacity() / 2);
  }
  EXPECT_EQ(rig.StateOf(gateway), NeighbourState::kReachable);
  for (uint32_t n = 0; n < hints.size(); ++n) {
    EXPECT_EQ(rig.StateOf(Host(50000 + n)), NeighbourState::kReachable);
  }
  rig.Advance(Seconds(5));
  rig.Sent();
  EXPECT_EQ(rig.ip->neighbours().waiting(), 0u);
  EXPECT_EQ(table().count(NeighbourClass::kIncomplete), 0u);
}

TEST_P(AFlood, OfRealNeighboursIsRefusedOnceAllAreInUse) {
  std::vector<uint16_t> hints(kNeighbours, kNoNeighbour);
  for (uint32_t n = 0; n < kNeighbours; ++n) Resolve(Host(n), hints[n], Mac(n));
  EXPECT_EQ(table().count(NeighbourClass::kFree), 0u);
  EXPECT_FALSE(rig.Send(Host(1000)));
  EXPECT_EQ(rig[Counter::kDropNeighbourTableFull], 1u);
  rig.AskForUs(Host(1001), Mac(1001));
  EXPECT_EQ(rig[Counter::kNeighbourRefused], 1u);
  rig.Sent();
  // The gateway has its place whatever happens.
  uint16_t gateway_hint = kNoNeighbour;
  Resolve(gateway, gateway_hint, HostMac(1));
}

// A verified neighbour out of use gives way to one that we want, not to one that wants us.
TEST_P(AFlood, ThrowsOutWhoIsOutOfUseForWhomWeAskOnly) {
  std::vector<uint16_t> hints(kNeighbours, kNoNeighbour);
  for (uint32_t n = 0; n < kNeighbours; ++n) Resolve(Host(n), hints[n], Mac(n));
  rig.Advance(rig.ip->neighbours().reachable_time() - Seconds(2));
  for (uint32_t n = 0; n < kNeighbours; ++n) rig.Advertise(Host(n), Mac(n));
  rig.Advance(rig.ip->neighbours().reachable_time() + Seconds(1));
  rig.Sent();
  ASSERT_EQ(table().count(NeighbourClass::kStale), kNeighbours);
  rig.AskForUs(Host(1000), Mac(1000));
  EXPECT_EQ(rig.Find(Host(1000)), nullptr);
  EXPECT_TRUE(rig.Send(Host(1001)));
  EXPECT_EQ(rig.StateOf(Host(1001)), NeighbourState::kIncomplete);
  EXPECT_EQ(table().count(NeighbourClass::kStale), kNeighbours - 1);
}

// Hints outlive what they point at; a packet still finds its own neighbour.
TEST_P(AFlood, LeavesOldHintsHarmless) {
  Prng prng(3);
  std::vector<uint16_t> hints(200, kNoNeighbour);
  for (int round = 0; round < 5000; ++round) {
    const auto n = static_cast<uint32_t>(prng.Below(hints.size()));
    rig.Advance(Milliseconds(static_cast<int64_t>(prng.Below(300))));
    rig.Sent();
    if (!rig.Send(Host(n), hints[n], std::to_string(n))) continue;
    if (prng.Chance(700)) rig.Advertise(Host(n), Mac(n));
    rig.ip->Confirm(hints[prng.Below(hints.size())], rig.now);
    for (const auto& text : rig.SentTexts()) {
      ASSERT_EQ(text.to, Mac(static_cast<uint32_t>(std::stoul(text.text))));
    }
  }
  EXPECT_GT(rig[Counter::kNeighbourEvictions], 100u);
}

INSTANTIATE_TEST_SUITE_P(Family, AFlood, testing::Values(true, false),
                         [](const auto& family) { return family.param ? "v4" : "v6"; });

TEST(NeighbourTable, KeepsItsListsAndChainsWhole) {
  NeighbourTable table(32, 5);
  Prng prng(11);
  std::set<uint32_t> present;
  for (int round = 0; round < 20000; ++round) {
    const auto n = static_cast<uint32_t>(prng.Below(100));
    const IpAddress address = IpAddress::V4(0xc6120000u + n);
    const uint16_t found = table.Find(address, 0);
    ASSERT_EQ(found != NeighbourTable::kNone, present.contains(n));
    if (found != NeighbourTable::kNone) {
      if (prng.Chance(300)) {
        table.Remove(found);
        present.erase(n);
      } else {
        const NeighbourClass classes[] = {NeighbourClass::kLearned, NeighbourClass::kIncomplete,
                                          NeighbourClass::kStale, NeighbourClass::kActive};
        table.Reclass(found, classes[prng.Below(4)]);
      }
      continue;
    }
    const auto kept = prng.Chance(500) ? NeighbourClass::kLearned : NeighbourClass::kIncomplete;
    const uint16_t place = table.PlaceFor(kept);
    if (place == NeighbourTable::kNone) continue;
    if (table[place].state != NeighbourState::kFree) {
      ASSERT_NE(table[place].kept, NeighbourClass::kActive);
      present.erase(table[place].address.v4() - 0xc6120000u);
      table.Remove(place);
    }
    table.Insert(place, address, 0, kept);
    present.insert(n);
  }
  uint32_t total = 0;
  for (size_t i = 0; i < kNeighbourClassCount; ++i) {
    total += table.count(static_cast<NeighbourClass>(i));
  }
  EXPECT_EQ(total, 32u);
  EXPECT_EQ(32 - table.count(NeighbourClass::kFree), present.size());
}

TEST(NeighbourTable, TellsInterfacesApart) {
  NeighbourTable table(4, 5);
  const IpAddress address = Address("fe80::1");
  table.Insert(table.PlaceFor(NeighbourClass::kIncomplete), address, 0,
               NeighbourClass::kIncomplete);
  EXPECT_NE(table.Find(address, 0), NeighbourTable::kNone);
  EXPECT_EQ(table.Find(address, 1), NeighbourTable::kNone);
}

TEST(WaitingPackets, AreBoundedAltogether) {
  HeapPool pool(16);
  WaitingPackets waiting(4);
  Neighbour a, b, c;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(waiting.Add(a, AllocatePacket(pool)));
  EXPECT_FALSE(waiting.Add(b, AllocatePacket(pool)));
  EXPECT_TRUE(waiting.Add(c, AllocatePacket(pool)));  // no room, and none of its own to give
  EXPECT_EQ(c.waiting_count, 0);
  EXPECT_TRUE(waiting.Add(b, AllocatePacket(pool)));  // its own oldest
  EXPECT_EQ(b.waiting_count, 1);
  EXPECT_EQ(waiting.in_use(), 4u);
  while (waiting.Take(a)) {
  }
  while (waiting.Take(b)) {
  }
  EXPECT_EQ(waiting.in_use(), 0u);
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

}  // namespace
}  // namespace weir::ip
