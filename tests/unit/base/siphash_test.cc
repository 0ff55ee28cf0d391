// SipHash-2-4 against its authors' vectors (key 00..0f, input 00, 01, 02, ...).
#include "base/siphash.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr SipKey kReferenceKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(SipHash, EqualsTheReferenceVectorsOfWholeWords) {
  uint64_t words[7];
  for (uint64_t i = 0; i < 7; ++i) words[i] = kReferenceKey.k0 + i * 0x0808080808080808;
  constexpr struct {
    size_t count;
    uint64_t hash;
  } kVectors[] = {
      {0, 0x726fdb47dd0e0e31}, {1, 0x93f5f5799a932462}, {2, 0x3f2acc7f57c29bdb},
      {3, 0xb8ad50c6f649af94}, {4, 0x7127512f72f27cce}, {5, 0x0e3ea96b5304a7d0},
      {7, 0xb78dbfaf3a8d83bd},
  };
  for (const auto& [count, hash] : kVectors) {
    EXPECT_EQ(SipHash24(kReferenceKey, words, count), hash) << count << " words";
  }
}

TEST(SipHash, DependsOnEveryBitOfKeyAndInput) {
  const uint64_t words[2] = {0x0123456789abcdef, 0xfedcba9876543210};
  const uint64_t plain = SipHash24(kReferenceKey, words, 2);
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t flip = uint64_t{1} << bit;
    const uint64_t other_first[2] = {words[0] ^ flip, words[1]};
    const uint64_t other_second[2] = {words[0], words[1] ^ flip};
    EXPECT_NE(SipHash24(kReferenceKey, other_first, 2), plain);
    EXPECT_NE(SipHash24(kReferenceKey, other_second, 2), plain);
    EXPECT_NE(SipHash24({kReferenceKey.k0 ^ flip, kReferenceKey.k1}, words, 2), plain);
    EXPECT_NE(SipHash24({kReferenceKey.k0, kReferenceKey.k1 ^ flip}, words, 2), plain);
  }
}

}  // namespace
}  // namespace weir
