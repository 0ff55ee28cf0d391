// PullShard: what the threads of the application and one worker share for one pull listener.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/reserved_array.h"
#include "runtime/index_ring.h"
#include "runtime/pull_slot.h"

namespace weir::runtime {

// All memory is reserved by the constructor: `backlog` connections that wait and `max_streams` that
// are held. Nothing here can overflow: a slot is in the ring of commands at most once.
//
// Thread: as each part says.
class PullShard {
 public:
  // `arrivals` outlives the shard.
  PullShard(const PullSizes& sizes, EventCount& arrivals);

  // --- the application's, any thread ---
  // The next connection, null when there is none. The caller alone has it now.
  PullSlot* Take();
  // What the worker is to do. By the one thread that has the slot.
  void Command(PullSlot& slot, uint32_t commands);
  // Nothing will come any more.
  bool ended() const { return ended_.load(std::memory_order_seq_cst); }

  // --- the worker's ---
  // False while the ring has no room.
  [[nodiscard]] bool Offer(PullSlot& slot);
  // Slots with commands, once each; returns how many.
  [[nodiscard]] size_t TakeCommands(std::span<uint32_t> out) { return commands_.Pop(out); }
  void End();
  // Gives a slot buffers and makes it as new.
  void Prepare(PullSlot& slot);
  PullSlot& slot(uint32_t index) { return slots_[index]; }
  uint32_t capacity() const { return static_cast<uint32_t>(slots_.size()); }
  const PullSizes& sizes() const { return sizes_; }

  // --- the main thread's, when the worker does not run any more ---
  // Every connection is gone.
  void Stop();

 private:
  const PullSizes sizes_;
  EventCount& arrivals_;
  ReservedArray<PullSlot> slots_;
  ReservedArray<uint8_t> buffers_;  // of all slots, two each
  IndexRing accepted_;
  IndexRing commands_;
  alignas(64) std::atomic<uint32_t> offers_ = 0;  // so far; Take looks at it first (EventCount)
  std::atomic<bool> ended_ = false;
};

}  // namespace weir::runtime
