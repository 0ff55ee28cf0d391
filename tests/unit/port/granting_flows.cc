// rte_flow for tests: the program's own definitions come before those of DPDK's libraries.
#include "unit/port/granting_flows.h"

#include <dlfcn.h>
#include <rte_errno.h>
#include <rte_flow.h>

#include <cerrno>

namespace weir::port {
namespace {

GrantingFlows* granting = nullptr;

GrantingFlows::Rule RuleOf(uint16_t port, const rte_flow_item* pattern,
                           const rte_flow_action* actions) {
  GrantingFlows::Rule rule{port};
  for (; pattern->type != RTE_FLOW_ITEM_TYPE_END; ++pattern) {
    if (pattern->type == RTE_FLOW_ITEM_TYPE_IPV4) rule.v4 = true;
  }
  if (actions->type == RTE_FLOW_ACTION_TYPE_QUEUE) {
    rule.queues = {static_cast<const rte_flow_action_queue*>(actions->conf)->index};
  } else {
    const auto* rss = static_cast<const rte_flow_action_rss*>(actions->conf);
    rule.queues.assign(rss->queue, rss->queue + rss->queue_num);
  }
  return rule;
}

template <typename F>
F* RealCall(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

GrantingFlows::GrantingFlows() { granting = this; }
GrantingFlows::~GrantingFlows() { granting = nullptr; }

}  // namespace weir::port

using weir::port::granting;

extern "C" int rte_flow_validate(uint16_t port, const rte_flow_attr* attributes,
                                 const rte_flow_item pattern[], const rte_flow_action actions[],
                                 rte_flow_error* error) {
  if (granting == nullptr) {
    return weir::port::RealCall<decltype(rte_flow_validate)>("rte_flow_validate")(
        port, attributes, pattern, actions, error);
  }
  granting->validated.push_back(weir::port::RuleOf(port, pattern, actions));
  return 0;
}

extern "C" rte_flow* rte_flow_create(uint16_t port, const rte_flow_attr* attributes,
                                     const rte_flow_item pattern[], const rte_flow_action actions[],
                                     rte_flow_error* error) {
  if (granting == nullptr) {
    return weir::port::RealCall<decltype(rte_flow_create)>("rte_flow_create")(
        port, attributes, pattern, actions, error);
  }
  if (granting->created.size() >= granting->create_refused_from) {
    rte_errno = ENOSPC;
    return nullptr;
  }
  granting->created.push_back(weir::port::RuleOf(port, pattern, actions));
  return reinterpret_cast<rte_flow*>(granting);  // never looked into
}

extern "C" int rte_flow_destroy(uint16_t port, rte_flow* rule, rte_flow_error* error) {
  if (granting == nullptr) {
    return weir::port::RealCall<decltype(rte_flow_destroy)>("rte_flow_destroy")(port, rule, error);
  }
  ++granting->destroyed;
  return 0;
}
