// The Toeplitz hash by table.
#include "runtime/toeplitz.h"

#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace weir::runtime {
namespace {

// The 32 bits of the key that begin at bit `at`.
uint32_t KeyWindow(std::span<const uint8_t> key, size_t at) {
  uint64_t bits = 0;
  for (size_t i = 0; i < 5; ++i) {
    const size_t octet = at / 8 + i;
    bits = bits << 8 | (octet < key.size() ? key[octet] : 0);
  }
  return static_cast<uint32_t>(bits >> (8 - at % 8));
}

}  // namespace

Toeplitz::Toeplitz(std::span<const uint8_t> key) : rows_(std::make_unique<Rows>()) {
  WEIR_CHECK(key.size() >= kInputMax + 4);
  for (size_t octet = 0; octet < kInputMax; ++octet) {
    for (unsigned value = 0; value < 256; ++value) {
      uint32_t hash = 0;
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((value & 0x80u >> bit) != 0) hash ^= KeyWindow(key, octet * 8 + bit);
      }
      (*rows_)[octet][value] = hash;
    }
  }
}

uint32_t Toeplitz::Hash(const FlowTuple& flow) const {
  const bool v4 = flow.source.is_v4() && flow.destination.is_v4();
  const size_t skip = v4 ? 12 : 0, size = 16 - skip;
  uint8_t input[kInputMax];
  std::memcpy(input, flow.source.octets().data() + skip, size);
  std::memcpy(input + size, flow.destination.octets().data() + skip, size);
  StoreBe16(input + 2 * size, flow.source_port);
  StoreBe16(input + 2 * size + 2, flow.destination_port);
  return Hash({input, 2 * size + 4});
}

}  // namespace weir::runtime
