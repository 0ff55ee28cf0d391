// Marks of memory, and the choice of those who go.
#include "tcp/shedding.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"

namespace weir::tcp {
namespace {

TEST(Watermark, IsCrossedFromHighUntilBelowLow) {
  Watermark mark(100, 90, 80);
  for (const auto& [in_use, crossed] : std::vector<std::pair<uint32_t, bool>>{{89, false},
                                                                              {90, true},
                                                                              {89, true},
                                                                              {80, true},
                                                                              {79, false},
                                                                              {85, false},
                                                                              {100, true}}) {
    mark.Update(in_use);
    EXPECT_EQ(mark.crossed(), crossed) << in_use;
  }
}

TEST(Watermark, ExcessIsWhatBringsItBelowLow) {
  Watermark mark(100, 90, 80);
  mark.Update(85);
  EXPECT_EQ(mark.excess(85), 0u);
  mark.Update(95);
  EXPECT_EQ(mark.excess(95), 16u);
  mark.Update(95 - 16);
  EXPECT_FALSE(mark.crossed());
}

TEST(Watermark, OfFewRecordsIsNotCrossedBeforeTheyAreUsed) {
  Watermark mark(16, 95, 90);
  mark.Update(15);
  EXPECT_FALSE(mark.crossed());
  mark.Update(16);
  EXPECT_TRUE(mark.crossed());
}

TEST(Watermark, ThatIsOffIsNeverCrossed) {
  Watermark mark(100, 0, 0);
  mark.Update(100);
  EXPECT_FALSE(mark.crossed());
  mark.Update(0);
  EXPECT_FALSE(mark.crossed());
}

TEST(Watermark, OfTheLargestCapacityDoesNotOverflow) {
  Watermark mark(0xfffffffeu, 100, 100);
  mark.Update(0xfffffffdu);
  EXPECT_FALSE(mark.crossed());
  mark.Update(0xfffffffeu);
  EXPECT_TRUE(mark.crossed());
}

TEST(Stillest, KeepsThoseWhoWereStillForLongestInThatOrder) {
  Stillest stillest;
  std::vector<uint32_t> all;
  Prng prng(1);
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto still_ms = static_cast<uint32_t>(prng.Next() % 100000);
    all.push_back(still_ms);
    stillest.Offer({i, 1, still_ms, 0});
  }
  std::sort(all.rbegin(), all.rend());
  const auto kept = stillest.Take();
  ASSERT_EQ(kept.size(), Stillest::kCapacity);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].still_ms, all[i]);
  EXPECT_TRUE(stillest.empty());
}

TEST(Stillest, OfFewKeepsAll) {
  Stillest stillest;
  stillest.Offer({1, 1, 10, 0});
  stillest.Offer({2, 1, 30, 0});
  stillest.Offer({3, 1, 20, 0});
  const auto kept = stillest.Take();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].index, 2u);
  EXPECT_EQ(kept[1].index, 3u);
  EXPECT_EQ(kept[2].index, 1u);
}

}  // namespace
}  // namespace weir::tcp
