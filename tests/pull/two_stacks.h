// TwoStacks: a server in pull mode and a client, two whole stacks back to back, turned by one
// thread of their own as a worker would, while the test's threads are the application.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/counters.h"
#include "packet/pool_heap.h"
#include "runtime/pull_handler.h"
#include "runtime/pull_listener.h"
#include "stack/stack.h"
#include "weir/weir.h"

namespace weir::pull_test {

// Longer than anything takes on a machine that does other things too; reached when something is
// broken.
inline constexpr Timeout kPatience = std::chrono::seconds(60);

inline constexpr uint16_t kPort = 7;

class TwoStacks {
 public:
  struct Options {
    runtime::PullSizes sizes = {};
    AcceptOverflow accept_overflow = AcceptOverflow::kDrop;
    ConnectionOptions connection = {};  // of the server's side
    Handler* client = nullptr;          // of the connections that Connect opens
    std::function<void(bool begins)> around_commands_and_turn = {};  // of the server
  };
  explicit TwoStacks(const Options& options);
  ~TwoStacks() { Stop(); }
  TwoStacks(const TwoStacks&) = delete;
  TwoStacks& operator=(const TwoStacks&) = delete;

  Listener listener() { return runtime::PullListener::HandleOf(shared_); }

  // Runs on the stacks' thread, between two turns; the caller waits for it.
  void Call(const std::function<void()>& call);
  // Only inside Call and in callbacks of the client. A dead handle when it could not be begun.
  Connection Connect(const ConnectionOptions& options = {});
  // What a server does that is told to stop; then what it does when it ends without a drain.
  void Drain();
  void AbortAll();
  void Stop();
  // Turns until nothing of the server is left but TIME-WAIT; false when that takes too long.
  bool WaitUntilEmpty();
  // So far.
  uint64_t turns() const { return turns_.load(); }
  // Read inside Call, or after Stop.
  const Counters& server_counters() const { return server_counters_; }
  tcp::Usage server_usage() { return server_->tcp().usage(); }

 private:
  using Clock = std::chrono::steady_clock;

  void Loop();
  size_t TurnServer(Time now);
  size_t TurnClient(Time now);
  static size_t Carry(std::span<Packet> sent, PacketPool& pool, std::vector<Packet>& to);
  Time Now() const;

  Options options_;
  Clock::time_point began_ = Clock::now();
  std::shared_ptr<runtime::PullListener> shared_;
  PacketPool server_pool_, client_pool_, wire_pool_;
  Counters server_counters_, client_counters_;
  std::unique_ptr<runtime::PullHandler> handler_;
  std::unique_ptr<stack::Stack> server_, client_;
  std::vector<Packet> to_server_, to_client_;

  std::mutex mutex_;
  std::function<void()> call_;  // guarded by mutex_
  std::atomic<bool> called_ = false;
  std::atomic<uint64_t> turns_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Polls; false when it did not become true in time.
template <class F>
bool Eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace weir::pull_test
