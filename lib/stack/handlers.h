// Handlers: what is called back on a worker without a connection: OnStart and OnWorkerTimer.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "weir/handler.h"

namespace weir::stack {

// A worker has few handlers - one per listener and client - so they are looked through. Callbacks
// may call anything here.
class Handlers {
 public:
  static constexpr Time kNever{INT64_MAX};

  Handlers() { entries_.reserve(kUsual); }

  // OnStart is owed to it.
  void Add(Handler& handler) {
    entries_.push_back({&handler});
    next_ = Time{INT64_MIN};
  }
  // Calls OnWorkerTimer once the time has come; kNever cancels.
  void SetTimer(Handler& handler, Time at);
  // Calls who is due. What a callback sets to a later time than `now` waits for another call.
  void Run(Worker worker, Time now);
  // When somebody is due next; in the past when somebody is owed OnStart.
  Time next_deadline() const { return next_; }

 private:
  static constexpr size_t kUsual = 64;  // beyond it adding one allocates

  struct Entry {
    Handler* handler;
    Time at = kNever;
    bool started = false;
  };
  void FindNext();

  std::vector<Entry> entries_;
  Time next_ = kNever;
};

}  // namespace weir::stack
