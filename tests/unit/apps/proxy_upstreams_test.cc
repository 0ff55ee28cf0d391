// Upstreams: whose turn it is, and when an upstream counts as down.
#include "proxy/upstreams.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace weir::proxy {
namespace {

std::vector<Endpoint> Servers(size_t count) {
  std::vector<Endpoint> servers;
  for (size_t i = 0; i < count; ++i) {
    servers.push_back({IpAddress::V4(0xc6120100u + static_cast<uint32_t>(i)), 8080});
  }
  return servers;
}

IpAddress Client(uint32_t n) { return IpAddress::V4(0xc6130000u + n); }
IpAddress Client6(uint8_t n) {
  return IpAddress::V6({0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n});
}

void TakeDown(Upstreams& upstreams, size_t i, uint32_t failures = 3) {
  for (uint32_t n = 0; n < failures; ++n) (void)upstreams.Report(i, false);
  ASSERT_FALSE(upstreams.up(i));
}

// --- fewest connections ---

TEST(FewestConnections, TakesTurnsAmongEquals) {
  Upstreams upstreams(Servers(3), Balance::kLeastConnections, {});
  std::vector<size_t> chosen;
  for (uint32_t i = 0; i < 6; ++i) chosen.push_back(*upstreams.Choose(Client(i), 0));
  EXPECT_EQ(chosen, (std::vector<size_t>{0, 1, 2, 0, 1, 2}));
}

TEST(FewestConnections, GoToTheNextClient) {
  Upstreams upstreams(Servers(3), Balance::kLeastConnections, {});
  for (size_t i : {0, 0, 1, 2, 2}) upstreams.AddConnection(i);
  EXPECT_EQ(upstreams.Choose(Client(1), 0), 1u);
  upstreams.AddConnection(1);
  upstreams.AddConnection(1);
  upstreams.DropConnection(2);
  EXPECT_EQ(upstreams.Choose(Client(1), 0), 2u);
  EXPECT_EQ(upstreams.connections(1), 3u);
}

TEST(FewestConnections, PassOverWhatWasTriedAndWhatIsDown) {
  Upstreams upstreams(Servers(3), Balance::kLeastConnections, {});
  TakeDown(upstreams, 1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(upstreams.Choose(Client(1), 0b001), 2u);
  EXPECT_EQ(upstreams.Choose(Client(1), 0b101), std::nullopt);
}

TEST(FewestConnections, ReachTheLastOfSixtyFour) {
  Upstreams upstreams(Servers(Upstreams::kMax), Balance::kLeastConnections, {});
  EXPECT_EQ(upstreams.Choose(Client(1), ~uint64_t{0} >> 1), 63u);
  EXPECT_EQ(upstreams.Choose(Client(1), ~uint64_t{0}), std::nullopt);
}

// --- hash ---

TEST(Rendezvous, GivesAClientTheSameUpstreamEveryTime) {
  Upstreams upstreams(Servers(5), Balance::kHash, {});
  for (uint32_t i = 0; i < 100; ++i) {
    const auto first = upstreams.Choose(Client(i), 0);
    ASSERT_TRUE(first);
    upstreams.AddConnection(*first);
    EXPECT_EQ(upstreams.Choose(Client(i), 0), first);
  }
}

TEST(Rendezvous, SpreadsClientsEvenly) {
  Upstreams upstreams(Servers(4), Balance::kHash, {});
  std::map<size_t, int> of;
  for (uint32_t i = 0; i < 4000; ++i) ++of[*upstreams.Choose(Client(i), 0)];
  // 1000 each, give or take; 150 is more than five standard deviations.
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(of[i], 1000, 150) << i;
}

TEST(Rendezvous, MovesOnlyTheClientsOfTheUpstreamThatIsDown) {
  Upstreams upstreams(Servers(4), Balance::kHash, {});
  std::vector<size_t> before;
  for (uint32_t i = 0; i < 1000; ++i) before.push_back(*upstreams.Choose(Client(i), 0));
  TakeDown(upstreams, 2);
  std::map<size_t, int> taken_over;
  for (uint32_t i = 0; i < 1000; ++i) {
    const size_t now = *upstreams.Choose(Client(i), 0);
    if (before[i] == 2) {
      EXPECT_NE(now, 2u);
      ++taken_over[now];
    } else {
      EXPECT_EQ(now, before[i]) << i;
    }
  }
  EXPECT_EQ(taken_over.size(), 3u) << "one alone would get all of them";
  for (int i = 0; i < 2; ++i) (void)upstreams.Report(2, true);
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(upstreams.Choose(Client(i), 0), before[i]) << i;
}

TEST(Rendezvous, DoesNotDependOnTheOrderOfTheList) {
  const std::vector<Endpoint> forwards = Servers(4);
  const std::vector<Endpoint> backwards(forwards.rbegin(), forwards.rend());
  Upstreams a(forwards, Balance::kHash, {}), b(backwards, Balance::kHash, {});
  for (uint32_t i = 0; i < 200; ++i) {
    EXPECT_EQ(a.endpoint(*a.Choose(Client(i), 0)), b.endpoint(*b.Choose(Client(i), 0))) << i;
  }
}

TEST(Rendezvous, TellsIpv6ClientsApart) {
  Upstreams upstreams(Servers(4), Balance::kHash, {});
  std::map<size_t, int> of;
  for (int i = 0; i < 200; ++i) ++of[*upstreams.Choose(Client6(static_cast<uint8_t>(i)), 0)];
  EXPECT_EQ(of.size(), 4u);
}

TEST(Rendezvous, TellsPortsOfOneHostApart) {
  const Endpoint servers[] = {{Client(1), 8080}, {Client(1), 8081}};
  Upstreams upstreams(servers, Balance::kHash, {});
  std::map<size_t, int> of;
  for (uint32_t i = 0; i < 200; ++i) ++of[*upstreams.Choose(Client(i), 0)];
  EXPECT_EQ(of.size(), 2u);
}

TEST(Rendezvous, PassesOverWhatWasTried) {
  Upstreams upstreams(Servers(3), Balance::kHash, {});
  uint64_t tried = 0;
  for (int i = 0; i < 3; ++i) {
    const auto next = upstreams.Choose(Client(7), tried);
    ASSERT_TRUE(next);
    EXPECT_EQ(tried >> *next & 1, 0u);
    tried |= uint64_t{1} << *next;
  }
  EXPECT_EQ(upstreams.Choose(Client(7), tried), std::nullopt);
}

// --- health ---

TEST(Health, FailuresInARowTakeAnUpstreamDown) {
  Upstreams upstreams(Servers(1), Balance::kHash, {.fall = 3, .rise = 2});
  EXPECT_FALSE(upstreams.Report(0, false));
  EXPECT_FALSE(upstreams.Report(0, false));
  EXPECT_FALSE(upstreams.Report(0, true));  // the row is broken
  EXPECT_FALSE(upstreams.Report(0, false));
  EXPECT_FALSE(upstreams.Report(0, false));
  EXPECT_TRUE(upstreams.up(0));
  EXPECT_TRUE(upstreams.Report(0, false));
  EXPECT_FALSE(upstreams.up(0));
  EXPECT_FALSE(upstreams.Report(0, false)) << "no news";
  EXPECT_EQ(upstreams.Choose(Client(1), 0), std::nullopt);
}

TEST(Health, SuccessesInARowBringItBack) {
  Upstreams upstreams(Servers(1), Balance::kHash, {.fall = 1, .rise = 2});
  EXPECT_TRUE(upstreams.Report(0, false));
  EXPECT_FALSE(upstreams.Report(0, true));
  EXPECT_FALSE(upstreams.Report(0, false));  // the row is broken
  EXPECT_FALSE(upstreams.Report(0, true));
  EXPECT_TRUE(upstreams.Report(0, true));
  EXPECT_TRUE(upstreams.up(0));
  EXPECT_EQ(upstreams.Choose(Client(1), 0), 0u);
}

TEST(Health, AFallOfNoneKeepsEverythingUp) {
  Upstreams upstreams(Servers(1), Balance::kHash, {.fall = 0});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(upstreams.Report(0, false));
  EXPECT_TRUE(upstreams.up(0));
}

}  // namespace
}  // namespace weir::proxy
