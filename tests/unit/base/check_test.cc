// CHECK stops the process and says where and why.
#include "base/check.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(CheckDeathTest, NamesTheFileAndTheConditionThatFailed) {
  const int n = 1;
  WEIR_CHECK(n == 1);
  EXPECT_DEATH(WEIR_CHECK(n == 2), "check_test.cc:[0-9]+: CHECK failed: n == 2");
}

}  // namespace
}  // namespace weir
