// Pull mode: connections for threads of the application's own, in place of a Handler.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "weir/stream.h"

namespace weir {

// What Server::ListenPull reserves on each worker: ListenOptions::backlog + max_streams connections
// with both buffers, of which only pages that were used once take up memory.
struct PullOptions {
  uint32_t max_streams = 1024;  // connections accepted and not given up yet, 1..2^20
  // Octets of each connection, 2048..2^24, rounded up to powers of two.
  uint32_t send_buffer = 16384;
  uint32_t receive_buffer = 16384;
};

// What Server::ListenPull gives: the accept queues of one listener, one of each worker. A handle:
// copy it, keep it for as long as you like, also beyond the server.
//
//   void Serve(weir::Listener listener) {   // in as many threads as you like
//     for (;;) {
//       absl::StatusOr<weir::Stream> stream = listener.Accept(weir::kNoTimeout);
//       if (!stream.ok()) return;           // the server was told to stop
//       Answer(*std::move(stream));
//     }
//   }
//
// Start threads in `setup`, not before Main: there signals are blocked already, and so arrive where
// they belong. Join them after Main.
//
// Thread: any, any number at once.
class Listener {
 public:
  Listener() = default;

  // The connection that has waited longest on one of the workers; waits for one, before Run too.
  // One that was reset while it waited, and left no text, is passed over.
  // DeadlineExceeded: none came in time, or as many as max_streams are held on each worker.
  // Cancelled: the server was told to stop and nothing waits any more; connections that had been
  // established by then are still given out. FailedPrecondition: default-constructed.
  [[nodiscard]] absl::StatusOr<Stream> Accept(Timeout timeout) const;

 private:
  friend class runtime::PullListener;
  explicit Listener(std::shared_ptr<runtime::PullListener> listener)
      : listener_(std::move(listener)) {}

  std::shared_ptr<runtime::PullListener> listener_;
};

}  // namespace weir
