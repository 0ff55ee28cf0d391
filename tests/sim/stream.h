// Stream: the octets that every connection carries, known from their place alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>

#include "weir/address.h"

namespace weir::sim {

// One direction of a connection: what its end 0 (which opens) or its end 1 sends.
struct Stream {
  size_t connection = 0;
  size_t end = 0;
};

// A connection's two end points as one of its ends sees them.
struct Tuple {
  Endpoint local, remote;

  Tuple reversed() const { return {remote, local}; }
  friend bool operator<(const Tuple& a, const Tuple& b) {
    const auto key = [](const Tuple& t) {
      return std::tuple(t.local.address, t.remote.address, t.local.port, t.remote.port);
    };
    return key(a) < key(b);
  }
};

// No two positions near each other, connections or directions agree for long.
constexpr uint8_t StreamOctet(Stream stream, uint32_t position) {
  const uint32_t mixed = (position + 1) * 0x9e3779b1u +
                         static_cast<uint32_t>(stream.connection) * 0x85ebca6bu +
                         (stream.end == 0 ? 0xc2b2ae35u : 0u);
  return static_cast<uint8_t>(mixed >> 24 ^ mixed >> 13);
}

}  // namespace weir::sim
