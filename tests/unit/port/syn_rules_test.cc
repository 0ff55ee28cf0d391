// SYN rules: what is asked of a device, field by field, and what a refusal says.
#include "port/syn_rules.h"

#include <rte_ethdev.h>

#include <array>
#include <cstring>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "port/ring_pair.h"
#include "port/rss.h"
#include "unit/port/granting_flows.h"
#include "unit/port/test_eal.h"

namespace weir::port {
namespace {

using testing::ElementsAre;

std::vector<rte_flow_item_type> TypesOf(const SynRule& rule) {
  std::vector<rte_flow_item_type> types;
  for (const rte_flow_item* item = rule.pattern();; ++item) {
    types.push_back(item->type);
    if (item->type == RTE_FLOW_ITEM_TYPE_END) return types;
  }
}

const rte_flow_item& TcpOf(const SynRule& rule) {
  const rte_flow_item* item = rule.pattern();
  while (item->type != RTE_FLOW_ITEM_TYPE_TCP) ++item;
  return *item;
}

TEST(SynRule, IsAboutTcpOverItsFamilyWithOrWithoutATag) {
  EXPECT_THAT(TypesOf(SynRule(true, false, {})),
              ElementsAre(RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_TCP,
                          RTE_FLOW_ITEM_TYPE_END));
  EXPECT_THAT(TypesOf(SynRule(false, false, {})),
              ElementsAre(RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_IPV6, RTE_FLOW_ITEM_TYPE_TCP,
                          RTE_FLOW_ITEM_TYPE_END));
  EXPECT_THAT(TypesOf(SynRule(false, true, {})),
              ElementsAre(RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_VLAN, RTE_FLOW_ITEM_TYPE_IPV6,
                          RTE_FLOW_ITEM_TYPE_TCP, RTE_FLOW_ITEM_TYPE_END));
  EXPECT_EQ(SynRule(true, false, {}).attributes().ingress, 1u);
  EXPECT_EQ(SynRule(true, false, {}).attributes().egress, 0u);
}

// Every combination of flags: those with SYN and without ACK, whatever else is set.
TEST(SynRule, TakesSynWithoutAckWhateverElseIsSet) {
  const SynRule rule(true, false, {});
  const auto& spec = *static_cast<const rte_flow_item_tcp*>(TcpOf(rule).spec);
  const auto& mask = *static_cast<const rte_flow_item_tcp*>(TcpOf(rule).mask);
  EXPECT_EQ(TcpOf(rule).last, nullptr);
  for (unsigned flags = 0; flags < 256; ++flags) {
    const bool matches = (flags & mask.hdr.tcp_flags) == (spec.hdr.tcp_flags & mask.hdr.tcp_flags);
    EXPECT_EQ(matches, (flags & 0x02) != 0 && (flags & 0x10) == 0) << flags;
  }
  rte_flow_item_tcp rest = mask;
  rest.hdr.tcp_flags = 0;
  const rte_flow_item_tcp nothing{};
  EXPECT_EQ(std::memcmp(&rest, &nothing, sizeof rest), 0) << "asks for more than flags";
}

TEST(SynRule, GoesToOneQueueOrIsSpreadOverSeveral) {
  const SynRule one(true, false, {.first = 3});
  ASSERT_EQ(one.actions()[0].type, RTE_FLOW_ACTION_TYPE_QUEUE);
  EXPECT_EQ(static_cast<const rte_flow_action_queue*>(one.actions()[0].conf)->index, 3);
  EXPECT_EQ(one.actions()[1].type, RTE_FLOW_ACTION_TYPE_END);

  const std::array<uint8_t, 40> key = {0x6d, 0x5a};
  const SynRule spread(false, false, {.first = 4, .queues = 3, .rss_key = key});
  ASSERT_EQ(spread.actions()[0].type, RTE_FLOW_ACTION_TYPE_RSS);
  const auto& rss = *static_cast<const rte_flow_action_rss*>(spread.actions()[0].conf);
  EXPECT_THAT(std::vector<uint16_t>(rss.queue, rss.queue + rss.queue_num), ElementsAre(4, 5, 6));
  EXPECT_EQ(rss.types, RTE_ETH_RSS_NONFRAG_IPV6_TCP);
  EXPECT_EQ(rss.key_len, 40u);
  EXPECT_EQ(rss.key, key.data());
  EXPECT_EQ(spread.actions()[1].type, RTE_FLOW_ACTION_TYPE_END);
}

TEST(SynRules, SayWhyADeviceDoesNotTakeThem) {
  EnsureEal();
  auto pair = CreateRingPair("rules_refused", 1, 64);
  ASSERT_TRUE(pair.ok()) << pair.status();
  uint16_t id = 0;
  ASSERT_EQ(rte_eth_dev_get_port_by_name(pair->first.c_str(), &id), 0);
  SynRules rules(id);
  EXPECT_EQ(rules.Refusal(false, {}), "Function not implemented");
  EXPECT_EQ(rules.Create(false, {}), "Function not implemented");
}

TEST(SynRules, AreMadeForBothFamiliesAndTakenAwayAgain) {
  GrantingFlows flows;
  {
    SynRules rules(7);
    EXPECT_EQ(rules.Refusal(false, {.first = 1}), "");
    EXPECT_TRUE(flows.created.empty());
    EXPECT_EQ(rules.Create(false, {.first = 1}), "");
    ASSERT_EQ(flows.created.size(), 2u);
    EXPECT_TRUE(flows.created[0].v4);
    EXPECT_FALSE(flows.created[1].v4);
    EXPECT_EQ(flows.created[0].port, 7);
    EXPECT_EQ(flows.destroyed, 0u);
  }
  EXPECT_EQ(flows.destroyed, 2u);
}

TEST(SynRules, AreAllMadeOrNone) {
  GrantingFlows flows;
  flows.create_refused_from = 1;
  SynRules rules(7);
  EXPECT_EQ(rules.Create(false, {}), "No space left on device");
  EXPECT_EQ(flows.created.size(), 1u);
  EXPECT_EQ(flows.destroyed, 1u);
}

}  // namespace
}  // namespace weir::port
