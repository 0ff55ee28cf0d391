// The keyed hashes of a burst of connections, computed together.
#pragma once

#include <cstdint>
#include <span>

#include "base/siphash.h"
#include "tcp/config.h"
#include "tcp/flow_table.h"

namespace weir::tcp {

// hashes[i] becomes what a FlowTable under the same key has as Hash(flows[i]). As many of one as of
// the other, and any number; IPv4 and IPv6 may be mixed.
void HashFlows(const SipKey& key, std::span<const FlowKey> flows, std::span<uint64_t> hashes);

// The hash that initial sequence numbers and timestamp offsets come from. Unlike the table's it
// does not depend on the number that our own address has in this process.
uint64_t TupleHash(const SipKey& key, const FlowKey& flow, const IpAddress& own);

// hashes[i] becomes the TupleHash of flows[i], whose `local` is an index into `own`.
void HashTuples(const SipKey& key, std::span<const LocalAddress> own,
                std::span<const FlowKey> flows, std::span<uint64_t> hashes);

}  // namespace weir::tcp
