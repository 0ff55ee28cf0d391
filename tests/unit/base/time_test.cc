// Points and spans of time, the wrapping four-octet kind included.
#include "base/time.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Duration, ConvertsAndComputesInMicroseconds) {
  EXPECT_EQ(Milliseconds(3).us, 3000);
  EXPECT_EQ(Seconds(2), Milliseconds(2000));
  EXPECT_EQ(Seconds(1) + Microseconds(5), Microseconds(1000005));
  EXPECT_EQ(Seconds(1) - Seconds(3), Seconds(-2));
  EXPECT_EQ(Milliseconds(7) * 3, Milliseconds(21));
  EXPECT_EQ(Seconds(1) / 4, Milliseconds(250));
  EXPECT_LT(Milliseconds(999), Seconds(1));
}

TEST(Time, MovesBySpans) {
  const Time t{1000};
  EXPECT_EQ(t + Microseconds(5), Time{1005});
  EXPECT_EQ(t - Microseconds(5), Time{995});
  EXPECT_EQ(Time{5000} - t, Milliseconds(4));
  EXPECT_GT(t + Microseconds(1), t);
}

TEST(Time, CountsMillisecondsModulo32Bits) {
  EXPECT_EQ(Time{1999}.millis(), Millis{1});
  constexpr int64_t kWrapUs = (int64_t{1} << 32) * 1000;
  EXPECT_EQ(Time{kWrapUs - 1}.millis(), Millis{0xffffffff});
  EXPECT_EQ(Time{kWrapUs}.millis(), Millis{0});
  EXPECT_EQ(Time{kWrapUs + 5000}.millis(), Millis{5});
}

TEST(Millis, OrderDatesLessThanHalfTheRangeApartWhereverTheyLie) {
  for (uint32_t at : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu}) {
    for (uint32_t distance : {1u, 1000u, 0x7fffffffu}) {
      const Millis early{at}, late = early + distance;
      EXPECT_TRUE(early < late) << at << " + " << distance;
      EXPECT_TRUE(early <= late);
      EXPECT_TRUE(late > early);
      EXPECT_TRUE(late >= early);
      EXPECT_FALSE(late < early);
      EXPECT_EQ(late - early, static_cast<int32_t>(distance));
      EXPECT_EQ(early - late, -static_cast<int32_t>(distance));
    }
    EXPECT_FALSE(Millis{at} < Millis{at});
    EXPECT_TRUE(Millis{at} <= Millis{at});
  }
}

}  // namespace
}  // namespace weir
