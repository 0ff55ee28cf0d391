// The whole turn without I/O: echo, pure ACK, open + echo + close, SYN to SYN-ACK.
#include <numeric>
#include <vector>

#include "base/prng.h"
#include "micro/peer.h"
#include "micro/row.h"

namespace weir::bench {
namespace {

constexpr uint32_t kBurst = 32;

// Draws `kBurst` different connections, spread over all of them.
class Draw {
 public:
  explicit Draw(uint32_t connections) : connections_(connections), order_(kBurst) {}
  const std::vector<uint32_t>& Next() {
    const uint32_t stride = std::max(1u, connections_ / kBurst);
    for (uint32_t k = 0; k < kBurst; ++k) {
      order_[k] = (k * stride + static_cast<uint32_t>(prng_.Below(stride))) % connections_;
    }
    return order_;
  }
  const std::vector<uint32_t>& last() const { return order_; }

 private:
  uint32_t connections_;
  Prng prng_{42};
  std::vector<uint32_t> order_;
};

PeerOptions OptionsOf(const benchmark::State& state) {
  PeerOptions options;
  options.connections = static_cast<uint32_t>(state.range(0));
  options.device_checksums = state.range(1) != 0;
  return options;
}

// Each turn: 32 requests on 32 connections, 32 echoes, each with the ACK on it.
void BM_Echo(benchmark::State& state) {
  EchoBed bed(OptionsOf(state));
  bed.Open(0, bed.options().connections);
  const bool many = bed.options().connections >= 1000000;
  Row row(state, many ? Goal{44, 320} : Goal{25, 250});
  Draw draw(bed.options().connections);
  std::vector<Packet> burst;
  const uint64_t before = bed.frames_sent();
  uint64_t requests = 0;
  for (auto _ : state) {
    burst.clear();
    for (const uint32_t i : draw.Next()) burst.push_back(bed.Text(i));
    row.Add(bed.Turn(burst), kBurst);
    requests += kBurst;
    // A connection that is not drawn again soon must not keep its text in flight for ever.
    burst.clear();
    for (const uint32_t i : draw.last()) burst.push_back(bed.Ack(i));
    bed.Turn(burst);
  }
  if (bed.frames_sent() - before < requests) state.SkipWithError("an echo is missing");
}
BENCHMARK(BM_Echo)->UseManualTime()->Args({32, 1})->Args({1000, 1})->Args({1000, 0})->Args({1000000,
                                                                                            1});

// Each turn: 32 ACKs that acknowledge 32 echoes.
void BM_PureAck(benchmark::State& state) {
  EchoBed bed(OptionsOf(state));
  bed.Open(0, bed.options().connections);
  const bool many = bed.options().connections >= 1000000;
  Row row(state, many ? Goal{45, 180} : Goal{30, 120});
  Draw draw(bed.options().connections);
  std::vector<Packet> burst;
  for (auto _ : state) {
    const std::vector<uint32_t> order = draw.Next();
    burst.clear();
    for (const uint32_t i : order) burst.push_back(bed.Text(i));
    bed.Turn(burst);
    burst.clear();
    for (const uint32_t i : order) burst.push_back(bed.Ack(i));
    row.Add(bed.Turn(burst), kBurst);
  }
}
BENCHMARK(BM_PureAck)->UseManualTime()->Args({1000, 1})->Args({1000000, 1});

// 32 connections a round, whole lives: SYN, ACK with request, FIN, last ACK. Cycles per connection.
void BM_OpenEchoClose(benchmark::State& state) {
  PeerOptions options = OptionsOf(state);
  const uint32_t live = options.connections;
  options.connections += 4096;  // tuples that come and go
  EchoBed bed(options);
  bed.Open(0, live);
  const bool many = live >= 1000000;
  Row row(state, many ? Goal{480, 1800} : Goal{280, 1200});
  std::vector<Packet> burst;
  uint32_t next = 0;
  const auto turn = [&](auto make) {
    burst.clear();
    for (uint32_t k = 0; k < kBurst; ++k) burst.push_back((bed.*make)(live + (next + k) % 4096));
    return bed.Turn(burst);
  };
  for (auto _ : state) {
    uint64_t cycles = turn(&EchoBed::Syn);
    cycles += turn(&EchoBed::Text);  // carries the handshake's ACK
    cycles += turn(&EchoBed::Fin);
    cycles += turn(&EchoBed::Ack);
    row.Add(cycles, kBurst);
    next += kBurst;
  }
  if (bed.usage().connections > live + kBurst) state.SkipWithError("connections are left over");
}
BENCHMARK(BM_OpenEchoClose)->UseManualTime()->Args({1000, 1})->Args({1000000, 1});

// SYN to SYN-ACK, each remembered in the SYN cache; RST takes them back outside the measurement.
void BM_SynToSynAck(benchmark::State& state) {
  PeerOptions options = OptionsOf(state);
  EchoBed bed(options);
  Row row(state, options.device_checksums ? Goal{30, 150} : Goal{52, 180});
  std::vector<Packet> burst;
  uint32_t next = 0;
  for (auto _ : state) {
    burst.clear();
    for (uint32_t k = 0; k < kBurst; ++k) {
      burst.push_back(bed.Syn((next + k) % options.connections));
    }
    row.Add(bed.Turn(burst), kBurst);
    burst.clear();
    for (uint32_t k = 0; k < kBurst; ++k) {
      burst.push_back(bed.Reset((next + k) % options.connections));
    }
    bed.Turn(burst);
    next += kBurst;
  }
}
BENCHMARK(BM_SynToSynAck)->UseManualTime()->Args({4096, 1})->Args({4096, 0});

// SYN to SYN-ACK by cookie, nothing remembered: the answer to a flood.
void BM_SynToCookie(benchmark::State& state) {
  PeerOptions options = OptionsOf(state);
  options.syn_cookies = SynCookies::kAlways;
  options.timestamps = state.range(2) != 0;
  EchoBed bed(options);
  Row row(state, options.device_checksums ? Goal{30, 150} : Goal{52, 180});
  std::vector<Packet> burst;
  uint32_t next = 0;
  const uint64_t before = bed.frames_sent();
  uint64_t syns = 0;
  for (auto _ : state) {
    burst.clear();
    for (uint32_t k = 0; k < kBurst; ++k) {
      burst.push_back(bed.Syn((next + k) % options.connections));
    }
    row.Add(bed.Turn(burst), kBurst);
    next += kBurst;
    syns += kBurst;
  }
  if (bed.frames_sent() - before != syns) state.SkipWithError("an answer is missing");
  if (bed.usage().connections != 0) state.SkipWithError("something is remembered");
}
BENCHMARK(BM_SynToCookie)
    ->UseManualTime()
    ->Args({4096, 1, 0})
    ->Args({4096, 1, 1})
    ->Args({4096, 0, 0})
    ->Args({4096, 0, 1});

}  // namespace
}  // namespace weir::bench

BENCHMARK_MAIN();
