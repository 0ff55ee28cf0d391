// Records by index, generations, reserved memory, rate limits.
#include "base/slab.h"

#include <gtest/gtest.h>

#include <set>

#include "base/reserved_array.h"
#include "base/token_bucket.h"

namespace weir {
namespace {

struct Record {
  uint32_t generation;
  uint32_t link;
  uint32_t& free_link() { return link; }
};

TEST(Slab, GivesEachRecordOnceAndThenNone) {
  Slab<Record> slab(100);
  std::set<uint32_t> given;
  for (int i = 0; i < 100; ++i) given.insert(slab.Allocate());
  EXPECT_EQ(given.size(), 100u);
  EXPECT_EQ(*given.rbegin(), 99u);
  EXPECT_EQ(slab.Allocate(), Slab<Record>::kNone);
  EXPECT_EQ(slab.in_use(), 100u);
}

TEST(Slab, HandsOutTheRecordFreedLast) {
  Slab<Record> slab(10);
  const uint32_t a = slab.Allocate();
  const uint32_t b = slab.Allocate();
  slab.Free(a);
  slab.Free(b);
  EXPECT_EQ(slab.Allocate(), b);
  EXPECT_EQ(slab.Allocate(), a);
}

TEST(Slab, FindsARecordOnlyInItsGeneration) {
  Slab<Record> slab(10);
  const uint32_t a = slab.Allocate();
  const uint32_t generation = slab[a].generation;
  EXPECT_EQ(slab.Find(a, generation), &slab[a]);
  slab.Free(a);
  EXPECT_EQ(slab.Find(a, generation), nullptr);
  EXPECT_EQ(slab.Find(a, slab[a].generation), nullptr);
  ASSERT_EQ(slab.Allocate(), a);
  EXPECT_EQ(slab.Find(a, generation), nullptr);
  EXPECT_NE(slab.Find(a, slab[a].generation), nullptr);
  EXPECT_EQ(slab.Find(5, 1), nullptr);   // never given out
  EXPECT_EQ(slab.Find(99, 1), nullptr);  // no such record
}

TEST(ReservedArray, BeginsAsZeroesAndMayBeEmpty) {
  ReservedArray<uint64_t> array(1 << 20);
  for (size_t i = 0; i < array.size(); i += 4096) EXPECT_EQ(array[i], 0u);
  ReservedArray<uint64_t> none(0);
  EXPECT_EQ(none.size(), 0u);
}

TEST(TokenBucket, LetsASecondsWorthThroughAtOnceAndThenTheRate) {
  TokenBucket bucket(10);
  const Time start{int64_t{1} << 32};
  int passed = 0;
  for (int i = 0; i < 100; ++i) passed += bucket.Take(start);
  EXPECT_EQ(passed, 10);
  EXPECT_FALSE(bucket.Take(start + Milliseconds(99)));
  EXPECT_TRUE(bucket.Take(start + Milliseconds(100)));
  EXPECT_FALSE(bucket.Take(start + Milliseconds(100)));
  passed = 0;
  for (int i = 0; i < 100; ++i) passed += bucket.Take(start + Seconds(1000));
  EXPECT_EQ(passed, 10);
}

TEST(TokenBucket, OfRateZeroLetsNothingThrough) {
  TokenBucket bucket(0);
  EXPECT_FALSE(bucket.Take(Time{0}));
  EXPECT_FALSE(bucket.Take(Time{0} + Seconds(100)));
}

}  // namespace
}  // namespace weir
