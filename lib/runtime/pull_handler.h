// PullHandler: the worker's side of a pull listener.
#pragma once

#include <cstdint>
#include <memory>

#include "base/counters.h"
#include "runtime/pull_listener.h"
#include "tcp/engine.h"
#include "weir/handler.h"

namespace weir::runtime {

// Carries connections and their text over to the threads of the application, and what those want
// back. It keeps no text but in the buffers of the slots: what does not fit stays in TCP's queues.
//
// Thread: its worker; the constructor and the destructor the main thread as well.
class PullHandler : public Handler {
 public:
  PullHandler(std::shared_ptr<PullListener> listener, unsigned worker, Counters& counters);
  // Whose connections it is called back for, before the first of them: engine and its number of the
  // listener, which counts who waits (ListenParameters::pull).
  void SetListener(tcp::Engine& engine, uint16_t number) {
    engine_ = &engine;
    number_ = number;
  }

  // Once a turn, before the stack's: does what the application asked for, and offers what waits.
  // Returns how many slots had commands. What it leaves undone, when there is much, the next call
  // does.
  size_t RunCommands();
  // Nothing new is accepted: Accept may say so once everybody that waits has been given out.
  void Drain() { draining_ = true; }

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;

 private:
  static constexpr uint32_t kNone = 0xffffffffu;
  static constexpr size_t kBurst = 64;
  static constexpr size_t kBurstsPerTurn = 8;

  // First come, first served; linked through PullSlot::next.
  struct List {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };

  // Null when the application has given the connection up.
  PullSlot* SlotOf(Connection c);
  PullSlot* Allocate();
  void FreeIfDone(PullSlot& slot);

  void Run(PullSlot& slot);
  void OfferWaiting();
  void LeaveQueue();
  void SendText(PullSlot& slot);
  void TakeBack(PullSlot& slot, bool abort);
  void FinishClose(PullSlot& slot);
  void Abort(PullSlot& slot);
  static void Released(void* slot);

  std::shared_ptr<PullListener> listener_;
  PullShard& shard_;
  Counters& counters_;
  tcp::Engine* engine_ = nullptr;
  uint16_t number_ = 0;
  uint32_t free_ = kNone;    // first of those that were used before, the latest first
  uint32_t fresh_ = 0;       // slots from here on have never been used
  List waiting_;             // not offered yet
  uint32_t unaccepted_ = 0;  // slots that wait, offered or not
  uint32_t offered_ = 0;     // slots offered or held, until they are free again
  bool draining_ = false;
};

}  // namespace weir::runtime
