// ServerImpl::Run: launch, serve, drain, stop.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <thread>

#include "port/eal.h"
#include "port/tsc.h"
#include "runtime/log_line.h"
#include "runtime/server.h"

namespace weir::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPollMs = 5;
// Duplicate address detection takes a second and a bit (RFC 4862 5.4).
constexpr milliseconds kReadyWait(5000);
constexpr milliseconds kAnswerWait(1000);
constexpr milliseconds kAbortWait(1000);
constexpr milliseconds kStopWait(2000);

int RunWorker(void* worker) {
  static_cast<Worker*>(worker)->Run(port::TscHz());
  return 0;
}

}  // namespace

absl::Status ServerImpl::Run() {
  if (run_called_) return absl::FailedPreconditionError("Run was called before");
  run_called_ = true;
  started_ = steady_clock::now();
  absl::Status status = Launch();
  if (status.ok()) status = WaitUntilReady();
  if (status.ok() && config_.memory.lock) status = LockMemory();
  bool drained = true;
  if (status.ok()) {
    AnnounceReady();
    Serve();
    drained = Drain();
  }
  StopWorkers();
  if (config_.counters.print_on_exit) PrintCounters();
  if (status.ok() && !drained) return absl::CancelledError("told to stop twice: did not drain");
  return status;
}

