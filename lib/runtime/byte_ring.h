// ByteRing: text on its way between a worker and one thread of the application.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir::runtime {

// A bounded ring of octets with one writer and one reader; neither ever waits.
//
// Each side writes its own position and reads the other's, all sequentially consistent, so that
// "I have made room" and "I wait for room" cannot miss each other (see EventCount).
//
// Thread: one that calls what is the writer's, one that calls what is the reader's; who is which
// may change where something else orders the two. Reset only while nobody else looks.
class ByteRing {
 public:
  // `memory` has `capacity` octets, a power of two up to 2^31, and outlives the ring's use.
  void Reset(uint8_t* memory, uint32_t capacity) {
    memory_ = memory;
    capacity_ = capacity;
    written_.store(0, std::memory_order_relaxed);
    read_.store(0, std::memory_order_relaxed);
  }
  uint32_t capacity() const { return capacity_; }

  // --- the writer's ---
  // Copies as much as there is room for and returns how much that was.
  uint32_t Write(std::span<const uint8_t> text) {
    const uint32_t at = written_.load(std::memory_order_relaxed);
    const auto n = static_cast<uint32_t>(std::min<size_t>(text.size(), room()));
    if (n == 0) return 0;
    const uint32_t first = std::min(n, capacity_ - Offset(at));
    std::memcpy(memory_ + Offset(at), text.data(), first);
    std::memcpy(memory_, text.data() + first, n - first);
    written_.store(at + n, std::memory_order_seq_cst);
    return n;
  }

  // --- the reader's ---
  // Copies the front into `into` and lets go of it; returns how much that was.
  uint32_t Read(std::span<uint8_t> into) {
    uint32_t count = 0;
    for (int piece = 0; piece < 2 && count < into.size(); ++piece) {
      const std::span<const uint8_t> front = At(count);
      const size_t n = std::min(front.size(), into.size() - count);
      if (n == 0) break;
      std::memcpy(into.data() + count, front.data(), n);
      count += static_cast<uint32_t>(n);
    }
    if (count > 0) Consume(count);
    return count;
  }
  // The text from `skip` octets behind the front on, as far as it lies in one piece; it stays.
  std::span<const uint8_t> At(uint32_t skip) const {
    const uint32_t left = size() - skip;
    const uint32_t offset = Offset(read_.load(std::memory_order_relaxed) + skip);
    return {memory_ + offset, std::min(left, capacity_ - offset)};
  }
  void Consume(uint32_t n) {
    read_.store(read_.load(std::memory_order_relaxed) + n, std::memory_order_seq_cst);
  }

  // --- either's ---
  // Octets inside: at least so many for the reader, at most for the writer.
  uint32_t size() const {
    return written_.load(std::memory_order_seq_cst) - read_.load(std::memory_order_seq_cst);
  }
  uint32_t room() const { return capacity_ - size(); }
  bool empty() const { return size() == 0; }
  // Worth to stop waiting for: with less, sender and receiver would wake each other for crumbs.
  bool half_empty() const { return room() >= capacity_ / 2; }

 private:
  uint32_t Offset(uint32_t position) const { return position & (capacity_ - 1); }

  // Octets since Reset, modulo 2^32; each on the line of whoever writes it.
  alignas(64) std::atomic<uint32_t> written_ = 0;
  alignas(64) std::atomic<uint32_t> read_ = 0;
  uint8_t* memory_ = nullptr;
  uint32_t capacity_ = 0;
};

}  // namespace weir::runtime
