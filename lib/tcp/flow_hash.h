// The keyed hashes of a burst of connections, computed together.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/siphash.h"
#include "base/siphash_lanes.h"
#include "tcp/config.h"
#include "tcp/flow_table.h"

namespace weir::tcp {

// The hash that initial sequence numbers and timestamp offsets come from. Unlike the table's it
// does not depend on the number that our own address has in this process.
uint64_t TupleHash(const SipKey& key, const FlowKey& flow, const IpAddress& own);

// Inline: every segment comes this way.
namespace flow_hash_detail {

inline uint64_t PortsOf(const FlowKey& flow) {
  return static_cast<uint64_t>(flow.remote_port) << 16 | flow.local_port;
}

// As FlowTable::Hash has them.
inline std::array<uint64_t, 2> FlowMessageV4(const FlowKey& flow) {
  return {static_cast<uint64_t>(flow.remote.v4()) << 32 | PortsOf(flow), flow.local};
}
inline std::array<uint64_t, 3> FlowMessageV6(const FlowKey& flow) {
  return {flow.remote.high(), flow.remote.low(),
          static_cast<uint64_t>(flow.local) << 32 | PortsOf(flow)};
}

inline std::array<uint64_t, 2> TupleMessageV4(const FlowKey& flow, const IpAddress& own) {
  return {static_cast<uint64_t>(flow.remote.v4()) << 32 | own.v4(), PortsOf(flow)};
}
inline std::array<uint64_t, 5> TupleMessageV6(const FlowKey& flow, const IpAddress& own) {
  return {flow.remote.high(), flow.remote.low(), own.high(), own.low(), PortsOf(flow)};
}

// Both families side by side.
template <size_t kLengthV4, size_t kLengthV6, class FlowOf, class MessageV4, class MessageV6,
          class Done>
void HashBoth(const SipKey& key, size_t count, FlowOf flow_of, MessageV4 message_v4,
              MessageV6 message_v6, Done done) {
  SipBatch<kLengthV4> v4;
  SipBatch<kLengthV6> v6;
  for (size_t begin = 0; begin < count; begin += v4.kRoom) {
    const size_t end = std::min(begin + v4.kRoom, count);
    for (size_t i = begin; i < end; ++i) {
      const FlowKey* flow = flow_of(i);
      if (flow == nullptr) continue;
      if (flow->remote.is_v4()) {
        v4.Add(i, message_v4(*flow));
      } else {
        v6.Add(i, message_v6(*flow));
      }
    }
    v4.HashAll(key, done);
    v6.HashAll(key, done);
  }
}

}  // namespace flow_hash_detail

// For each i below `count` flow_of(i) gives the place of a FlowKey, which is read at once, or null.
// Calls done(i, hash) for those that are not null, those of one family in order; `hash` is what a
// FlowTable under the same key has as Hash.
template <class FlowOf, class Done>
void HashFlows(const SipKey& key, size_t count, FlowOf flow_of, Done done) {
  using namespace flow_hash_detail;
  HashBoth<2, 3>(
      key, count, flow_of, [](const FlowKey& flow) { return FlowMessageV4(flow); },
      [](const FlowKey& flow) { return FlowMessageV6(flow); }, done);
}

// The same with the TupleHash of flows whose `local` is an index into `own`.
template <class FlowOf, class Done>
void HashTuples(const SipKey& key, std::span<const LocalAddress> own, size_t count, FlowOf flow_of,
                Done done) {
  using namespace flow_hash_detail;
  HashBoth<2, 5>(
      key, count, flow_of,
      [&](const FlowKey& flow) { return TupleMessageV4(flow, own[flow.local].address); },
      [&](const FlowKey& flow) { return TupleMessageV6(flow, own[flow.local].address); }, done);
}

}  // namespace weir::tcp
