// AgedSlab: records of one type, named by 32-bit index, in one or more lists by age.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/reserved_array.h"

namespace weir {

// What a record needs to be in the order of age; while it is free, `newer` is the slab's.
struct AgeLink {
  uint32_t older = 0;
  uint32_t newer = 0;
};

// T has `AgeLink age`. Records are handed out as they were left; the caller clears what it needs,
// but for `age`. Each record in use is in one of `kLists` lists.
template <class T, size_t kLists = 1>
class AgedSlab {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  explicit AgedSlab(uint32_t capacity) : items_(capacity) {
    oldest_.fill(kNone);
    youngest_.fill(kNone);
  }

  // kNone when all are in use. The record is the youngest of its list now.
  [[nodiscard]] uint32_t Allocate(size_t list = 0) {
    uint32_t index = free_;
    if (index != kNone) {
      free_ = items_[index].age.newer;
    } else if (fresh_ < items_.size()) {
      index = fresh_++;
    } else {
      return kNone;
    }
    Link(index, list);
    ++in_use_;
    return index;
  }
  // `index` is in use.
  void Free(uint32_t index) {
    Unlink(index);
    items_[index].age = {kNone, free_};
    free_ = index;
    --in_use_;
  }
  // `index` is in use, and becomes the youngest of `list`.
  void Move(uint32_t index, size_t list) {
    Unlink(index);
    Link(index, list);
  }

  T& operator[](uint32_t index) { return items_[index]; }
  const T& operator[](uint32_t index) const { return items_[index]; }
  // kNone when the list is empty.
  uint32_t oldest(size_t list = 0) const { return oldest_[list]; }
  // The next younger one of its list, kNone at the end.
  uint32_t NewerThan(uint32_t index) const { return items_[index].age.newer; }
  uint32_t in_use() const { return in_use_; }
  uint32_t capacity() const { return static_cast<uint32_t>(items_.size()); }
  T* items() { return items_.data(); }

 private:
  void Link(uint32_t index, size_t list) {
    const uint32_t last = youngest_[list];
    items_[index].age = {last, kNone};
    (last == kNone ? oldest_[list] : items_[last].age.newer) = index;
    youngest_[list] = index;
  }
  void Unlink(uint32_t index) {
    const AgeLink age = items_[index].age;
    (age.older == kNone ? EndAt(oldest_, index) : items_[age.older].age.newer) = age.newer;
    (age.newer == kNone ? EndAt(youngest_, index) : items_[age.newer].age.older) = age.older;
  }
  // The list whose end the record is: no record needs to know its list.
  static uint32_t& EndAt(std::array<uint32_t, kLists>& ends, uint32_t index) {
    size_t list = 0;
    while (list + 1 < kLists && ends[list] != index) ++list;
    return ends[list];
  }

  ReservedArray<T> items_;
  uint32_t free_ = kNone;
  uint32_t fresh_ = 0;
  uint32_t in_use_ = 0;
  std::array<uint32_t, kLists> oldest_;
  std::array<uint32_t, kLists> youngest_;
};

}  // namespace weir
