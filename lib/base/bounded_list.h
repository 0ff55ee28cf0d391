// BoundedList: a list with room for a fixed number of elements, all reserved when it is made.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/check.h"

namespace weir {

// What a std::vector with reserved memory is, but that adding never grows it, and so is only a few
// instructions. Elements exist all the time: those that are not in the list are empty or old.
template <class T>
class BoundedList {
 public:
  explicit BoundedList(size_t capacity)
      : capacity_(capacity), elements_(std::make_unique<T[]>(capacity)) {}

  // A new last element, with the default value. There must be room.
  T& Add() {
    WEIR_DCHECK(size_ < capacity_);
    T* place = &elements_[size_++];
    std::destroy_at(place);
    return *std::construct_at(place);
  }
  // The same with whatever value it had before: for those who set all of it.
  T& AddOld() {
    WEIR_DCHECK(size_ < capacity_);
    return elements_[size_++];
  }
  void RemoveLast() { --size_; }
  // What the elements own is let go only when their places are used again.
  void Clear() { size_ = 0; }

  T& operator[](size_t i) { return elements_[i]; }
  const T& operator[](size_t i) const { return elements_[i]; }
  T* begin() { return elements_.get(); }
  T* end() { return elements_.get() + size_; }
  const T* begin() const { return elements_.get(); }
  const T* end() const { return elements_.get() + size_; }

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == capacity_; }
  size_t size() const { return size_; }

 private:
  size_t capacity_;
  size_t size_ = 0;
  std::unique_ptr<T[]> elements_;
};

}  // namespace weir
