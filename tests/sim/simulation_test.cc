// The simulator as a test: a range of seeds, the seeds that failed once, and its own determinism.
#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace weir::sim {
namespace {

constexpr uint64_t kFirst = 1;
constexpr uint64_t kBatches = 10;
constexpr uint64_t kBatch = 50;

void ExpectOk(uint64_t seed) {
  const Result result = RunSeed(seed);
  if (result.ok) return;
  std::string text;
  for (const std::string& failure : result.failures) text += "\n  " + failure;
  ADD_FAILURE() << "weir-sim --first " << seed << " --seeds 1 --verbose\n"
                << result.description << text;
}

class Seeds : public testing::TestWithParam<uint64_t> {};

TEST_P(Seeds, AllFinishWithEveryOctetInItsPlace) {
  for (uint64_t i = 0; i < kBatch; ++i) ExpectOk(kFirst + GetParam() * kBatch + i);
}

INSTANTIATE_TEST_SUITE_P(, Seeds, testing::Range(uint64_t{0}, kBatches));

TEST(RegressionSeeds, AllFinishWithEveryOctetInItsPlace) {
  std::ifstream file(WEIR_REGRESSION_SEEDS);
  ASSERT_TRUE(file.is_open());
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') ExpectOk(std::stoull(line));
  }
}

TEST(Simulation, OfOneSeedIsTheSameEveryTime) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Result first = RunSeed(seed);
    const Result second = RunSeed(seed);
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.turns, second.turns) << "seed " << seed;
    EXPECT_GT(first.frames, 0u) << "seed " << seed;
  }
}

TEST(Simulation, OfAnotherSeedIsAnother) { EXPECT_NE(RunSeed(1).hash, RunSeed(2).hash); }

}  // namespace
}  // namespace weir::sim
