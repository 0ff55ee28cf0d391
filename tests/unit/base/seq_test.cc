// Sequence numbers: arithmetic and order at every wrap.
#include "base/seq.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr uint32_t kInterestingPoints[] = {
    0, 1, 2, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};

TEST(Seq, OrdersPointsLessThanHalfTheSpaceApartWhereverTheyLie) {
  for (uint32_t at : kInterestingPoints) {
    for (uint32_t distance : {1u, 2u, 1000u, 0x7ffffffeu, 0x7fffffffu}) {
      const Seq left(at), right = left + distance;
      EXPECT_TRUE(left < right) << at << " + " << distance;
      EXPECT_TRUE(left <= right);
      EXPECT_TRUE(right > left);
      EXPECT_TRUE(right >= left);
      EXPECT_FALSE(right < left);
      EXPECT_FALSE(right <= left);
      EXPECT_EQ(right - left, static_cast<int32_t>(distance));
      EXPECT_EQ(left - right, -static_cast<int32_t>(distance));
      EXPECT_EQ(Distance(left, right), distance);
      EXPECT_EQ(right - distance, left);
      EXPECT_EQ(Max(left, right), right);
      EXPECT_EQ(Max(right, left), right);
      EXPECT_EQ(Min(left, right), left);
      EXPECT_EQ(Min(right, left), left);
    }
  }
}

TEST(Seq, IsNeitherBeforeNorAfterItself) {
  for (uint32_t at : kInterestingPoints) {
    const Seq point(at);
    EXPECT_FALSE(point < point);
    EXPECT_FALSE(point > point);
    EXPECT_TRUE(point <= point);
    EXPECT_TRUE(point >= point);
    EXPECT_EQ(point - point, 0);
    EXPECT_EQ(Distance(point, point), 0u);
  }
}

TEST(Seq, MovesInPlacePastTheWrap) {
  Seq point(0xfffffff0);
  point += 0x20;
  EXPECT_EQ(point, Seq(0x10));
}

}  // namespace
}  // namespace weir
