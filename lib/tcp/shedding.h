// Shedding: when memory is almost used up, and who has been still for longest.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "base/time.h"

namespace weir::tcp {

// One kind of memory with two marks, in records: from `high` on something has to give way, until
// less than `low` is in use.
class Watermark {
 public:
  Watermark() = default;
  // Percentages of `capacity`, low <= high; a high mark of 0 is none.
  Watermark(uint32_t capacity, uint32_t high_percent, uint32_t low_percent)
      : high_(high_percent == 0 ? kNever : Share(capacity, high_percent)),
        low_(std::min(Share(capacity, low_percent), high_)) {}

  void Update(uint32_t in_use) { crossed_ = in_use >= (crossed_ ? low_ : high_); }
  bool crossed() const { return crossed_; }
  // How many have to go.
  uint32_t excess(uint32_t in_use) const {
    return crossed_ && in_use >= low_ ? in_use - low_ + 1 : 0;
  }

 private:
  static constexpr uint32_t kNever = 0xffffffffu;
  // Rounded up, and at least one.
  static uint32_t Share(uint32_t capacity, uint32_t percent) {
    return std::max(1u, static_cast<uint32_t>((uint64_t{capacity} * percent + 99) / 100));
  }

  uint32_t high_ = kNever;
  uint32_t low_ = kNever;
  bool crossed_ = false;
};

// The few connections that were still for longest, of all that were offered.
class Stillest {
 public:
  struct Entry {
    uint32_t index;
    uint32_t generation;
    uint32_t still_ms;
    uint32_t moved;  // RCV.NXT + SND.UNA
  };
  static constexpr size_t kCapacity = 64;

  void Offer(const Entry& entry) {
    if (size_ == kCapacity) {
      if (entry.still_ms <= entries_[0].still_ms) return;
      std::pop_heap(entries_.begin(), entries_.end(), &Longer);
      --size_;
    }
    entries_[size_++] = entry;
    std::push_heap(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(size_),
                   &Longer);
  }
  // Those who were still for longest first; forgets them.
  std::span<const Entry> Take() {
    std::sort_heap(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(size_),
                   &Longer);
    return {entries_.data(), std::exchange(size_, 0)};
  }
  bool empty() const { return size_ == 0; }

 private:
  // The heap's front is who was still for the shortest time.
  static bool Longer(const Entry& a, const Entry& b) { return a.still_ms > b.still_ms; }

  std::array<Entry, kCapacity> entries_;
  size_t size_ = 0;
};

}  // namespace weir::tcp
