// Worker: the worker that a handler runs on, for what no accepted connection begins: opening
// connections, and time.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "weir/address.h"
#include "weir/connection.h"
#include "weir/connection_options.h"

namespace weir {

namespace stack {
class Stack;
}
class Handler;

// What to open (RFC 9293 3.9.1, OPEN; active).
struct ConnectOptions {
  Endpoint remote;  // one host's address, and a port from 1 on
  // One of the server's addresses; empty = chosen by route, scope and longest prefix (MUST-44, 45).
  std::optional<IpAddress> source = {};
  // 0 = one that is hard to guess (RFC 6056), that no listener has, and that brings the answers to
  // this very worker. Leave it at 0 where there are several workers.
  uint16_t source_port = 0;
  // TCP Fast Open (RFC 7413): what Send takes right after Connect, before this turn ends, goes with
  // the SYN if the server has given us a cookie before; if not, it is asked for one. At most a
  // segment, and only what the server may well receive twice. Where a fast open has failed, the
  // server gets none for some time. SendOwned may be used as well; text of a corked connection
  // waits.
  bool fast_open = false;
  ConnectionOptions connection = {};
};

// A value of one pointer: copy it, keep it for as long as callbacks come; when handlers are
// destroyed there is no worker any more. A default-constructed one names none: Connect fails,
// SetTimer does nothing.
//
// Thread: that worker's own, which is where handlers run.
class Worker {
 public:
  Worker() = default;
  explicit Worker(stack::Stack* stack) : stack_(stack) {}

  // 0..Server::worker_count() - 1.
  unsigned index() const;
  // Time of this turn in microseconds since some moment before the start; never goes back.
  int64_t now_us() const;
  // True once the server was told to stop: begin nothing new, or the drain will not end before its
  // timeout. After that Connect is refused.
  bool draining() const;

  // Opens a connection; `handler` - which outlives the worker, as those made by a HandlerFactory do
  // - hears OnOpen, or OnClosed alone when that fails: kRefused, kTimedOut, kUnreachable. The
  // handle is good at once: for set_user, SetTimer, Send (the text follows the handshake, or goes
  // with its first segment: ConnectOptions::fast_open), Abort.
  //
  // InvalidArgument: remote is a group, a broadcast or the unspecified address, or our own, or its
  // port is 0 (MUST-46); source is not ours, or of another family; an option is out of range; the
  // answers to source_port would arrive on another worker.
  // Unavailable: no route, or no address to speak from (yet: they are being checked at the start).
  // ResourceExhausted: no control block or no port is free. Ports are looked through a part at a
  // time; another call looks on.
  // AlreadyExists: the very connection - both addresses, both ports - exists, TIME-WAIT included.
  // FailedPrecondition: the server has stopped.
  // Only InvalidArgument carries a text, so that the others cost no allocation.
  absl::StatusOr<Connection> Connect(const ConnectOptions& options, Handler& handler);

  // Calls handler.OnWorkerTimer once, `milliseconds` from now (1..2^31-1); each handler has one
  // such timer: a new call replaces the old one, 0 cancels.
  void SetTimer(Handler& handler, uint32_t milliseconds);

  friend bool operator==(const Worker&, const Worker&) = default;

 private:
  stack::Stack* stack_ = nullptr;
};

}  // namespace weir
