// OnStart and the timers of handlers.
#include "stack/handlers.h"

#include <algorithm>

namespace weir::stack {

void Handlers::SetTimer(Handler& handler, Time at) {
  for (Entry& entry : entries_) {
    if (entry.handler != &handler) continue;
    entry.at = at;
    next_ = std::min(next_, at);  // one that moved later is found out when it is looked for
    return;
  }
  entries_.push_back({&handler, at, true});  // not made by a factory
  next_ = std::min(next_, at);
}

// By index: a callback may add to the list.
void Handlers::Run(Worker worker, Time now) {
  if (now < next_) return;
  for (size_t i = 0; i < entries_.size(); ++i) {
    Handler& handler = *entries_[i].handler;
    if (!entries_[i].started) {
      entries_[i].started = true;
      handler.OnStart(worker);
    }
    if (entries_[i].at <= now) {
      entries_[i].at = kNever;
      handler.OnWorkerTimer(worker);
    }
  }
  FindNext();
}

void Handlers::FindNext() {
  next_ = kNever;
  for (const Entry& entry : entries_) {
    next_ = std::min(next_, entry.started ? entry.at : Time{INT64_MIN});
  }
}

}  // namespace weir::stack
