// Input: a fuzzer's octets, read one after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::fuzz {

// Once there are no more octets, all that is read is zero: every input is complete.
class Input {
 public:
  explicit Input(std::span<const uint8_t> octets) : octets_(octets) {}

  bool empty() const { return octets_.empty(); }
  uint8_t Octet() {
    if (octets_.empty()) return 0;
    const uint8_t octet = octets_[0];
    octets_ = octets_.subspan(1);
    return octet;
  }
  // Little-endian.
  uint16_t Word() {
    const uint8_t low = Octet();
    return static_cast<uint16_t>(low | Octet() << 8);
  }
  uint32_t Long() {
    const uint16_t low = Word();
    return low | uint32_t{Word()} << 16;
  }
  bool Bit() { return (Octet() & 1) != 0; }
  // At most `size` octets, as many as there are.
  std::span<const uint8_t> Take(size_t size) {
    const auto part = octets_.first(std::min(size, octets_.size()));
    octets_ = octets_.subspan(part.size());
    return part;
  }
  std::span<const uint8_t> Rest() { return Take(octets_.size()); }

 private:
  std::span<const uint8_t> octets_;
};

}  // namespace weir::fuzz
