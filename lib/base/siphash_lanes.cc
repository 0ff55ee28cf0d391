// The rounds of siphash.h over vectors. Each function is compiled for the instructions that it
// needs, and called only where the processor has them.
#include "base/siphash_lanes.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>

namespace weir {
namespace {

void HashScalar(const SipKey& key, const SipMessages& messages, std::span<uint64_t> hashes) {
  for (size_t i = 0; i < hashes.size(); ++i) {
    siphash_detail::State s(key);
    for (size_t w = 0; w < messages.length; ++w) s.Absorb(messages.Word(w)[i]);
    hashes[i] = s.Finish(messages.length);
  }
}

#ifdef __x86_64__

// Four messages. AVX2 has no rotation: it is two shifts, or a shuffle where whole octets move.
struct Avx2State {
  __m256i v0, v1, v2, v3;

  template <int n>
  [[gnu::target("avx2"), gnu::always_inline]] static inline __m256i Rotl(__m256i x) {
    if constexpr (n == 32) return _mm256_shuffle_epi32(x, 0xb1);
    if constexpr (n == 16) {
      const __m256i octets = _mm256_set_epi64x(0x0d0c0b0a09080f0e, 0x0504030201000706,
                                               0x0d0c0b0a09080f0e, 0x0504030201000706);
      return _mm256_shuffle_epi8(x, octets);
    }
    return _mm256_or_si256(_mm256_slli_epi64(x, n), _mm256_srli_epi64(x, 64 - n));
  }
  [[gnu::target("avx2"), gnu::always_inline]] inline void Round() {
    v0 = _mm256_add_epi64(v0, v1);
    v1 = _mm256_xor_si256(Rotl<13>(v1), v0);
    v0 = Rotl<32>(v0);
    v2 = _mm256_add_epi64(v2, v3);
    v3 = _mm256_xor_si256(Rotl<16>(v3), v2);
    v0 = _mm256_add_epi64(v0, v3);
    v3 = _mm256_xor_si256(Rotl<21>(v3), v0);
    v2 = _mm256_add_epi64(v2, v1);
    v1 = _mm256_xor_si256(Rotl<17>(v1), v2);
    v2 = Rotl<32>(v2);
  }
  [[gnu::target("avx2"), gnu::always_inline]] inline void Absorb(__m256i word) {
    v3 = _mm256_xor_si256(v3, word);
    Round();
    Round();
    v0 = _mm256_xor_si256(v0, word);
  }
};

[[gnu::target("avx2")]] void HashAvx2(const SipKey& key, const SipMessages& messages,
                                      std::span<uint64_t> hashes) {
  constexpr size_t kLanes = 4;
  const siphash_detail::State begin(key);
  const auto all = [](uint64_t x) { return static_cast<int64_t>(x); };
  const int64_t last = all(siphash_detail::State::LastWord(messages.length));
  for (size_t i = 0; i < hashes.size(); i += kLanes) {
    // Lanes beyond the last message are neither read nor written.
    const auto left = static_cast<int64_t>(hashes.size() - i);
    const __m256i mask =
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(left), _mm256_set_epi64x(3, 2, 1, 0));
    Avx2State s{_mm256_set1_epi64x(all(begin.v0)), _mm256_set1_epi64x(all(begin.v1)),
                _mm256_set1_epi64x(all(begin.v2)), _mm256_set1_epi64x(all(begin.v3))};
    for (size_t w = 0; w < messages.length; ++w) {
      const auto* from = reinterpret_cast<const long long*>(messages.Word(w) + i);
      s.Absorb(_mm256_maskload_epi64(from, mask));
    }
    s.Absorb(_mm256_set1_epi64x(last));
    s.v2 = _mm256_xor_si256(s.v2, _mm256_set1_epi64x(0xff));
    for (int r = 0; r < 4; ++r) s.Round();
    const __m256i hash =
        _mm256_xor_si256(_mm256_xor_si256(s.v0, s.v1), _mm256_xor_si256(s.v2, s.v3));
    _mm256_maskstore_epi64(reinterpret_cast<long long*>(&hashes[i]), mask, hash);
  }
}

// Eight messages.
struct Avx512State {
  __m512i v0, v1, v2, v3;

