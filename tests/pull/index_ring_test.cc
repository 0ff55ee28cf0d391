// IndexRing: bounds, order, many threads at its open end.
#include "runtime/index_ring.h"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

constexpr unsigned kThreads = 4;
constexpr uint32_t kNumbers = 20000;

TEST(IndexRing, KeepsOrderAndItsBound) {
  IndexRing ring(IndexRing::Kind::kToWorker, 7);
  for (uint32_t i = 0; i < 7; ++i) EXPECT_TRUE(ring.Push(i));
  EXPECT_FALSE(ring.Push(7));
  std::array<uint32_t, 4> out;
  EXPECT_EQ(ring.Pop(out), 4u);
  EXPECT_EQ(out, (std::array<uint32_t, 4>{0, 1, 2, 3}));
  EXPECT_EQ(ring.Pop(), 4u);
  EXPECT_EQ(ring.Pop(out), 2u);
  EXPECT_EQ(ring.Pop(), std::nullopt);
}

TEST(IndexRing, GivesEachNumberToOneOfManyThreads) {
  IndexRing ring(IndexRing::Kind::kFromWorker, 64);
  std::vector<std::atomic<uint32_t>> seen(kNumbers);
  std::atomic<uint32_t> taken = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (taken.load() < kNumbers) {
        if (const auto number = ring.Pop()) {
          seen[*number].fetch_add(1);
          taken.fetch_add(1);
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (uint32_t i = 0; i < kNumbers;) {
    if (ring.Push(i)) {
      ++i;
    } else {
      std::this_thread::yield();
    }
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& times : seen) ASSERT_EQ(times.load(), 1u);
}

TEST(IndexRing, TakesEachNumberFromManyThreads) {
  IndexRing ring(IndexRing::Kind::kToWorker, 64);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = t; i < kNumbers;) {
        if (ring.Push(i)) {
          i += kThreads;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  std::array<uint32_t, kThreads> next{0, 1, 2, 3};  // each thread's numbers stay in order
  for (uint32_t count = 0; count < kNumbers;) {
    std::array<uint32_t, 16> out;
    const size_t n = ring.Pop(out);
    if (n == 0) std::this_thread::yield();
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(out[i], next[out[i] % kThreads]);
      next[out[i] % kThreads] += kThreads;
    }
    count += static_cast<uint32_t>(n);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace weir::runtime
