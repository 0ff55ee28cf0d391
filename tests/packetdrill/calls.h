// Calls: who may move the clock, and how a call waits in virtual time.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "packetdrill/epoll.h"
#include "packetdrill/sockets.h"
#include "packetdrill/virtual_wire.h"

namespace weir::packetdrill {

// packetdrill has two threads: the main one, which moves packets and time, and one for system calls
// that block, of which there is never more than one at a time. That one sleeps here while the main
// thread drives the stack; when its call can end it is woken, and the clock stands still until it
// has read the time at which its call ended: otherwise end times would be a matter of luck.
class Calls {
 public:
  // A call that has to wait says -EAGAIN, and is made again when something has happened.
  using Attempt = std::function<ssize_t()>;

  // On the main thread.
  explicit Calls(const Settings& settings)
      : main_(std::this_thread::get_id()), wire_(settings), sockets_(wire_), epolls_(sockets_) {}

  // Held by everything below, and by whoever uses sockets() or epolls() directly.
  std::unique_lock<std::mutex> Lock() { return std::unique_lock(mutex_); }
  Sockets& sockets() { return sockets_; }
  Epolls& epolls() { return epolls_; }

  // On the main thread, or with `may_block` false, one attempt; nobody could end the wait.
  // Otherwise until it says something else than -EAGAIN, or `timeout` has passed.
  ssize_t Run(std::unique_lock<std::mutex>& lock, bool may_block, const Attempt& attempt,
              std::optional<Duration> timeout = {});

  void Inject(std::unique_lock<std::mutex>& lock, std::span<const uint8_t> packet);
  // The next packet, waiting for it as long as a script may; nothing when none comes.
  std::optional<VirtualWire::Sent> NextSent(std::unique_lock<std::mutex>& lock);
  void Sleep(std::unique_lock<std::mutex>& lock, Duration duration);
  Time ReadClock(std::unique_lock<std::mutex>& lock);

 private:
  struct Waiting {
    const Attempt& attempt;
    std::optional<Time> until;
    std::optional<ssize_t> result;
  };

  void Step(std::unique_lock<std::mutex>& lock, Time end);
  void TryWaiting(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::thread::id main_;
  VirtualWire wire_;
  Sockets sockets_;
  Epolls epolls_;
  Waiting* waiting_ = nullptr;
  bool end_time_owed_ = false;  // the woken thread has not read the clock yet
  bool returning_ = false;      // it has, and is on its way to the tool's own records
};

}  // namespace weir::packetdrill
