// BoundedList: order, room, and default values in places that are used again.
#include "base/bounded_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weir {
namespace {

TEST(BoundedList, KeepsTheOrderOfItsElements) {
  BoundedList<int> list(3);
  EXPECT_TRUE(list.empty());
  list.Add() = 1;
  list.Add() = 2;
  EXPECT_FALSE(list.full());
  list.Add() = 3;
  EXPECT_TRUE(list.full());
  EXPECT_EQ(std::vector<int>(list.begin(), list.end()), (std::vector<int>{1, 2, 3}));
  list.RemoveLast();
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1], 2);
}

TEST(BoundedList, AddsDefaultValuesWhereOthersHaveBeen) {
  BoundedList<int> list(1);
  list.Add() = 7;
  list.Clear();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.Add(), 0);
}

TEST(BoundedList, LetsGoOfWhatAPlaceHeldWhenItIsUsedAgain) {
  const auto owned = std::make_shared<int>(1);
  BoundedList<std::shared_ptr<int>> list(1);
  list.Add() = owned;
  list.Clear();
  EXPECT_EQ(owned.use_count(), 2);
  EXPECT_EQ(list.Add(), nullptr);
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace weir
