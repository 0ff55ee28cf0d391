// ServerImpl: the process behind weir/server.h.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config.h"
#include "runtime/control_events.h"
#include "runtime/counters_report.h"
#include "runtime/entropy.h"
#include "runtime/pull_listener.h"
#include "runtime/worker.h"
#include "weir/server.h"

namespace weir::runtime {

// Open, then Listen, Connect and AddHandler, then Run, then Close; one per process, because there
// is one EAL.
//
// Thread: the main one, but Stop.
class ServerImpl : public Server {
 public:
  explicit ServerImpl(Config config);
  ~ServerImpl() override;

  // Starts the EAL and opens the ports; makes the workers, which do not run yet.
  absl::Status Open();

  absl::Status Listen(const ListenOptions& options, HandlerFactory factory) override;
  absl::StatusOr<Listener> ListenPull(const ListenOptions& options,
                                      const PullOptions& pull) override;
  absl::Status Connect(const ConnectOptions& options, HandlerFactory factory) override;
  absl::Status AddHandler(HandlerFactory factory) override;
  absl::Status Run() override;
  void Stop() override { events_.RequestStop(); }
  unsigned worker_count() const override { return config_.workers.count; }

  // Closes the ports, then frees everything, and reports what did not come back.
  void Close();

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  absl::Status TakeSharedSecret();
  absl::Status CheckMemoryLock() const;
  absl::Status StartEal();
  absl::Status OpenPorts();
  absl::Status CheckSteering() const;
  absl::Status CheckSynQueues() const;
  absl::Status MakeWorkers();
  absl::Status CheckListen(const ListenOptions& options) const;
  absl::Status CheckBefore(const char* call) const;
  absl::Status CheckBefore(const char* call, const HandlerFactory& factory) const;
  bool IsOurs(const IpAddress& address) const;

  absl::Status Launch();
  absl::Status WaitUntilReady();
  absl::Status LockMemory();
  static absl::Status MemoryLockError(int error);
  void AnnounceReady();
  void Serve();
  bool Drain();  // false when a second request to stop came
  void AbortConnections();
  void StopWorkers();
  void StopPullListeners();

  // Run `call` on a worker's thread and wait for it; false when a worker did not answer in time.
  bool OnWorker(Worker& worker, const std::function<void(Worker&)>& call);
  bool OnEveryWorker(const std::function<void(Worker&)>& call);
  uint64_t LiveConnections() const;
  void PrintCounters();

  Config config_;
  ControlEvents events_;
  Secrets secrets_{};
  // Destroyed in reverse: workers before what they point at.
  std::vector<std::unique_ptr<PacketPool>> pools_;  // by worker
  std::vector<std::unique_ptr<port::Device>> devices_;
  std::unique_ptr<FlowSteering> steering_;
  std::vector<std::unique_ptr<port::PacketRing>> rings_;  // by worker
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<ListenOptions> listening_;
  std::vector<std::shared_ptr<PullListener>> pull_listeners_;
  size_t connects_ = 0;                            // that were asked for
  std::chrono::steady_clock::time_point started_;  // by Run
  bool eal_started_ = false;
  bool run_called_ = false;
  bool running_ = false;
};

}  // namespace weir::runtime
