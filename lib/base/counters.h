// Counters of one worker: plain numbers, one writer, read by anyone who can bear a torn total.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

enum class Counter : uint16_t {
#define WEIR_COUNTER(name, sentence) k##name,
#include "base/counters.def"
#undef WEIR_COUNTER
  kCount
};

inline constexpr size_t kCounterCount = static_cast<size_t>(Counter::kCount);

class Counters {
 public:
  void Add(Counter counter, uint64_t n = 1) { values_[static_cast<size_t>(counter)] += n; }
  uint64_t operator[](Counter counter) const { return values_[static_cast<size_t>(counter)]; }
  // Adds the counters of another worker, for totals.
  void Merge(const Counters& other) {
    for (size_t i = 0; i < kCounterCount; ++i) values_[i] += other.values_[i];
  }

 private:
  std::array<uint64_t, kCounterCount> values_{};
};

// "RxFrames" and "frames received" for a counter.
std::string_view CounterName(Counter counter);
std::string_view CounterSentence(Counter counter);

}  // namespace weir
