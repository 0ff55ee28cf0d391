// SipHash-2-4 (Aumasson and Bernstein 2012) over 64-bit words: the keyed hash behind the flow
// table, initial sequence numbers and timestamp offsets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

// 128 secret bits; supplied by whoever builds a stack (the runtime takes them from getrandom).
struct SipKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

namespace siphash_detail {

struct State {
  uint64_t v0, v1, v2, v3;

  explicit constexpr State(const SipKey& key)
      : v0(key.k0 ^ 0x736f6d6570736575u),
        v1(key.k1 ^ 0x646f72616e646f6du),
        v2(key.k0 ^ 0x6c7967656e657261u),
        v3(key.k1 ^ 0x7465646279746573u) {}

  // What is absorbed after a message of `count` words.
  static constexpr uint64_t LastWord(size_t count) {
    return static_cast<uint64_t>(count * 8) << 56;
  }
  static constexpr uint64_t Rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }
  constexpr void Round() {
    v0 += v1;
    v1 = Rotl(v1, 13) ^ v0;
    v0 = Rotl(v0, 32);
    v2 += v3;
    v3 = Rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = Rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = Rotl(v1, 17) ^ v2;
    v2 = Rotl(v2, 32);
  }
  constexpr void Absorb(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
  // The hash, after a message of `count` words.
  constexpr uint64_t Finish(size_t count) {
    Absorb(LastWord(count));
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) Round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace siphash_detail

// Hash of `count` whole little-endian words; equals the reference over the same 8 * count octets.
constexpr uint64_t SipHash24(const SipKey& key, const uint64_t* words, size_t count) {
  siphash_detail::State s(key);
  for (size_t i = 0; i < count; ++i) s.Absorb(words[i]);
  return s.Finish(count);
}

}  // namespace weir
