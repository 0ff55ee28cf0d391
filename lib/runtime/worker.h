// Worker: one core with its queue pair on each port, its shard of the stack and its handlers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/counters.h"
#include "port/clock.h"
#include "port/device.h"
#include "runtime/handover.h"
#include "runtime/idle_policy.h"
#include "runtime/mailbox.h"
#include "runtime/pull_handler.h"
#include "stack/stack.h"
#include "weir/listener.h"
#include "weir/worker.h"

namespace weir::runtime {

struct WorkerOptions {
  unsigned index = 0;      // also the number of its queues
  uint32_t burst = 32;     // frames from one queue in one turn
  uint32_t syn_burst = 8;  // from a queue for SYNs, when the queue for everything else was full
  Idle idle = Idle::kPause;
  Duration sleep_max;
  bool trust_rss = true;         // where the device's RSS is verified
  Time origin;                   // where its clock begins, without a shared one
  uint32_t receive_ring = 1024;  // frames that the smallest receive ring holds
  // A clock that other servers go by as well: the worker's begins there and follows it. Null: none.
  Time (*shared_clock)() = nullptr;
};

// What one worker has to do with the others; nothing when it is alone.
struct Neighbourhood {
  const FlowSteering* steering = nullptr;
  std::vector<port::PacketRing*> rings;  // by worker
};

// A handler to make, and what it begins with: Server::Listen, ListenPull, Connect or AddHandler.
struct HandlerRequest {
  HandlerFactory factory;  // empty where there is a `pull`
  std::optional<ListenOptions> listen = {};
  std::optional<ConnectOptions> connect = {};
  std::shared_ptr<PullListener> pull = {};
};

// Thread: made and destroyed by the main thread while Run does not run; Run is the worker's thread;
// Post, Stop and the atomic accessors are for any thread.
class Worker {
 public:
  // The pool, the devices and the neighbourhood outlive the worker.
  Worker(const WorkerOptions& options, const stack::StackConfig& stack, PacketPool& pool,
         std::vector<port::Device*> devices, const Neighbourhood& neighbourhood,
         std::unique_ptr<Mailbox> mailbox);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void AddHandler(const HandlerRequest& request) {
    requests_.push_back(request);
    state_.store(State::kStarting, std::memory_order_release);
  }

  // Makes the handlers, turns until no address is checked any more, lets the handlers begin, then
  // turns until Stop. `cycles_per_second` is the TSC's.
  void Run(uint64_t cycles_per_second);
  void Stop() { stop_.store(true, std::memory_order_relaxed); }

  // Accepts nothing new from here on. On the worker's thread.
  void Drain();

  // Runs `call` on the worker's thread between two turns; false when its mailbox is full.
  [[nodiscard]] bool Post(Mailbox::Call call) { return mailbox_->Post(std::move(call)); }

  enum class State : uint8_t { kStarting, kRunning, kFailed, kStopped };
  State state() const { return state_.load(std::memory_order_acquire); }
  // Why, when kFailed.
  const std::string& failure() const { return failure_; }
  // Connections, TIME-WAIT aside; after the last turn.
  uint32_t live() const { return live_.load(std::memory_order_relaxed); }
  // No address is still being checked for duplicates.
  bool addresses_settled() const { return settled_.load(std::memory_order_relaxed); }

  // For calls posted to the worker, and for anybody when it does not run.
  stack::Stack& stack() { return *stack_; }
  const Counters& counters() const { return counters_; }

 private:
  absl::Status MakeHandlers();
  absl::Status Begin();
  absl::Status BeginOne(const HandlerRequest& request, Handler& handler);
  void Fail(const absl::Status& status);
  void Turn();
  size_t Receive();
  size_t ReceiveSyns(port::Device& device, bool others_wait, std::span<Packet> room);
  void NotePressure(bool full);
  size_t RunPullCommands();
  size_t Transmit(std::span<Packet> frames);
  size_t TransmitTo(port::Device& device, std::span<Packet> frames);
  void FollowSharedClock(Time now);
  void Rest(bool worked);
  void Publish();

  WorkerOptions options_;
  Counters counters_;
  std::vector<HandlerRequest> requests_;
  std::vector<std::unique_ptr<Handler>> handlers_;  // one for each; outlive the stack
  std::vector<PullHandler*> pull_handlers_;         // those of pull listeners among them
  std::unique_ptr<stack::Stack> stack_;
  std::vector<port::Device*> devices_;
  std::vector<port::Device*> device_of_port_;  // by port number
  std::optional<Handover> handover_;
  std::unique_ptr<Mailbox> mailbox_;
  IdlePolicy idle_;
  std::optional<port::Clock> clock_;
  std::vector<Packet> received_;
  std::vector<std::vector<Packet>> leaving_;  // by port number, where there are several
  uint64_t turn_began_ = 0;                   // cycles
  Duration slept_;                            // what the last turn meant to sleep
  Time follow_at_;                            // when to look at the shared clock again
  bool clocks_apart_ = false;                 // and has said so
  bool last_worked_ = false;
  uint32_t full_frames_ = 0;  // taken since a queue last gave less than a whole burst
  bool pressed_ = false;      // more than a receive ring holds: frames are being lost there
  std::atomic<bool> stop_ = false;
  // Also what orders the main thread's work before Run, and Run's before what follows: the EAL does
  // it, too, but out of sight of ThreadSanitizer.
  std::atomic<State> state_;
  std::atomic<uint32_t> live_ = 0;
  std::atomic<bool> settled_ = false;
  std::string failure_;
};

}  // namespace weir::runtime
