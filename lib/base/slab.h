// Slab: records of one type, named by 32-bit index, given out last-in first-out.
#pragma once

#include <cstdint>

#include "base/reserved_array.h"

namespace weir {

// T has `uint32_t generation`, odd while the record is in use: a handle of (index, generation) kept
// too long matches nothing. T also has `uint32_t& free_link()`, which the slab owns while the
// record is free. Records are handed out as they were left; the caller clears what it needs.
template <class T>
class Slab {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  explicit Slab(uint32_t capacity) : items_(capacity) {}

  // kNone when all are in use.
  [[nodiscard]] uint32_t Allocate() {
    uint32_t index = free_;
    if (index != kNone) {
      free_ = items_[index].free_link();
    } else if (fresh_ < items_.size()) {
      index = fresh_++;
    } else {
      return kNone;
    }
    ++items_[index].generation;
    ++in_use_;
    return index;
  }
  void Free(uint32_t index) {
    WEIR_DCHECK(InUse(index));
    ++items_[index].generation;
    items_[index].free_link() = free_;
    free_ = index;
    --in_use_;
  }

  T& operator[](uint32_t index) { return items_[index]; }
  const T& operator[](uint32_t index) const { return items_[index]; }
  uint32_t IndexOf(const T& item) const { return static_cast<uint32_t>(&item - items_.data()); }
  bool InUse(uint32_t index) const { return index < fresh_ && (items_[index].generation & 1) != 0; }
  // Null unless the record is in use in that very generation.
  T* Find(uint32_t index, uint32_t generation) {
    if (!InUse(index) || items_[index].generation != generation) return nullptr;
    return &items_[index];
  }
  uint32_t in_use() const { return in_use_; }
  uint32_t capacity() const { return static_cast<uint32_t>(items_.size()); }
  // Indices at and above this were never given out.
  uint32_t fresh() const { return fresh_; }
  T* items() { return items_.data(); }

 private:
  ReservedArray<T> items_;
  uint32_t free_ = kNone;
  uint32_t fresh_ = 0;
  uint32_t in_use_ = 0;
};

}  // namespace weir
