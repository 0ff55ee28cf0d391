// PullShard: the two rings of one worker's pull listener and the slots that cross in them.
#include "runtime/pull_shard.h"

#include <algorithm>

#include "base/check.h"

namespace weir::runtime {

PullShard::PullShard(const PullSizes& sizes, EventCount& arrivals)
    : sizes_(sizes),
      arrivals_(arrivals),
      slots_(sizes.backlog + sizes.max_streams),
      buffers_(slots_.size() * (size_t{sizes.send_buffer} + sizes.receive_buffer)),
      accepted_(IndexRing::Kind::kFromWorker, sizes.max_streams),
      commands_(IndexRing::Kind::kToWorker, capacity()) {}

PullSlot* PullShard::Take() {
  (void)offers_.load(std::memory_order_seq_cst);
  const std::optional<uint32_t> index = accepted_.Pop();
  return index ? &slots_[*index] : nullptr;
}

void PullShard::Command(PullSlot& slot, uint32_t commands) {
  const uint32_t index = slot.index;  // the slot may be another connection's right after the last
  if (slot.commands.fetch_or(commands, std::memory_order_acq_rel) != 0) return;
  WEIR_CHECK(commands_.Push(index));
}

bool PullShard::Offer(PullSlot& slot) {
  if (!accepted_.Push(slot.index)) return false;
  offers_.fetch_add(1, std::memory_order_seq_cst);
  arrivals_.Notify(1);
  return true;
}

void PullShard::End() {
  ended_.store(true, std::memory_order_seq_cst);
  arrivals_.Notify(UINT32_MAX);
}

void PullShard::Prepare(PullSlot& slot) {
  const auto index = static_cast<uint32_t>(&slot - slots_.data());
  uint8_t* memory = buffers_.data() + index * (size_t{sizes_.send_buffer} + sizes_.receive_buffer);
  slot.commands.store(0, std::memory_order_relaxed);
  slot.blocked.store(false, std::memory_order_relaxed);
  slot.state.store(0, std::memory_order_relaxed);
  slot.received.Reset(memory, sizes_.receive_buffer);
  slot.to_send.Reset(memory + sizes_.receive_buffer, sizes_.send_buffer);
  slot.shard = this;
  slot.index = index;
  slot.shut = false;
  slot.handed_over = slot.pieces = 0;
  slot.offered = slot.shutdown_wanted = slot.given_up = false;
}

void PullShard::Stop() {
  for (uint32_t i = 0; i < capacity() && slots_[i].shard != nullptr; ++i) {
    if (!slots_[i].closed()) slots_[i].SetGone(CloseReason::kShutdown);
    slots_[i].changed.Notify(1);
  }
  End();
}

}  // namespace weir::runtime
