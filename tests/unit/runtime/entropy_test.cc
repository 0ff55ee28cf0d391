// Entropy: every octet is drawn, and two draws differ.
#include "runtime/entropy.h"

#include <array>
#include <cstring>

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

TEST(EntropyTest, EveryOctetIsDrawn) {
  std::array<uint8_t, 300> seen{};
  for (int round = 0; round < 8; ++round) {
    std::array<uint8_t, 300> octets{};
    ASSERT_TRUE(FillRandom(octets).ok());
    for (size_t i = 0; i < octets.size(); ++i) seen[i] |= octets[i];
  }
  for (uint8_t octet : seen) EXPECT_NE(octet, 0);  // fails once in 2^55
}

TEST(EntropyTest, TwoProcessesDoNotShareSecrets) {
  Secrets a{}, b{};
  ASSERT_TRUE(DrawSecrets(a).ok());
  ASSERT_TRUE(DrawSecrets(b).ok());
  EXPECT_NE(std::memcmp(a.rss_key, b.rss_key, sizeof a.rss_key), 0);
  EXPECT_NE(a.isn.k0, b.isn.k0);
  EXPECT_NE(a.timestamp.k1, b.timestamp.k1);
}

}  // namespace
}  // namespace weir::runtime
