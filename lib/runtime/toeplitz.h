// Toeplitz: the hash by which NICs spread flows over queues (Microsoft's RSS specification).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "weir/address.h"

namespace weir::runtime {

// What identifies a flow at the receiver: its segments' source and destination.
struct FlowTuple {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
};

// Immutable once made: any thread. The key is spread over a table of one row per input octet, so a
// hash costs one load per octet.
class Toeplitz {
 public:
  static constexpr size_t kInputMax = 36;  // two IPv6 addresses and two ports

  // `key` has at least kInputMax + 4 octets.
  explicit Toeplitz(std::span<const uint8_t> key);

  // Of at most kInputMax octets.
  uint32_t Hash(std::span<const uint8_t> input) const {
    uint32_t hash = 0;
    for (size_t i = 0; i < input.size(); ++i) hash ^= (*rows_)[i][input[i]];
    return hash;
  }
  // IPv4: 4 + 4 + 2 + 2 octets; IPv6: 16 + 16 + 2 + 2, all in network order.
  uint32_t Hash(const FlowTuple& flow) const;

 private:
  using Rows = std::array<std::array<uint32_t, 256>, kInputMax>;
  std::unique_ptr<Rows> rows_;
};

}  // namespace weir::runtime
