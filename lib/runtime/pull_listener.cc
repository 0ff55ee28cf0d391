// weir::Listener: Accept over the accept queues of all workers.
#include "runtime/pull_listener.h"

#include <algorithm>

namespace weir {
namespace runtime {

PullListener::PullListener(const PullSizes& sizes, unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) {
    shards_.push_back(std::make_unique<PullShard>(sizes, arrivals_));
  }
}

PullSlot* PullListener::Take() {
  // Each thread begins one further every time, so that no worker's connections wait for another's.
  static thread_local unsigned begin = 0;
  const auto count = static_cast<unsigned>(shards_.size());
  begin = (begin + 1) % count;
  for (unsigned i = 0; i < count; ++i) {
    PullShard& shard = *shards_[(begin + i) % count];
    while (PullSlot* slot = shard.Take()) {
      if (!slot->closed() || !slot->received.empty()) {
        shard.Command(*slot, kTaken);
        return slot;
      }
      shard.Command(*slot, kTaken | kCloseWanted);
    }
  }
  return nullptr;
}

bool PullListener::ended() const {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const std::unique_ptr<PullShard>& shard) { return shard->ended(); });
}

void PullListener::Stop() {
  for (const std::unique_ptr<PullShard>& shard : shards_) shard->Stop();
}

}  // namespace runtime

absl::StatusOr<Stream> Listener::Accept(Timeout timeout) const {
  if (listener_ == nullptr) return absl::FailedPreconditionError("not a listener");
  runtime::PullSlot* slot = nullptr;
  bool ended = false;
  // In this order: what was offered before the end is found.
  (void)listener_->arrivals().Await(timeout, [&] {
    ended = listener_->ended();
    slot = listener_->Take();
    return slot != nullptr || ended;
  });
  if (slot != nullptr) return Stream(listener_, slot);
  if (ended) return absl::CancelledError("the server was told to stop");
  return absl::DeadlineExceededError("");
}

}  // namespace weir
