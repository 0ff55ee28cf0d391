// AgedSlab: records of one type, named by 32-bit index, that know which of them is the oldest.
#pragma once

#include <cstdint>

#include "base/reserved_array.h"

namespace weir {

// What a record needs to be in the order of age; while it is free, `newer` is the slab's.
struct AgeLink {
  uint32_t older = 0;
  uint32_t newer = 0;
};

// T has `AgeLink age`. Records are handed out as they were left; the caller clears what it needs,
// but for `age`.
template <class T>
class AgedSlab {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  explicit AgedSlab(uint32_t capacity) : items_(capacity) {}

  // kNone when all are in use. The record is the youngest now.
  [[nodiscard]] uint32_t Allocate() {
    uint32_t index = free_;
    if (index != kNone) {
      free_ = items_[index].age.newer;
    } else if (fresh_ < items_.size()) {
      index = fresh_++;
    } else {
      return kNone;
    }
    items_[index].age = {youngest_, kNone};
    (youngest_ == kNone ? oldest_ : items_[youngest_].age.newer) = index;
    youngest_ = index;
    ++in_use_;
    return index;
  }
  // `index` is in use.
  void Free(uint32_t index) {
    const AgeLink age = items_[index].age;
    (age.older == kNone ? oldest_ : items_[age.older].age.newer) = age.newer;
    (age.newer == kNone ? youngest_ : items_[age.newer].age.older) = age.older;
    items_[index].age = {kNone, free_};
    free_ = index;
    --in_use_;
  }

  T& operator[](uint32_t index) { return items_[index]; }
  const T& operator[](uint32_t index) const { return items_[index]; }
  // kNone when none is in use.
  uint32_t oldest() const { return oldest_; }
  // The next younger one, kNone at the end.
  uint32_t NewerThan(uint32_t index) const { return items_[index].age.newer; }
  uint32_t in_use() const { return in_use_; }
  uint32_t capacity() const { return static_cast<uint32_t>(items_.size()); }
  T* items() { return items_.data(); }

 private:
  ReservedArray<T> items_;
  uint32_t free_ = kNone;
  uint32_t fresh_ = 0;
  uint32_t in_use_ = 0;
  uint32_t oldest_ = kNone;
  uint32_t youngest_ = kNone;
};

}  // namespace weir
