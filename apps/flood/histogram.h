// Histogram: how often which duration, log-linear: 64 steps for each doubling.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::flood {

// Of whole nanoseconds (or anything) up to 2^40; larger values count as that. What it says is at
// most 1/64 above what was recorded, never below.
class Histogram {
 public:
  struct Bucket {
    uint64_t upto = 0;  // the largest value that falls into it
    uint64_t count = 0;
  };

  void Add(uint64_t value) {
    ++counts_[IndexOf(value)];
    ++count_;
    if (value > max_) max_ = value;
  }
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }  // exactly
  // The smallest value that at least this share (0 to 1) of all values do not exceed; 0 when empty.
  uint64_t Quantile(double share) const;
  // Those that are not empty, in ascending order.
  std::vector<Bucket> Buckets() const;

 private:
  static constexpr unsigned kStepBits = 6;
  static constexpr unsigned kSteps = 1u << kStepBits;
  static constexpr unsigned kBitsMax = 40;

  static size_t IndexOf(uint64_t value) {
    if (value < 2 * kSteps) return value;
    if (value >> kBitsMax != 0) value = (uint64_t{1} << kBitsMax) - 1;
    const unsigned shift = 63u - static_cast<unsigned>(__builtin_clzll(value)) - kStepBits;
    return shift * kSteps + (value >> shift);
  }
  static uint64_t UpperOf(size_t index);

  std::array<uint64_t, (kBitsMax - kStepBits + 1) * kSteps> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace weir::flood
