// Accepting connections inline and in pull mode: whole lives of nothing but handshake, accept and
// abort.
#include <sched.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "micro/peer.h"
#include "micro/row.h"
#include "runtime/pull_handler.h"
#include "runtime/pull_listener.h"

namespace weir::bench {
namespace {

constexpr uint32_t kBurst = 32;
constexpr uint32_t kTuples = 8192;
// Connections that may wait for the application's threads before the peer holds back.
constexpr uint32_t kAhead = 512;

class AbortingHandler : public Handler {
 public:
  void OnOpen(Connection c) override {
    ++accepted;
    c.Abort();
  }
  void OnData(Connection, Bytes) override {}
  uint64_t accepted = 0;
};

// The worker, which is the benchmark's thread, on one processor; all others on the rest.
void KeepTo(bool worker) {
  cpu_set_t all, mine;
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) return;
  CPU_ZERO(&mine);
  bool first = true;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    if (worker == first) CPU_SET(cpu, &mine);
    first = false;
  }
  (void)sched_setaffinity(0, sizeof mine, &mine);
}

// A listener and who accepts from it: a handler, or so many threads.
class AcceptBed {
 public:
  explicit AcceptBed(unsigned threads) {
    PeerOptions options;
    options.connections = kTuples;
    if (threads == 0) {
      options.handler = &inline_;
    } else {
      shared_ = std::make_shared<runtime::PullListener>(
          runtime::PullSizes{
              .backlog = 1024, .max_streams = 1024, .send_buffer = 2048, .receive_buffer = 2048},
          1);
      pull_ = std::make_unique<runtime::PullHandler>(shared_, 0, counters_);
      options.handler = pull_.get();
      options.pull = true;
    }
    bed_ = std::make_unique<EchoBed>(options);
    if (pull_ != nullptr) pull_->SetListener(bed_->engine(), bed_->listener());
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { Accept(); });
  }
  ~AcceptBed() {
    if (shared_ != nullptr) shared_->Stop();
    for (std::thread& thread : threads_) thread.join();
  }
  AcceptBed(const AcceptBed&) = delete;
  AcceptBed& operator=(const AcceptBed&) = delete;

  // Handshakes of a burst of connections; returns the worker's cycles for them, and for what the
  // application did meanwhile.
  uint64_t Open() {
    uint64_t cycles = Turn(&EchoBed::Syn);
    cycles += Turn(&EchoBed::Ack);
    next_ = (next_ + kBurst) % kTuples;
    return cycles + CatchUp(kAhead);
  }
  // Turns without frames until no more than `ahead` connections are still open.
  uint64_t CatchUp(uint32_t ahead) {
    uint64_t cycles = 0;
    while (bed_->usage().connections > ahead) cycles += Turn(nullptr);
    return cycles;
  }

 private:
  uint64_t Turn(Packet (EchoBed::*make)(uint32_t)) {
    burst_.clear();
    for (uint32_t k = 0; k < kBurst && make != nullptr; ++k) {
      burst_.push_back((*bed_.*make)(next_ + k));
    }
    const uint64_t began = Cycles();
    const size_t commands = pull_ != nullptr ? pull_->RunCommands() : 0;
    const uint64_t ran = Cycles() - began;
    const bool idle = burst_.empty() && commands == 0;
    const uint64_t turned = bed_->Turn(burst_);
    return idle ? 0 : ran + turned;
  }
  void Accept() {
    KeepTo(false);
    const Listener listener = runtime::PullListener::HandleOf(shared_);
    for (;;) {
      absl::StatusOr<Stream> stream = listener.Accept(kNoTimeout);
      if (!stream.ok()) return;
      stream->Abort();
    }
  }

  AbortingHandler inline_;
  Counters counters_;
  std::shared_ptr<runtime::PullListener> shared_;
  std::unique_ptr<runtime::PullHandler> pull_;
  std::unique_ptr<EchoBed> bed_;
  std::vector<std::thread> threads_;
  std::vector<Packet> burst_;
  uint32_t next_ = 0;
};

// Of the worker alone, beside what the same costs inline in the same iteration.
void BM_AcceptWorker(benchmark::State& state) {
  KeepTo(true);
  AcceptBed inlined(0), pulled(static_cast<unsigned>(state.range(0)));
  Row row(state, {});
  for (auto _ : state) {
    row.AddFloor(inlined.Open(), kBurst);
    row.Add(pulled.Open(), kBurst);
  }
  (void)pulled.CatchUp(0);
}
BENCHMARK(BM_AcceptWorker)->UseManualTime()->Arg(1)->Arg(8);

// From the first SYN to the last accept, the peer included: items_per_second is connections
// accepted a second. 0 threads is inline.
void BM_AcceptRate(benchmark::State& state) {
  constexpr uint32_t kBursts = 64;
  KeepTo(true);
  AcceptBed bed(static_cast<unsigned>(state.range(0)));
  Row row(state, {});
  for (auto _ : state) {
    const uint64_t began = Cycles();
    for (uint32_t i = 0; i < kBursts; ++i) (void)bed.Open();
    (void)bed.CatchUp(0);
    row.Add(Cycles() - began, kBursts * kBurst);
  }
}
BENCHMARK(BM_AcceptRate)->UseManualTime()->Arg(0)->Arg(1)->Arg(8);

}  // namespace
}  // namespace weir::bench

BENCHMARK_MAIN();
