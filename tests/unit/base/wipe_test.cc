// Wipe: what was there is gone.
#include "base/wipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace weir {
namespace {

TEST(Wipe, LeavesZerosAndTheNeighboursAlone) {
  std::array<uint8_t, 64> octets;
  octets.fill(0xa5);
  Wipe(octets.data() + 8, 48);
  EXPECT_EQ(std::count(octets.begin(), octets.end(), 0), 48);
  EXPECT_EQ(octets[7], 0xa5);
  EXPECT_EQ(octets[56], 0xa5);
}

}  // namespace
}  // namespace weir
