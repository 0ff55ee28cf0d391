// Messages of the keyed hashes over tuples.
#include "tcp/flow_hash.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/siphash_lanes.h"

namespace weir::tcp {
namespace {

uint64_t PortsOf(const FlowKey& flow) {
  return static_cast<uint64_t>(flow.remote_port) << 16 | flow.local_port;
}

// As FlowTable::Hash has them.
std::array<uint64_t, 2> FlowMessageV4(const FlowKey& flow) {
  return {static_cast<uint64_t>(flow.remote.v4()) << 32 | PortsOf(flow), flow.local};
}
std::array<uint64_t, 3> FlowMessageV6(const FlowKey& flow) {
  return {flow.remote.high(), flow.remote.low(),
          static_cast<uint64_t>(flow.local) << 32 | PortsOf(flow)};
}

std::array<uint64_t, 2> TupleMessageV4(const FlowKey& flow, const IpAddress& own) {
  return {static_cast<uint64_t>(flow.remote.v4()) << 32 | own.v4(), PortsOf(flow)};
}
std::array<uint64_t, 5> TupleMessageV6(const FlowKey& flow, const IpAddress& own) {
  return {flow.remote.high(), flow.remote.low(), own.high(), own.low(), PortsOf(flow)};
}

// Both families side by side.
template <size_t kLengthV4, size_t kLengthV6, class MessageV4, class MessageV6>
void HashBoth(const SipKey& key, std::span<const FlowKey> flows, std::span<uint64_t> hashes,
              MessageV4 message_v4, MessageV6 message_v6) {
  WEIR_DCHECK(flows.size() == hashes.size());
  SipBatch<kLengthV4> v4;
  SipBatch<kLengthV6> v6;
  const auto done = [&](size_t i, uint64_t hash) { hashes[i] = hash; };
  for (size_t begin = 0; begin < flows.size(); begin += v4.kRoom) {
    const size_t end = std::min(begin + v4.kRoom, flows.size());
    for (size_t i = begin; i < end; ++i) {
      if (flows[i].remote.is_v4()) {
        v4.Add(i, message_v4(flows[i]));
      } else {
        v6.Add(i, message_v6(flows[i]));
      }
    }
    v4.HashAll(key, done);
    v6.HashAll(key, done);
  }
}

}  // namespace

void HashFlows(const SipKey& key, std::span<const FlowKey> flows, std::span<uint64_t> hashes) {
  HashBoth<2, 3>(key, flows, hashes, FlowMessageV4, FlowMessageV6);
}

uint64_t TupleHash(const SipKey& key, const FlowKey& flow, const IpAddress& own) {
  if (flow.remote.is_v4()) return SipHash24(key, TupleMessageV4(flow, own).data(), 2);
  return SipHash24(key, TupleMessageV6(flow, own).data(), 5);
}

void HashTuples(const SipKey& key, std::span<const LocalAddress> own,
                std::span<const FlowKey> flows, std::span<uint64_t> hashes) {
  HashBoth<2, 5>(
      key, flows, hashes,
      [&](const FlowKey& flow) { return TupleMessageV4(flow, own[flow.local].address); },
      [&](const FlowKey& flow) { return TupleMessageV6(flow, own[flow.local].address); });
}

}  // namespace weir::tcp
