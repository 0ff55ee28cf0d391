// ControlEvents: signals and calls to Stop, as the main thread waits for them.
#pragma once

#include <optional>

namespace weir::runtime {

enum class ControlEvent { kStop, kReport };

// Thread: the constructor and Wait the main one; RequestStop any thread and any signal handler.
class ControlEvents {
 public:
  // Blocks SIGTERM, SIGINT and SIGUSR1 in the calling thread and in every thread it starts from now
  // on, so that they are only ever read here; and the real-time signals by which net_tap tells of
  // packets, so that they interrupt the sleep of a worker, which lets them in, and nobody else.
  ControlEvents();
  ~ControlEvents();
  ControlEvents(const ControlEvents&) = delete;
  ControlEvents& operator=(const ControlEvents&) = delete;

  // The next event, or nothing after `timeout_ms`.
  std::optional<ControlEvent> Wait(int timeout_ms);
  void RequestStop();

 private:
  int signals_ = -1;   // signalfd
  int requests_ = -1;  // eventfd, a semaphore
};

// Lets the real-time signals into the calling thread: for workers.
void LetWakeSignalsIn();

}  // namespace weir::runtime
