// Big-endian loads and stores at every alignment.
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

TEST(Bytes, LoadsBigEndianAtAnyAlignment) {
  for (size_t shift = 0; shift < 8; ++shift) {
    std::vector<uint8_t> octets(shift + 8);
    for (uint8_t i = 0; i < 8; ++i) octets[shift + i] = static_cast<uint8_t>(0x81 + i);
    EXPECT_EQ(LoadBe16(&octets[shift]), 0x8182);
    EXPECT_EQ(LoadBe32(&octets[shift]), 0x81828384u);
    EXPECT_EQ(LoadBe64(&octets[shift]), 0x8182838485868788u);
  }
}

TEST(Bytes, StoresWhatItLoadsAndNothingBeside) {
  for (size_t shift = 0; shift < 8; ++shift) {
    std::vector<uint8_t> octets(shift + 6, 0xee);
    StoreBe16(&octets[shift + 1], 0x1234);
    EXPECT_EQ(LoadBe16(&octets[shift + 1]), 0x1234);
    EXPECT_EQ(octets[shift], 0xee);
    EXPECT_EQ(octets[shift + 3], 0xee);
    StoreBe32(&octets[shift + 1], 0x89abcdef);
    EXPECT_EQ(LoadBe32(&octets[shift + 1]), 0x89abcdefu);
    EXPECT_EQ(octets[shift + 1], 0x89);
    EXPECT_EQ(octets[shift], 0xee);
    EXPECT_EQ(octets[shift + 5], 0xee);
  }
}

}  // namespace
}  // namespace weir
