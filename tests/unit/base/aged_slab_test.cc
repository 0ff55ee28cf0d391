// Records in the order of their age.
#include "base/aged_slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/prng.h"

namespace weir {
namespace {

struct Record {
  AgeLink age;
  uint32_t value;
};
using Slab = AgedSlab<Record>;

// All in use, the oldest first; fails when the chain is longer than it may be.
std::vector<uint32_t> ByAge(const Slab& slab) {
  std::vector<uint32_t> order;
  for (uint32_t i = slab.oldest(); i != Slab::kNone; i = slab.NewerThan(i)) {
    order.push_back(i);
    if (order.size() > slab.capacity()) {
      ADD_FAILURE() << "the chain does not end";
      break;
    }
  }
  return order;
}

TEST(AgedSlab, GivesEachRecordOnceAndThenNone) {
  Slab slab(100);
  EXPECT_EQ(slab.oldest(), Slab::kNone);
  std::set<uint32_t> given;
  for (int i = 0; i < 100; ++i) given.insert(slab.Allocate());
  EXPECT_EQ(given.size(), 100u);
  EXPECT_EQ(*given.rbegin(), 99u);
  EXPECT_EQ(slab.Allocate(), Slab::kNone);
  EXPECT_EQ(slab.in_use(), 100u);
  EXPECT_EQ(slab.capacity(), 100u);
}

TEST(AgedSlab, OfNoRecordsHasNone) {
  Slab slab(0);
  EXPECT_EQ(slab.Allocate(), Slab::kNone);
  EXPECT_EQ(slab.oldest(), Slab::kNone);
}

TEST(AgedSlab, KeepsTheOrderWhereverOneIsTakenOut) {
  for (uint32_t gone = 0; gone < 4; ++gone) {
    Slab slab(4);
    std::vector<uint32_t> order;
    for (int i = 0; i < 4; ++i) order.push_back(slab.Allocate());
    slab.Free(order[gone]);
    std::erase(order, gone);
    EXPECT_EQ(ByAge(slab), order) << gone;
    order.push_back(slab.Allocate());
    EXPECT_EQ(order.back(), gone) << "the place that was left";
    EXPECT_EQ(ByAge(slab), order) << "what was given out last is the youngest";
  }
}

TEST(AgedSlab, LeavesTheRestOfARecordAlone) {
  Slab slab(2);
  const uint32_t a = slab.Allocate();
  slab[a].value = 7;
  slab.Free(a);
  ASSERT_EQ(slab.Allocate(), a);
  EXPECT_EQ(slab[a].value, 7u);
}

TEST(AgedSlab, KnowsTheOldestUnderChurn) {
  constexpr uint32_t kCapacity = 37;
  Slab slab(kCapacity);
  Prng prng(11);
  std::vector<uint32_t> order;
  for (int step = 0; step < 20000; ++step) {
    if (order.size() < kCapacity && prng.Below(5) < 3) {
      const uint32_t index = slab.Allocate();
      ASSERT_EQ(std::count(order.begin(), order.end(), index), 0) << "is in use";
      order.push_back(index);
    } else if (!order.empty()) {
      const size_t at = prng.Below(3) == 0 ? 0 : prng.Below(order.size());
      slab.Free(order[at]);
      order.erase(order.begin() + static_cast<std::ptrdiff_t>(at));
    }
    ASSERT_EQ(slab.in_use(), order.size());
    ASSERT_EQ(slab.oldest(), order.empty() ? Slab::kNone : order.front());
    if (step % 100 == 0) {
      ASSERT_EQ(ByAge(slab), order) << step;
    }
  }
}

// A record need not know which list it is in.
TEST(AgedSlab, ListsKeepAnAgeOfTheirOwnAndShareTheRoom) {
  AgedSlab<Record, 2> slab(6);
  for (uint32_t i = 0; i < 6; ++i) ASSERT_EQ(slab.Allocate(i % 2), i);
  EXPECT_EQ(slab.Allocate(1), Slab::kNone);
  const auto list = [&](size_t which) {
    std::vector<uint32_t> order;
    for (uint32_t i = slab.oldest(which); i != Slab::kNone; i = slab.NewerThan(i)) {
      order.push_back(i);
      if (order.size() > slab.capacity()) break;
    }
    return order;
  };
  EXPECT_EQ(list(0), (std::vector<uint32_t>{0, 2, 4}));
  EXPECT_EQ(list(1), (std::vector<uint32_t>{1, 3, 5}));
  for (const uint32_t gone : {1u, 0u, 5u}) slab.Free(gone);
  EXPECT_EQ(list(0), (std::vector<uint32_t>{2, 4}));
  EXPECT_EQ(list(1), (std::vector<uint32_t>{3}));
  slab.Free(3);
  EXPECT_EQ(slab.oldest(1), Slab::kNone);
  ASSERT_EQ(slab.Allocate(1), 3u);
  EXPECT_EQ(list(1), (std::vector<uint32_t>{3}));
  for (const uint32_t moved : {2u, 4u}) slab.Move(moved, 1);
  EXPECT_EQ(slab.oldest(0), Slab::kNone);
  EXPECT_EQ(list(1), (std::vector<uint32_t>{3, 2, 4}));
  slab.Move(3, 1);
  EXPECT_EQ(list(1), (std::vector<uint32_t>{2, 4, 3})) << "the youngest once more";
}

}  // namespace
}  // namespace weir