absl::Status ServerImpl::Launch() {
  running_ = true;
  for (unsigned i = 0; i < workers_.size(); ++i) {
    if (!port::LaunchWorker(i, RunWorker, workers_[i].get())) {
      return absl::InternalError("worker " + std::to_string(i) + " could not be started");
    }
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::WaitUntilReady() {
  const Deadline deadline = steady_clock::now() + kReadyWait;
  for (;;) {
    bool ready = true;
    for (const std::unique_ptr<Worker>& worker : workers_) {
      if (worker->state() == Worker::State::kFailed) {
        return absl::InternalError(worker->failure());
      }
      if (worker->state() == Worker::State::kStarting || !worker->addresses_settled()) {
        ready = false;
      }
    }
    if (ready || steady_clock::now() > deadline) return absl::OkStatus();
    std::this_thread::sleep_for(milliseconds(kPollMs));
  }
}

// Only now has every worker what it will ever need.
absl::Status ServerImpl::LockMemory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return absl::OkStatus();
  return MemoryLockError(errno);
}

absl::Status ServerImpl::MemoryLockError(int error) {
  return absl::ErrnoToStatus(error, "memory.lock = true: mlockall; see RLIMIT_MEMLOCK");
}

void ServerImpl::AnnounceReady() {
  std::string duplicates;
  const auto look = [&duplicates](Worker& worker) {
    for (const ip::LocalAddress& local : worker.stack().ip().locals()) {
      if (local.state == ip::AddressState::kDuplicate) duplicates += " " + local.address.ToString();
    }
  };
  OnWorker(*workers_[0], look);
  if (!duplicates.empty()) LogLine("not used, because another host has them:" + duplicates);
  std::string line = "ready: ports";
  for (const PortConfig& port : config_.ports) line += " " + port.name;
  line += ", " + std::to_string(worker_count()) + " workers, addresses";
  for (const PortConfig& port : config_.ports) {
    for (const InterfaceAddress& address : port.addresses) line += " " + address.ToString();
  }
  LogLine(line);
}

void ServerImpl::Serve() {
  for (;;) {
    const std::optional<ControlEvent> event = events_.Wait(-1);
    if (event == ControlEvent::kReport) PrintCounters();
    if (event == ControlEvent::kStop) return;
  }
}

bool ServerImpl::Drain() {
  OnEveryWorker([](Worker& worker) { worker.Drain(); });
  const uint64_t at_first = LiveConnections();
  LogLine("draining " + std::to_string(at_first) + " connections");
  const Deadline deadline = steady_clock::now() + milliseconds(config_.drain.timeout_ms);
  while (LiveConnections() > 0) {
    if (steady_clock::now() >= deadline) {
      AbortConnections();
      return true;
    }
    const std::optional<ControlEvent> event = events_.Wait(kPollMs);
    if (event == ControlEvent::kReport) PrintCounters();
    if (event == ControlEvent::kStop) return false;
  }
  LogLine("drained");
  return true;
}

void ServerImpl::AbortConnections() {
  LogLine("the drain took too long: resetting " + std::to_string(LiveConnections()) +
          " connections");
  OnEveryWorker([](Worker& worker) { worker.stack().AbortAll(); });
  const Deadline deadline = steady_clock::now() + kAbortWait;
  while (LiveConnections() > 0 && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
}

void ServerImpl::StopWorkers() {
  if (!running_) return;
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Stop();
  const Deadline deadline = steady_clock::now() + kStopWait;
  for (unsigned i = 0; i < workers_.size(); ++i) {
    while (!port::WorkerFinished(i)) {
      if (steady_clock::now() > deadline) {
        LogLine("worker " + std::to_string(i) + " is stuck in a handler: leaving without it");
        _exit(1);
      }
      std::this_thread::sleep_for(milliseconds(1));
    }
    port::JoinWorker(i);
    (void)workers_[i]->state();  // what the worker wrote is ours from here on
  }
  running_ = false;
  StopPullListeners();
}

// Whoever still waits for a worker learns that there is none.
void ServerImpl::StopPullListeners() {
  for (const std::shared_ptr<PullListener>& listener : pull_listeners_) listener->Stop();
}

bool ServerImpl::OnWorker(Worker& worker, const std::function<void(Worker&)>& call) {
  // Shared, because a late worker may answer when nobody waits any more.
  struct Answer {
    std::function<void(Worker&)> call;
    std::atomic<int> state = 0;  // 1: under way, 2: done, 3: given up
  };
  auto answer = std::make_shared<Answer>();
  answer->call = call;
  const bool posted = worker.Post([answer, &worker] {
    int waiting = 0;
    if (!answer->state.compare_exchange_strong(waiting, 1)) return;
    answer->call(worker);
    answer->state.store(2);
  });
  if (!posted) return false;
  const Deadline deadline = steady_clock::now() + kAnswerWait;
  while (answer->state.load() != 2) {
    int waiting = 0;
    // A call under way may use what the caller owns: it is waited for.
    if (steady_clock::now() > deadline && answer->state.compare_exchange_strong(waiting, 3)) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

bool ServerImpl::OnEveryWorker(const std::function<void(Worker&)>& call) {
  bool all = true;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (!OnWorker(*worker, call)) {
      LogLine("a worker does not answer: is a handler blocking?");
      all = false;
    }
  }
  return all;
}

uint64_t ServerImpl::LiveConnections() const {
  uint64_t live = 0;
  for (const std::unique_ptr<Worker>& worker : workers_) live += worker->live();
  return live;
}

void ServerImpl::PrintCounters() {
  std::vector<Counters> counters;
  std::vector<ListenerLine> listeners;
  const auto read = [&](Worker& w) {
    counters.back() = w.counters();
    tcp::Engine& tcp = w.stack().tcp();
    tcp.ForEachListener([&](const tcp::Listener& l) {
      const std::string port = ":" + std::to_string(l.parameters.port);
      const std::string address =
          l.parameters.local ? tcp.config().addresses[*l.parameters.local].address.ToString() : "*";
      listeners.push_back({w.stack().worker_index(), address + port, l.open, l.policy.state(),
                           tcp.usage().shedding, l.half_open, l.unaccepted, l.connections,
                           l.counts});
    });
  };
  for (const std::unique_ptr<Worker>& worker : workers_) {
    counters.emplace_back();
    if (!running_) {
      read(*worker);
    } else {
      OnWorker(*worker, read);
    }
  }
  const auto uptime =
      std::chrono::duration_cast<std::chrono::duration<double>>(steady_clock::now() - started_);
  const std::string report = ReportTime(std::time(nullptr), uptime.count()) +
                             CountersReport(counters) + ListenersReport(listeners);
  std::fwrite(report.data(), 1, report.size(), stderr);
}

}  // namespace weir::runtime
