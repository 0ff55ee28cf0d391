// PullListener: what a weir::Listener and its streams refer to.
#pragma once

#include <memory>
#include <vector>

#include "runtime/event_count.h"
#include "runtime/pull_shard.h"
#include "weir/pull.h"

namespace weir::runtime {

// Shared by the server, its workers, every Listener and every Stream; goes with the last of them.
//
// Thread: any, but Stop.
class PullListener {
 public:
  PullListener(const PullSizes& sizes, unsigned workers);
  PullListener(const PullListener&) = delete;
  PullListener& operator=(const PullListener&) = delete;

  static Listener HandleOf(std::shared_ptr<PullListener> listener) {
    return Listener(std::move(listener));
  }

  PullShard& shard(unsigned worker) { return *shards_[worker]; }
  // The next connection of any worker; null when there is none. Passes over what has ended.
  PullSlot* Take();
  // No worker will offer any more.
  bool ended() const;
  EventCount& arrivals() { return arrivals_; }
  // Nobody serves the streams any more. By the main thread, when no worker runs; may come again.
  void Stop();

 private:
  EventCount arrivals_;
  std::vector<std::unique_ptr<PullShard>> shards_;  // by worker
};

}  // namespace weir::runtime
