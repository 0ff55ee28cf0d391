// SipHash of many messages at once: each way of computing it against one message at a time.
#include "base/siphash_lanes.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"

namespace weir {
namespace {

constexpr uint64_t kUntouched = 0x5555555555555555;

class SipHashLanes : public testing::TestWithParam<SipLanes> {
 protected:
  void SetUp() override {
    if (!HasSipLanes(GetParam())) GTEST_SKIP() << "this processor does not have it";
  }
};

// Lengths beyond those in use, counts on both sides of every number of lanes. The arrays are just
// as long as they must be, so that the sanitizer sees what is read or written beyond them.
TEST_P(SipHashLanes, EqualOneMessageAtATime) {
  Prng prng(11);
  for (size_t words = 0; words <= 8; ++words) {
    for (size_t count = 0; count <= 70; ++count) {
      const SipKey key{prng.Next(), prng.Next()};
      const auto soa = std::make_unique<uint64_t[]>(words * count);
      for (size_t i = 0; i < words * count; ++i) soa[i] = prng.Next();
      std::vector<uint64_t> hashes(count);
      SipHash24(key, {soa.get(), words, count}, hashes, GetParam());
      for (size_t i = 0; i < count; ++i) {
        std::array<uint64_t, 8> message{};
        for (size_t w = 0; w < words; ++w) message[w] = soa[w * count + i];
        ASSERT_EQ(hashes[i], SipHash24(key, message.data(), words))
            << "message " << i << " of " << count << ", " << words << " words";
      }
    }
  }
}

// A table of messages is rarely full: what stands behind the last is somebody else's.
TEST_P(SipHashLanes, TouchNothingBehindTheLastMessage) {
  constexpr size_t kWords = 3, kStride = 24;
  Prng prng(12);
  // One word off any alignment that a vector could ask for.
  std::vector<uint64_t> soa(kWords * kStride + 1), hashes(kStride + 1);
  for (uint64_t& word : soa) word = prng.Next();
  for (size_t count = 0; count < kStride; ++count) {
    std::fill(hashes.begin(), hashes.end(), kUntouched);
    const SipKey key{prng.Next(), prng.Next()};
    SipHash24(key, {&soa[1], kWords, kStride}, {&hashes[1], count}, GetParam());
    EXPECT_EQ(hashes[0], kUntouched);
    for (size_t i = 0; i < kStride; ++i) {
      const uint64_t message[kWords] = {soa[1 + i], soa[1 + kStride + i], soa[1 + 2 * kStride + i]};
      EXPECT_EQ(hashes[1 + i], i < count ? SipHash24(key, message, kWords) : kUntouched);
    }
  }
}

std::string NameOf(const testing::TestParamInfo<SipLanes>& info) {
  constexpr const char* kNames[] = {"Scalar", "Avx2", "Avx512"};
  return kNames[static_cast<size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Each, SipHashLanes,
                         testing::Values(SipLanes::kScalar, SipLanes::kAvx2, SipLanes::kAvx512),
                         NameOf);

TEST(SipHashLanesOfThisProcessor, TheWidestIsThere) {
  EXPECT_TRUE(HasSipLanes(SipLanes::kScalar));
  EXPECT_TRUE(HasSipLanes(WidestSipLanes()));
  for (const SipLanes wider : {SipLanes::kAvx2, SipLanes::kAvx512}) {
    EXPECT_TRUE(wider <= WidestSipLanes() || !HasSipLanes(wider));
  }
}

TEST(SipBatch, GivesEachHashWithItsIndexAndIsEmptyThen) {
  const SipKey key{1, 2};
  SipBatch<2> batch;
  for (const size_t count : {0u, 1u, 5u, 32u, 3u}) {
    for (size_t i = 0; i < count; ++i) batch.Add(100 + i, {i, ~i});
    size_t next = 0;
    batch.HashAll(key, [&](size_t index, uint64_t hash) {
      const uint64_t message[2] = {next, ~next};
      EXPECT_EQ(index, 100 + next);
      EXPECT_EQ(hash, SipHash24(key, message, 2));
      ++next;
    });
    EXPECT_EQ(next, count);
  }
}

}  // namespace
}  // namespace weir
