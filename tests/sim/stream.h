// Stream: the octets that every connection carries, known from their place alone.
#pragma once

#include <cstdint>

namespace weir::sim {

inline constexpr uint16_t kServerPort = 80;
inline constexpr uint16_t kClientPortFirst = 20000;  // connection i comes from this port + i

// No two positions near each other, connections or directions agree for long.
constexpr uint8_t StreamOctet(uint32_t connection, bool from_client, uint32_t position) {
  const uint32_t mixed =
      (position + 1) * 0x9e3779b1u + connection * 0x85ebca6bu + (from_client ? 0xc2b2ae35u : 0u);
  return static_cast<uint8_t>(mixed >> 24 ^ mixed >> 13);
}

}  // namespace weir::sim
