// The keyed hash of one tuple.
#include "tcp/flow_hash.h"

namespace weir::tcp {

uint64_t TupleHash(const SipKey& key, const FlowKey& flow, const IpAddress& own) {
  using namespace flow_hash_detail;
  if (flow.remote.is_v4()) return SipHash24(key, TupleMessageV4(flow, own).data(), 2);
  return SipHash24(key, TupleMessageV6(flow, own).data(), 5);
}

}  // namespace weir::tcp
