// The seeded generator: SplitMix64's published outputs and the ranges built on it.
#include "base/prng.h"

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

TEST(Prng, EqualsTheReferenceOutputsOfSplitMix64) {
  Prng prng(1234567);
  for (uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                            4593380528125082431u, 16408922859458223821u}) {
    EXPECT_EQ(prng.Next(), expected);
  }
}

TEST(Prng, RepeatsItselfFromTheSameSeed) {
  Prng a(99), b(99), c(100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
  EXPECT_NE(a.Next(), c.Next());
}

TEST(Prng, StaysBelowTheLimitAndReachesEveryValue) {
  Prng prng(1);
  std::array<int, 10> seen{};
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = prng.Below(10);
    ASSERT_LT(value, 10u);
    ++seen[value];
  }
  for (int count : seen) EXPECT_GT(count, 50);
  EXPECT_EQ(prng.Below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(prng.Below(uint64_t{3} << 62), uint64_t{3} << 62);
}

TEST(Prng, TakesChancesInThousandths) {
  Prng prng(2);
  int taken = 0;
  for (int i = 0; i < 10000; ++i) {
    EXPECT_FALSE(prng.Chance(0));
    EXPECT_TRUE(prng.Chance(1000));
    taken += prng.Chance(250);
  }
  EXPECT_GT(taken, 2200);
  EXPECT_LT(taken, 2800);
}

}  // namespace
}  // namespace weir
