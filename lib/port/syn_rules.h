// SYN rules: where a device can tell them apart, pure SYNs arrive in receive queues of their own,
// so that a flood of them fills no ring that other traffic needs.
#pragma once

#include <rte_flow.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::port {

// TCP segments with SYN and without ACK, over IPv4 or IPv6, to `queues` queues from `first` on: one
// rule in the terms of rte_flow. Its parts point at each other, so it stays where it is.
class SynRule {
 public:
  struct Target {
    uint16_t first = 0;
    uint16_t queues = 1;               // several: spread by the hash of addresses and ports
    std::span<const uint8_t> rss_key;  // as long as the device wants it; outlives the rule
  };

  // `tagged`: in frames with a VLAN tag.
  SynRule(bool v4, bool tagged, const Target& target);
  SynRule(const SynRule&) = delete;
  SynRule& operator=(const SynRule&) = delete;

  const rte_flow_attr& attributes() const { return attributes_; }
  const rte_flow_item* pattern() const { return pattern_.data(); }
  const rte_flow_action* actions() const { return actions_.data(); }

 private:
  rte_flow_attr attributes_{};
  rte_flow_item_tcp tcp_{}, tcp_mask_{};
  std::array<rte_flow_item, 5> pattern_{};
  std::vector<uint16_t> queues_;
  rte_flow_action_queue queue_{};
  rte_flow_action_rss rss_{};
  std::array<rte_flow_action, 2> actions_{};
};

// The rules of one port for both families. The port is started before Create, and stopped or closed
// after Destroy.
class SynRules {
 public:
  explicit SynRules(uint16_t port_id) : port_id_(port_id) {}
  ~SynRules() { Destroy(); }
  SynRules(const SynRules&) = delete;
  SynRules& operator=(const SynRules&) = delete;

  // Why the device does not take them; "" when it would.
  std::string Refusal(bool tagged, const SynRule::Target& target) const;
  // All rules or none; "" or why not.
  std::string Create(bool tagged, const SynRule::Target& target);
  void Destroy();

 private:
  uint16_t port_id_;
  std::vector<rte_flow*> rules_;
};

}  // namespace weir::port
