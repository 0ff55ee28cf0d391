// FrameList: the frames that one turn wants to send, in order; a fixed room that never grows.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "packet/packet.h"

namespace weir {

// Thread: one. Frames that nobody took are freed by Clear or with the list.
class FrameList {
 public:
  explicit FrameList(size_t capacity)
      : capacity_(capacity), frames_(std::make_unique<Packet[]>(capacity)) {}

  // Takes the frame away and returns true, or leaves it with the caller and returns false when
  // full.
  [[nodiscard]] bool Push(Packet&& frame) {
    if (full()) return false;
    std::construct_at(&frames_[size_++], std::move(frame));  // over an empty handle
    return true;
  }
  // Whoever moves a frame out of the span leaves an empty handle behind.
  std::span<Packet> frames() { return {frames_.get(), size_}; }
  void Clear() {
    for (Packet& frame : frames()) frame.Reset();
    size_ = 0;
  }

  bool full() const { return size_ == capacity_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  size_t room() const { return capacity_ - size_; }

 private:
  size_t capacity_;
  size_t size_ = 0;
  std::unique_ptr<Packet[]> frames_;  // empty handles from size_ on
};

}  // namespace weir
