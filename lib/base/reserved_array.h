// ReservedArray: a fixed-size array whose memory is reserved once and never moves.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace weir {

// Elements start as zero octets and are never constructed or destroyed one by one; pages are
// touched only when used, and are huge where the system gives huge pages to those who ask.
template <class T>
class ReservedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit ReservedArray(size_t size) : size_(size) {
    if (size == 0) return;
    void* memory =
        mmap(nullptr, octets(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WEIR_CHECK(memory != MAP_FAILED);
    data_ = static_cast<T*>(memory);
    if (octets() >= kHugePageSize) (void)madvise(memory, octets(), MADV_HUGEPAGE);
  }
  ReservedArray(ReservedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ReservedArray& operator=(ReservedArray&&) = delete;
  ~ReservedArray() {
    if (data_ != nullptr) munmap(data_, octets());
  }

  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kHugePageSize = size_t{2} << 20;
  size_t octets() const { return size_ * sizeof(T); }

  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace weir
