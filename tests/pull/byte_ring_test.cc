// ByteRing: bounds, wrap-around, two threads.
#include "runtime/byte_ring.h"

#include <array>
#include <numeric>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

constexpr uint32_t kCapacity = 16;

class ByteRingTest : public testing::Test {
 protected:
  ByteRingTest() { ring_.Reset(memory_.data(), kCapacity); }
  std::vector<uint8_t> Read(size_t n) {
    std::vector<uint8_t> text(n);
    text.resize(ring_.Read(text));
    return text;
  }

  std::array<uint8_t, kCapacity> memory_;
  ByteRing ring_;
};

TEST_F(ByteRingTest, TakesWhatItHasRoomFor) {
  std::vector<uint8_t> text(20);
  std::iota(text.begin(), text.end(), uint8_t{1});
  EXPECT_TRUE(ring_.empty());
  EXPECT_EQ(ring_.Write(text), kCapacity);
  EXPECT_EQ(ring_.room(), 0u);
  EXPECT_EQ(ring_.Write(text), 0u);
  text.resize(kCapacity);
  EXPECT_EQ(Read(100), text);
  EXPECT_TRUE(ring_.empty());
  EXPECT_TRUE(Read(1).empty());
}

TEST_F(ByteRingTest, WrapsAroundAtEveryPlace) {
  uint8_t next = 0, expected = 0;
  for (uint32_t n = 1; n <= kCapacity; ++n) {
    for (uint32_t round = 0; round < 2 * kCapacity; ++round) {
      std::vector<uint8_t> text(n);
      for (uint8_t& octet : text) octet = next++;
      ASSERT_EQ(ring_.Write(text), n);
      ASSERT_EQ(ring_.size(), n);
      // The same text in one or two pieces, where it lies.
      std::vector<uint8_t> seen;
      while (seen.size() < n) {
        const auto piece = ring_.At(static_cast<uint32_t>(seen.size()));
        ASSERT_FALSE(piece.empty());
        seen.insert(seen.end(), piece.begin(), piece.end());
      }
      ASSERT_TRUE(ring_.At(n).empty());
      for (const uint8_t octet : Read(n)) ASSERT_EQ(octet, expected++);
      ASSERT_EQ(seen, text);
    }
  }
}

TEST_F(ByteRingTest, IsHalfEmptyFromHalfOfItOn) {
  const std::vector<uint8_t> text(9);
  EXPECT_TRUE(ring_.half_empty());
  EXPECT_EQ(ring_.Write(text), 9u);
  EXPECT_FALSE(ring_.half_empty());
  ring_.Consume(1);
  EXPECT_TRUE(ring_.half_empty());
}

TEST_F(ByteRingTest, CarriesEveryOctetBetweenTwoThreads) {
  constexpr uint32_t kOctets = 40000;
  std::thread writer([&] {
    std::array<uint8_t, 11> text;
    for (uint32_t sent = 0; sent < kOctets;) {
      const uint32_t n = std::min<uint32_t>(1 + sent % 11, kOctets - sent);
      for (uint32_t i = 0; i < n; ++i) text[i] = static_cast<uint8_t>((sent + i) * 7);
      const uint32_t taken = ring_.Write(std::span(text).first(n));
      if (taken == 0) std::this_thread::yield();
      sent += taken;
    }
  });
  uint32_t wrong = 0;
  for (uint32_t received = 0; received < kOctets;) {
    const std::vector<uint8_t> text = Read(1 + received % 13);
    if (text.empty()) std::this_thread::yield();
    for (const uint8_t octet : text) wrong += octet != static_cast<uint8_t>(received++ * 7);
  }
  writer.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace weir::runtime
