// TCP sequence numbers: 32 bits, compared modulo 2^32 (RFC 9293 3.4).
#pragma once

#include <cstdint>

namespace weir {

// A point in sequence space. Two points may be compared only while they are less than 2^31 apart;
// that holds for all points of one connection's windows.
struct Seq {
  uint32_t value = 0;

  constexpr Seq() = default;
  constexpr explicit Seq(uint32_t v) : value(v) {}

  friend constexpr bool operator==(Seq, Seq) = default;
  friend constexpr Seq operator+(Seq a, uint32_t n) { return Seq(a.value + n); }
  friend constexpr Seq operator-(Seq a, uint32_t n) { return Seq(a.value - n); }
  // How far `a` lies to the right of `b`; negative when it lies to the left.
  friend constexpr int32_t operator-(Seq a, Seq b) {
    return static_cast<int32_t>(a.value - b.value);
  }
  friend constexpr bool operator<(Seq a, Seq b) { return a - b < 0; }
  friend constexpr bool operator<=(Seq a, Seq b) { return a - b <= 0; }
  friend constexpr bool operator>(Seq a, Seq b) { return a - b > 0; }
  friend constexpr bool operator>=(Seq a, Seq b) { return a - b >= 0; }
  constexpr Seq& operator+=(uint32_t n) {
    value += n;
    return *this;
  }
};

// Octets from `from` up to `to`; the caller knows that from <= to.
constexpr uint32_t Distance(Seq from, Seq to) { return to.value - from.value; }

constexpr Seq Max(Seq a, Seq b) { return a < b ? b : a; }
constexpr Seq Min(Seq a, Seq b) { return a < b ? a : b; }

}  // namespace weir
