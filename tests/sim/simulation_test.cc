// The simulator as a test: a range of seeds, the seeds that failed once, its own determinism, and
// the shrinker.
#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace weir::sim {
namespace {

constexpr uint64_t kFirst = 1;
constexpr uint64_t kBatch = 50;
constexpr uint64_t kBatches = WEIR_SIM_SEEDS / kBatch;

void ExpectOk(uint64_t seed, const Changes& changes = {}) {
  const Result result = RunSeed(seed, changes);
  if (result.ok) return;
  std::string text;
  for (const std::string& failure : result.failures) text += "\n  " + failure;
  ADD_FAILURE() << "weir-sim --first " << seed << " --seeds 1 --change '" << ChangesText(changes)
                << "' --verbose\n"
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
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    uint64_t seed = 0;
    std::string changes;
    words >> seed >> changes;
    ExpectOk(seed, ParseChanges(changes));
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

// --- the shrinker ---

bool HasLoss(const Scenario& s) {
  return std::any_of(s.hosts.begin(), s.hosts.end(),
                     [](const HostScenario& h) { return h.up.loss != 0 || h.down.loss != 0; });
}

uint64_t SeedWithLossAndConnections(size_t connections) {
  for (uint64_t seed = 1;; ++seed) {
    const Scenario s = DrawScenario(seed);
    if (HasLoss(s) && s.connections.size() >= connections &&
        s.connections[1].sides[0].octets > 64) {
      return seed;
    }
  }
}

TEST(Shrinker, KeepsWhatTheFailureNeedsAndNothingElse) {
  const uint64_t seed = SeedWithLossAndConnections(6);
  const auto fails = [seed](const Changes& changes) {
    const Scenario s = MakeScenario(seed, changes);
    return HasLoss(s) && !s.connections[1].absent && s.connections[1].sides[0].octets > 16;
  };
  const Changes changes = Shrink(seed, {}, fails, 10000);
  const Scenario s = MakeScenario(seed, changes);
  EXPECT_TRUE(fails(changes));
  EXPECT_LE(s.connections[1].sides[0].octets, 33u);
  EXPECT_LT(s.faults_last, Milliseconds(2));
  EXPECT_FALSE(s.network.router);
  for (size_t i = 0; i < s.connections.size(); ++i) EXPECT_EQ(s.connections[i].absent, i != 1);
  for (size_t h = 0; h < s.hosts.size(); ++h) {
    EXPECT_EQ(s.hosts[h].absent, h != s.connections[1].from && h != s.connections[1].to);
    EXPECT_EQ(s.hosts[h].stall + s.hosts[h].drought + s.hosts[h].up.duplicate, 0u);
  }
}

TEST(Shrinker, GivesUpAfterSoManyAttempts) {
  unsigned attempts = 0;
  const auto never = [&attempts](const Changes&) { return ++attempts != 0 && false; };
  EXPECT_TRUE(Shrink(1, {}, never, 3).empty());
  EXPECT_EQ(attempts, 3u);
}

TEST(Changes, AreReadBackAsTheyAreWritten) {
  const std::string text = "loss=off,octets=4,faults-ms=10,without=0";
  const Changes changes = ParseChanges(text);
  EXPECT_EQ(ChangesText(changes), text);
  Scenario s = DrawScenario(1);
  EXPECT_TRUE(Apply(changes, s));
  EXPECT_FALSE(HasLoss(s));
  EXPECT_TRUE(s.connections[0].absent);
  for (const char* bad : {"loss", "loss=on", "octets=0", "octets=x", "without=99", "nothing=1"}) {
    EXPECT_FALSE(Apply({bad}, s)) << bad;
  }
}

// A smaller scenario is run like any other.
TEST(Changes, ThatLeaveOneConnectionStillRun) {
  const uint64_t seed = SeedWithLossAndConnections(3);
  Changes changes;
  const size_t count = DrawScenario(seed).connections.size();
  for (size_t i = 0; i < count; ++i) {
    if (i != 1) changes.push_back("without=" + std::to_string(i));
  }
  ExpectOk(seed, changes);
}

}  // namespace
}  // namespace weir::sim
