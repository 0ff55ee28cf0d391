// A small seeded generator (SplitMix64, Steele et al. 2014) for jitter, simulation and tests.
#pragma once

#include <cstdint>

namespace weir {

// Not for secrets: keys come from outside the pure half, see SipKey.
class Prng {
 public:
  explicit constexpr Prng(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  // Uniform enough in [0, n); n > 0.
  constexpr uint64_t Below(uint64_t n) {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(Next()) * n >> 64);
  }
  // True with probability per_mille / 1000.
  constexpr bool Chance(unsigned per_mille) { return Below(1000) < per_mille; }

 private:
  uint64_t state_;
};

}  // namespace weir
