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

std::array<uint64_t, 5> TupleMessage(const FlowKey& flow, const IpAddress& own) {
  return {flow.remote.high(), flow.remote.low(), own.high(), own.low(), PortsOf(flow)};
}

}  // namespace

void HashFlows(const SipKey& key, std::span<const FlowKey> flows, std::span<uint64_t> hashes) {
  WEIR_DCHECK(flows.size() == hashes.size());
  SipBatch<2> v4;
  SipBatch<3> v6;
  const auto done = [&](size_t i, uint64_t hash) { hashes[i] = hash; };
  for (size_t begin = 0; begin < flows.size(); begin += v4.kRoom) {
    const size_t end = std::min(begin + v4.kRoom, flows.size());
    for (size_t i = begin; i < end; ++i) {
      if (flows[i].remote.is_v4()) {
        v4.Add(i, FlowMessageV4(flows[i]));
      } else {
        v6.Add(i, FlowMessageV6(flows[i]));
      }
    }
    v4.HashAll(key, done);
    v6.HashAll(key, done);
  }
}

uint64_t TupleHash(const SipKey& key, const FlowKey& flow, const IpAddress& own) {
  return SipHash24(key, TupleMessage(flow, own).data(), 5);
}

void HashTuples(const SipKey& key, std::span<const LocalAddress> own,
                std::span<const FlowKey> flows, std::span<uint64_t> hashes) {
  WEIR_DCHECK(flows.size() == hashes.size());
  SipBatch<5> batch;
  for (size_t begin = 0; begin < flows.size(); begin += batch.kRoom) {
    const size_t end = std::min(begin + batch.kRoom, flows.size());
    for (size_t i = begin; i < end; ++i) {
      batch.Add(i, TupleMessage(flows[i], own[flows[i].local].address));
    }
    batch.HashAll(key, [&](size_t i, uint64_t hash) { hashes[i] = hash; });
  }
}

}  // namespace weir::tcp
