// Receive side scaling: asked for with our key and table, and trusted only after reading both back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

struct rte_eth_dev_info;

namespace weir::port {

// A flow belongs to the queue table[hash & (kRssTableSize - 1)], table[i] = i % queues; `hash` is
// the Toeplitz hash of addresses and ports. Software steering uses the same function.
inline constexpr unsigned kRssTableSize = 128;
// Octets of key that a hash of two IPv6 end points needs; some devices take 52.
inline constexpr unsigned kRssKeySize = 40;
inline constexpr unsigned kRssKeySizeMax = 52;

// What to ask of a device.
struct RssRequest {
  bool wanted = false;       // the device can hash TCP over IPv4 and IPv6 with a key of our size
  uint64_t types = 0;        // RTE_ETH_RSS_* bits
  std::vector<uint8_t> key;  // as long as the device wants it
};

// `key` has kRssKeySizeMax octets. Nothing is wanted with one queue.
RssRequest PlanRss(const rte_eth_dev_info& info, unsigned queues, std::span<const uint8_t> key);

// Writes the table of a started device, reads it and the key back, and returns whether the device
// does what was asked: the queue a frame arrives on is then its owner.
bool ApplyAndVerifyRss(uint16_t port_id, const rte_eth_dev_info& info, unsigned queues,
                       const RssRequest& request);

}  // namespace weir::port