  // With a mask that keeps all: g++ 12 warns of what the plain intrinsic leaves undefined (GCC bug
  // 105593).
  template <int n>
  [[gnu::target("avx512f"), gnu::always_inline]] static inline __m512i Rotl(__m512i x) {
    return _mm512_maskz_rol_epi64(0xff, x, n);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] inline void Round() {
    v0 = _mm512_add_epi64(v0, v1);
    v1 = _mm512_xor_si512(Rotl<13>(v1), v0);
    v0 = Rotl<32>(v0);
    v2 = _mm512_add_epi64(v2, v3);
    v3 = _mm512_xor_si512(Rotl<16>(v3), v2);
    v0 = _mm512_add_epi64(v0, v3);
    v3 = _mm512_xor_si512(Rotl<21>(v3), v0);
    v2 = _mm512_add_epi64(v2, v1);
    v1 = _mm512_xor_si512(Rotl<17>(v1), v2);
    v2 = Rotl<32>(v2);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] inline void Absorb(__m512i word) {
    v3 = _mm512_xor_si512(v3, word);
    Round();
    Round();
    v0 = _mm512_xor_si512(v0, word);
  }
};

[[gnu::target("avx512f")]] void HashAvx512(const SipKey& key, const SipMessages& messages,
                                           std::span<uint64_t> hashes) {
  constexpr size_t kLanes = 8;
  const siphash_detail::State begin(key);
  const auto all = [](uint64_t x) { return static_cast<int64_t>(x); };
  const int64_t last = all(siphash_detail::State::LastWord(messages.length));
  for (size_t i = 0; i < hashes.size(); i += kLanes) {
    // Lanes beyond the last message are neither read nor written.
    const size_t left = std::min(kLanes, hashes.size() - i);
    const auto mask = static_cast<__mmask8>((1u << left) - 1);
    Avx512State s{_mm512_set1_epi64(all(begin.v0)), _mm512_set1_epi64(all(begin.v1)),
                  _mm512_set1_epi64(all(begin.v2)), _mm512_set1_epi64(all(begin.v3))};
    for (size_t w = 0; w < messages.length; ++w) {
      s.Absorb(_mm512_maskz_loadu_epi64(mask, messages.Word(w) + i));
    }
    s.Absorb(_mm512_set1_epi64(last));
    s.v2 = _mm512_xor_si512(s.v2, _mm512_set1_epi64(0xff));
    for (int r = 0; r < 4; ++r) s.Round();
    const __m512i hash =
        _mm512_xor_si512(_mm512_xor_si512(s.v0, s.v1), _mm512_xor_si512(s.v2, s.v3));
    _mm512_mask_storeu_epi64(&hashes[i], mask, hash);
  }
}

#endif  // __x86_64__

}  // namespace

bool HasSipLanes(SipLanes lanes) {
  switch (lanes) {
#ifdef __x86_64__
    case SipLanes::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
    case SipLanes::kAvx512:
      return __builtin_cpu_supports("avx512f") != 0;
#endif
    default:
      return lanes == SipLanes::kScalar;
  }
}

SipLanes WidestSipLanes() {
  static const SipLanes widest = HasSipLanes(SipLanes::kAvx512) ? SipLanes::kAvx512
                                 : HasSipLanes(SipLanes::kAvx2) ? SipLanes::kAvx2
                                                                : SipLanes::kScalar;
  return widest;
}

void SipHash24(const SipKey& key, const SipMessages& messages, std::span<uint64_t> hashes,
               SipLanes lanes) {
  WEIR_DCHECK(messages.stride >= hashes.size());
  switch (lanes) {
#ifdef __x86_64__
    case SipLanes::kAvx512:
      return HashAvx512(key, messages, hashes);
    case SipLanes::kAvx2:
      return HashAvx2(key, messages, hashes);
#endif
    default:
      return HashScalar(key, messages, hashes);
  }
}

}  // namespace weir
