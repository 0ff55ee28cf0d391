// The text of requests: known octets, so that an echo can be checked byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::flood {

// Octet `at` of stream number `stream`.
constexpr uint8_t PatternOctet(uint64_t stream, uint64_t at) {
  return static_cast<uint8_t>((at + stream * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u >> 56);
}

inline void FillPattern(std::span<uint8_t> out, uint64_t stream, uint64_t at) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = PatternOctet(stream, at + i);
}

// Whether `text` lies at `at` in the stream.
inline bool IsPattern(std::span<const uint8_t> text, uint64_t stream, uint64_t at) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != PatternOctet(stream, at + i)) return false;
  }
  return true;
}

}  // namespace weir::flood
