// FrameList: the frames that one turn wants to send, in order; a fixed room that never grows.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "packet/packet.h"

namespace weir {

// Thread: one. Frames that nobody took are freed by Clear or with the list.
class FrameList {
 public:
  explicit FrameList(size_t capacity) : capacity_(capacity) { frames_.reserve(capacity); }

  // Takes the frame away and returns true, or leaves it with the caller and returns false when
  // full.
  [[nodiscard]] bool Push(Packet&& frame) {
    if (full()) return false;
    frames_.push_back(std::move(frame));
    return true;
  }
  // Whoever moves a frame out of the span leaves an empty handle behind.
  std::span<Packet> frames() { return frames_; }
  void Clear() { frames_.clear(); }

  bool full() const { return frames_.size() == capacity_; }
  size_t size() const { return frames_.size(); }
  size_t capacity() const { return capacity_; }
  size_t room() const { return capacity_ - frames_.size(); }

 private:
  size_t capacity_;
  std::vector<Packet> frames_;
};

}  // namespace weir
