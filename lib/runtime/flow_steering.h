// FlowSteering: which worker a received frame belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/toeplitz.h"

namespace weir::runtime {

// Where one frame goes.
struct Destination {
  enum class Kind : uint8_t {
    kHere,      // nobody's in particular: the worker that received it takes it
    kWorker,    // the shard of its flow
    kEveryone,  // it may teach a neighbour's address, and every shard has its own table
  };
  Kind kind = Kind::kHere;
  unsigned worker = 0;
};

// Owner of a flow = table[Toeplitz(tuple) mod 128], table[i] = i mod workers: what devices with RSS
// are programmed to do (port/rss.h), so that hardware and software agree. The key is drawn once per
// process.
//
// Looks at octets before anybody has checked them: it reads within the frame and decides nothing
// but the worker, which checks them afterwards.
//
// Thread: any; immutable.
class FlowSteering {
 public:
  FlowSteering(std::span<const uint8_t> rss_key, unsigned workers);

  unsigned Owner(const FlowTuple& flow) const {
    return table_[hash_.Hash(flow) & (kTableSize - 1)];
  }

  // `queue_is_owner`: the receiving device has verified RSS, so plain TCP is where it belongs. What
  // no device hashes by ports - ICMP errors about a flow, TCP behind extension headers - is looked
  // at all the same.
  Destination Decide(std::span<const uint8_t> frame, bool queue_is_owner) const;

 private:
  static constexpr unsigned kTableSize = 128;

  Destination DecideIpv4(std::span<const uint8_t> packet, bool queue_is_owner) const;
  Destination DecideIpv6(std::span<const uint8_t> packet, bool queue_is_owner) const;
  Destination ToOwner(const std::optional<FlowTuple>& flow) const;

  Toeplitz hash_;
  uint8_t table_[kTableSize];
};

}  // namespace weir::runtime
