// Counters: totals, and a name and a sentence for each.
#include "base/counters.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weir {
namespace {

TEST(Counters, StartAtZeroCountAndAddUp) {
  Counters a, b;
  EXPECT_EQ(a[Counter::kRxFrames], 0u);
  a.Add(Counter::kRxFrames);
  a.Add(Counter::kRxOctets, 60);
  b.Add(Counter::kRxOctets, 40);
  b.Add(Counter::kDropTcpChecksum);
  a.Merge(b);
  EXPECT_EQ(a[Counter::kRxFrames], 1u);
  EXPECT_EQ(a[Counter::kRxOctets], 100u);
  EXPECT_EQ(a[Counter::kDropTcpChecksum], 1u);
  EXPECT_EQ(b[Counter::kRxOctets], 40u);
}

TEST(Counters, HaveEachANameOfTheirOwnAndASentence) {
  EXPECT_EQ(CounterName(Counter::kRxFrames), "RxFrames");
  EXPECT_EQ(CounterSentence(Counter::kRxFrames), "frames received");
  std::set<std::string> names, sentences;
  for (size_t i = 0; i < kCounterCount; ++i) {
    names.emplace(CounterName(static_cast<Counter>(i)));
    sentences.emplace(CounterSentence(static_cast<Counter>(i)));
  }
  EXPECT_EQ(names.size(), kCounterCount);
  EXPECT_EQ(sentences.size(), kCounterCount) << "two counters share a sentence";
  EXPECT_EQ(sentences.count(""), 0u);
}

}  // namespace
}  // namespace weir
