// Stream: one connection in the hands of a thread of the application's own (pull mode).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "weir/address.h"
#include "weir/connection.h"

namespace weir {

namespace runtime {
class PullListener;
struct PullSlot;
}  // namespace runtime

// How long a call of pull mode may wait. 0: it does not wait.
using Timeout = std::chrono::microseconds;
inline constexpr Timeout kNoTimeout = Timeout::max();  // until it happens

// What Listener::Accept gives. Whoever has it owns the connection: it can be moved, not copied, and
// its destructor closes.
//
// Thread: any, but one at a time; it may be handed on as any other object. The worker that owns the
// connection takes part through rings alone: no call here waits for a worker, no worker ever waits
// for the application. What is asked for is carried out at the worker's next turn - with
// idle = "sleep", after workers.sleep_us at the latest.
//
// Lifetime: also beyond the server, which ends it: closed() is kShutdown then, what had arrived can
// still be read, and what had not been sent is lost.
//
// Back-pressure: received text waits in a buffer of PullOptions::receive_buffer; when that is full
// the rest stays in TCP's own, whose window tells the peer. Text to send waits in one of
// PullOptions::send_buffer; when that is full Send takes less than it is given.
//
// A default-constructed Stream, one that was moved from and one that was closed name no connection:
// every call does nothing and returns false, 0 or FailedPrecondition.
class Stream {
 public:
  Stream() = default;
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;  // closes what it had
  ~Stream() { Close(); }

  explicit operator bool() const { return slot_ != nullptr; }

  // Copies as much of `text` into the buffer as there is room for and returns how much that was:
  // 0..text.size(). Less than all means: WaitWritable. Returns 0 after Shutdown and when the
  // connection is gone.
  [[nodiscard]] size_t Send(Bytes text);
  // True once half of the send buffer is free, or Send will never take anything again; false when
  // the time is over.
  [[nodiscard]] bool WaitWritable(Timeout timeout);

  // Waits for text and copies it, in order, to the front of `into`, which is not empty. Returns how
  // many octets that were: at least 1, or 0 once the peer has closed and everything was read.
  // DeadlineExceeded: nothing came in time. Aborted: the connection ended otherwise, and what came
  // before was read; closed() says why. InvalidArgument: `into` is empty. FailedPrecondition: there
  // is no connection.
  [[nodiscard]] absl::StatusOr<size_t> Receive(std::span<uint8_t> into, Timeout timeout);
  // True once Receive would not wait; false when the time is over.
  [[nodiscard]] bool WaitReadable(Timeout timeout);

  // The peer sent FIN; there may still be text to read. Sending still works.
  bool peer_closed() const;
  // Why the connection is gone; empty while it is not.
  std::optional<CloseReason> closed() const;

  // Half close: FIN after everything that Send took. Text may still arrive.
  void Shutdown();
  // Gives the connection up: what Send took is sent, then FIN. Text that was received and not read,
  // or that arrives then, is answered by RST (SHLD-3), and what was not sent is lost with it.
  void Close();
  // Gives the connection up and ends it at once with RST.
  void Abort();

  Endpoint remote() const;
  Endpoint local() const;

 private:
  friend class Listener;
  Stream(std::shared_ptr<runtime::PullListener> listener, runtime::PullSlot* slot)
      : listener_(std::move(listener)), slot_(slot) {}
  void GiveUp(uint32_t command);

  std::shared_ptr<runtime::PullListener> listener_;
  runtime::PullSlot* slot_ = nullptr;
};

}  // namespace weir
