// SYN rules through rte_flow.
#include "port/syn_rules.h"

#include <rte_errno.h>
#include <rte_ethdev.h>

namespace weir::port {
namespace {

std::string Reason(int code, const rte_flow_error& error) {
  const char* what = rte_strerror(code < 0 ? -code : code);
  // Without flow rules at all a driver has nothing more to say.
  if (error.message == nullptr || std::string(error.message) == what) return what;
  return std::string(error.message) + ": " + what;
}

}  // namespace

SynRule::SynRule(bool v4, bool tagged, const Target& target) {
  attributes_.ingress = 1;
  tcp_.hdr.tcp_flags = RTE_TCP_SYN_FLAG;
  tcp_mask_.hdr.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;

  size_t n = 0;
  pattern_[n++].type = RTE_FLOW_ITEM_TYPE_ETH;
  if (tagged) pattern_[n++].type = RTE_FLOW_ITEM_TYPE_VLAN;
  pattern_[n++].type = v4 ? RTE_FLOW_ITEM_TYPE_IPV4 : RTE_FLOW_ITEM_TYPE_IPV6;
  pattern_[n].type = RTE_FLOW_ITEM_TYPE_TCP;
  pattern_[n].spec = &tcp_;
  pattern_[n++].mask = &tcp_mask_;
  pattern_[n].type = RTE_FLOW_ITEM_TYPE_END;

  for (uint16_t i = 0; i < target.queues; ++i) {
    queues_.push_back(static_cast<uint16_t>(target.first + i));
  }
  queue_.index = target.first;
  rss_.func = RTE_ETH_HASH_FUNCTION_DEFAULT;
  // Drivers refuse types that the pattern cannot have.
  rss_.types = v4 ? RTE_ETH_RSS_NONFRAG_IPV4_TCP : RTE_ETH_RSS_NONFRAG_IPV6_TCP;
  rss_.key_len = static_cast<uint32_t>(target.rss_key.size());
  rss_.key = target.rss_key.empty() ? nullptr : target.rss_key.data();
  rss_.queue_num = target.queues;
  rss_.queue = queues_.data();
  if (target.queues == 1) {
    actions_[0] = {RTE_FLOW_ACTION_TYPE_QUEUE, &queue_};
  } else {
    actions_[0] = {RTE_FLOW_ACTION_TYPE_RSS, &rss_};
  }
  actions_[1] = {RTE_FLOW_ACTION_TYPE_END, nullptr};
}

std::string SynRules::Refusal(bool tagged, const SynRule::Target& target) const {
  for (const bool v4 : {true, false}) {
    const SynRule rule(v4, tagged, target);
    rte_flow_error error{};
    const int code =
        rte_flow_validate(port_id_, &rule.attributes(), rule.pattern(), rule.actions(), &error);
    if (code != 0) return Reason(code, error);
  }
  return "";
}

std::string SynRules::Create(bool tagged, const SynRule::Target& target) {
  for (const bool v4 : {true, false}) {
    const SynRule rule(v4, tagged, target);
    rte_flow_error error{};
    rte_flow* made =
        rte_flow_create(port_id_, &rule.attributes(), rule.pattern(), rule.actions(), &error);
    if (made == nullptr) {
      const std::string reason = Reason(rte_errno, error);
      Destroy();
      return reason;
    }
    rules_.push_back(made);
  }
  return "";
}

void SynRules::Destroy() {
  for (rte_flow* rule : rules_) {
    rte_flow_error error{};
    rte_flow_destroy(port_id_, rule, &error);
  }
  rules_.clear();
}

}  // namespace weir::port
