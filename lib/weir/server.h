// Server: one process of weir - ports, workers, listeners.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weir/handler.h"
#include "weir/listener.h"
#include "weir/pull.h"
#include "weir/worker.h"

namespace weir {

// Built by Main from the configuration. Listen, Connect and AddHandler before Run; Run returns when
// the process was told to stop and every connection has finished or the drain timeout has passed.
// It lives until Main returns: a handler may keep a reference, to call Stop when its work is done.
//
// Thread: the main thread, except Stop, which any thread and any signal handler may call.
class Server {
 public:
  virtual ~Server() = default;

  // Accepts connections on a port, on every worker, with one handler per worker.
  // InvalidArgument: port 0, an address that is not the server's, an option out of range.
  // AlreadyExists: the port (on that address) is taken. FailedPrecondition: Run has begun.
  virtual absl::Status Listen(const ListenOptions& options, HandlerFactory factory) = 0;

  // The same without a handler: threads of the application's own take the connections from what it
  // returns (pull mode). `deliver_when_full` has no meaning there. Memory for `pull` is reserved.
  // As Listen; InvalidArgument and ResourceExhausted also where `pull` is out of range, or more
  // than the machine has.
  virtual absl::StatusOr<Listener> ListenPull(const ListenOptions& options,
                                              const PullOptions& pull) = 0;

  // Opens one connection, on one of the workers (they take turns), with a handler of its own; see
  // Worker::Connect, which a handler opens more with. When it cannot even be begun - no route, no
  // free port - Run fails.
  // InvalidArgument: as Worker::Connect, but for what depends on the worker. FailedPrecondition:
  // Run has begun.
  virtual absl::Status Connect(const ConnectOptions& options, HandlerFactory factory) = 0;

  // A handler on every worker without a listener: for clients, which begin in OnStart.
  // FailedPrecondition: Run has begun.
  virtual absl::Status AddHandler(HandlerFactory factory) = 0;

  // Starts the workers and returns after the drain that SIGTERM, SIGINT or Stop begins.
  virtual absl::Status Run() = 0;

  // Begins the drain; a second call ends it at once.
  virtual void Stop() = 0;

  // How many workers there are, each with one handler per listener and AddHandler.
  virtual unsigned worker_count() const = 0;
};

// What a program sets up between the reading of the configuration and Run.
using Setup = std::function<absl::Status(Server&)>;

// The whole of main(): reads flags and configuration, opens the ports, calls `setup`, runs, and
// returns the exit status: 0 after a drain, 1 when something failed (`setup` too), 2 when the
// command line or the configuration was refused (before any port was touched). `setup` does not
// call Run. argv[1] up to a null pointer is then what followed a lone "--"; the caller's argc does
// not change.
int Main(int argc, char** argv, const Setup& setup);

}  // namespace weir
