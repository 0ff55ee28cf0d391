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

TEST(EntropyTest, ASharedSecretGivesTheKeysThatOthersMustHaveAndNoOther) {
  Secrets a{}, b{}, c{};
  for (Secrets* secrets : {&a, &b, &c}) ASSERT_TRUE(DrawSecrets(*secrets).ok());
  const SipKey shared{3, 4};
  ShareSecrets(shared, a);
  ShareSecrets(shared, b);
  ShareSecrets({3, 5}, c);
  EXPECT_EQ(a.cookie.k0, b.cookie.k0);
  EXPECT_EQ(a.cookie.k1, b.cookie.k1);
  EXPECT_EQ(a.timestamp.k0, b.timestamp.k0);
  EXPECT_EQ(a.timestamp.k1, b.timestamp.k1);
  EXPECT_NE(a.cookie.k0, a.timestamp.k0);
  EXPECT_NE(a.cookie.k0, shared.k0);
  EXPECT_NE(a.cookie.k0, c.cookie.k0);
  EXPECT_NE(a.timestamp.k1, c.timestamp.k1);
  EXPECT_NE(a.isn.k0, b.isn.k0);
  EXPECT_NE(a.shards, b.shards);
}

}  // namespace
}  // namespace weir::runtime
