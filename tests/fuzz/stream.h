// The octets that connections carry in fuzz targets, known from their place alone.
#pragma once

#include <cstdint>
#include <vector>

namespace weir::fuzz {

// No two places near each other agree for long.
constexpr uint8_t StreamOctet(uint32_t place) {
  const uint32_t mixed = (place + 1) * 0x9e3779b1u;
  return static_cast<uint8_t>(mixed >> 24 ^ mixed >> 13);
}

inline std::vector<uint8_t> StreamText(uint32_t place, uint32_t size) {
  std::vector<uint8_t> text(size);
  for (uint32_t i = 0; i < size; ++i) text[i] = StreamOctet(place + i);
  return text;
}

}  // namespace weir::fuzz
