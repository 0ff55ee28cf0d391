// RSS through rte_ethdev.
#include "port/rss.h"

#include <rte_ethdev.h>

#include <algorithm>

namespace weir::port {
namespace {

constexpr uint64_t kTcpTypes = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

// A table of another size gives the same queues when it is a multiple of ours, or when the queues
// divide it.
bool TableFits(unsigned size, unsigned queues) {
  if (size == 0 || (size & (size - 1)) != 0) return false;
  return size >= kRssTableSize || size % queues == 0;
}

std::vector<rte_eth_rss_reta_entry64> TableFor(unsigned size, unsigned queues) {
  std::vector<rte_eth_rss_reta_entry64> table((size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                              RTE_ETH_RETA_GROUP_SIZE);
  for (unsigned i = 0; i < size; ++i) {
    rte_eth_rss_reta_entry64& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= uint64_t{1} << i % RTE_ETH_RETA_GROUP_SIZE;
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<uint16_t>(i % kRssTableSize % queues);
  }
  return table;
}

bool KeyIsOurs(uint16_t port_id, const RssRequest& request) {
  std::vector<uint8_t> key(request.key.size());
  rte_eth_rss_conf conf{};
  conf.rss_key = key.data();
  conf.rss_key_len = static_cast<uint8_t>(key.size());
  if (rte_eth_dev_rss_hash_conf_get(port_id, &conf) != 0) return false;
  return key == request.key && (conf.rss_hf & kTcpTypes) == kTcpTypes;
}

bool TableIsOurs(uint16_t port_id, unsigned size, unsigned queues) {
  std::vector<rte_eth_rss_reta_entry64> wanted = TableFor(size, queues);
  std::vector<rte_eth_rss_reta_entry64> found = wanted;
  for (rte_eth_rss_reta_entry64& group : found) {
    std::fill(std::begin(group.reta), std::end(group.reta), uint16_t{0xffff});
  }
  if (rte_eth_dev_rss_reta_query(port_id, found.data(), static_cast<uint16_t>(size)) != 0) {
    return false;
  }
  for (unsigned i = 0; i < size; ++i) {
    const unsigned group = i / RTE_ETH_RETA_GROUP_SIZE, at = i % RTE_ETH_RETA_GROUP_SIZE;
    if (found[group].reta[at] != wanted[group].reta[at]) return false;
  }
  return true;
}

}  // namespace

RssRequest PlanRss(const rte_eth_dev_info& info, unsigned queues, std::span<const uint8_t> key) {
  RssRequest request;
  if (queues < 2 || (info.flow_type_rss_offloads & kTcpTypes) != kTcpTypes) return request;
  if (info.hash_key_size < kRssKeySize || info.hash_key_size > key.size()) return request;
  if (!TableFits(info.reta_size, queues)) return request;
  request.wanted = true;
  request.types = kTcpTypes;
  request.key.assign(key.begin(), key.begin() + info.hash_key_size);
  return request;
}

bool ApplyAndVerifyRss(uint16_t port_id, const rte_eth_dev_info& info, unsigned queues,
                       const RssRequest& request) {
  if (!request.wanted) return false;
  std::vector<rte_eth_rss_reta_entry64> table = TableFor(info.reta_size, queues);
  if (rte_eth_dev_rss_reta_update(port_id, table.data(), info.reta_size) != 0) return false;
  return KeyIsOurs(port_id, request) && TableIsOurs(port_id, info.reta_size, queues);
}

}  // namespace weir::port
