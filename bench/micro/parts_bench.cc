// The parts of a turn on their own: parsing, the keyed hash, the flow table, the timing wheel.
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/slab.h"
#include "base/timing_wheel.h"
#include "micro/row.h"
#include "tcp/flow_table.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/plain_tcp.h"

namespace weir::bench {
namespace {

constexpr uint32_t kBurst = 32;
constexpr SipKey kKey{0x1234567890abcdefu, 0xfedcba0987654321u};

// --- parsing ---

std::vector<uint8_t> DataFrame(uint16_t text_size) {
  wire::TcpHeader h;
  h.source_port = 40000;
  h.destination_port = 80;
  h.flags = wire::kTcpAck;
  h.options.present = wire::TcpOptions::kTimestamps;
  const uint16_t header = wire::TcpHeaderLength(h.options);
  const auto l4 = static_cast<uint16_t>(header + text_size);
  std::vector<uint8_t> frame(wire::kEthernetHeaderSize + wire::kIpv4HeaderSize + l4, 'x');
  wire::WriteEthernet(frame.data(), {{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, 0,
                      wire::kEtherTypeIpv4);
  wire::Ipv4Header ip;
  ip.source = IpAddress::V4(0xc6120001);
  ip.destination = IpAddress::V4(0xc6120002);
  ip.protocol = wire::kProtocolTcp;
  ip.payload_size = l4;
  wire::WriteIpv4(frame.data() + wire::kEthernetHeaderSize, ip);
  uint8_t* tcp = frame.data() + wire::kEthernetHeaderSize + wire::kIpv4HeaderSize;
  wire::WriteTcp(h, tcp);
  StoreBe16(tcp + 16, wire::TransportChecksum(ip.source, ip.destination, ip.protocol, {tcp, l4}));
  return frame;
}

void BM_ParseFrame(benchmark::State& state) {
  const std::vector<uint8_t> frame = DataFrame(static_cast<uint16_t>(state.range(0)));
  wire::FrameHints hints;
  hints.ip_checksum_good = hints.l4_checksum_good = state.range(1) != 0;
  Row row(state, {});
  wire::Frame parsed;
  for (auto _ : state) {
    const uint64_t began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) {
      wire::ParseFrame(frame, hints, parsed);
      benchmark::DoNotOptimize(parsed);
    }
    row.Add(Cycles() - began, kBurst);
  }
  if (parsed.kind != wire::FrameKind::kTcp) state.SkipWithError("not taken for TCP");
}
BENCHMARK(BM_ParseFrame)->UseManualTime()->Args({10, 1})->Args({10, 0})->Args({1448, 0});

// The same in the short way; the floor is the long one.
void BM_ReadPlainTcp(benchmark::State& state) {
  const std::vector<uint8_t> frame = DataFrame(static_cast<uint16_t>(state.range(0)));
  wire::FrameHints hints;
  hints.ip_checksum_good = hints.l4_checksum_good = state.range(1) != 0;
  Row row(state, {});
  wire::Frame parsed;
  bool plain = true;
  for (auto _ : state) {
    const uint64_t long_began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) {
      wire::ParseFrame(frame, hints, parsed);
      benchmark::DoNotOptimize(parsed);
    }
    row.AddFloor(Cycles() - long_began, kBurst);
    const uint64_t began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) {
      plain &= wire::ReadPlainTcp(frame, hints, parsed);
      benchmark::DoNotOptimize(parsed);
    }
    row.Add(Cycles() - began, kBurst);
  }
  if (!plain) state.SkipWithError("not the usual frame");
}
BENCHMARK(BM_ReadPlainTcp)->UseManualTime()->Args({10, 1})->Args({10, 0})->Args({1448, 0});

// --- flow table ---

// A table full of connections, and tuples that are in it or not.
struct Table {
  explicit Table(uint32_t count) : tcbs(count), table(count, kKey, {tcbs.items()}) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t index = tcbs.Allocate();
      const tcp::FlowKey key = KeyOf(i);
      tcbs[index].remote = key.remote;
      tcbs[index].remote_port = key.remote_port;
      tcbs[index].local_port = key.local_port;
      WEIR_CHECK(table.Insert(table.Hash(key), index));
    }
  }
  static tcp::FlowKey KeyOf(uint32_t i) {
    return {IpAddress::V4(0xc6120000u + (i >> 15)), static_cast<uint16_t>(1024 + (i & 0x7fff)), 80,
            0};
  }
  Slab<tcp::Tcb> tcbs;
  tcp::FlowTable table;
};

void BM_KeyedHash(benchmark::State& state) {
  Table table(1);
  Row row(state, {9, 0});
  uint32_t next = 0;
  for (auto _ : state) {
    const uint64_t began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) {
      benchmark::DoNotOptimize(table.table.Hash(Table::KeyOf(next++)));
    }
    row.Add(Cycles() - began, kBurst);
  }
}
BENCHMARK(BM_KeyedHash)->UseManualTime();

// As Engine::Receive does it: hash and prefetch all, prefetch what they may mean, then look.
void BM_Lookup(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  const bool hit = state.range(1) != 0;
  Table table(count);
  Prng prng(1);
  const bool many = count >= 1000000;
  Row row(state, hit ? (many ? Goal{32, 80} : Goal{32, 0}) : (many ? Goal{10, 30} : Goal{10, 0}));
  std::vector<tcp::FlowKey> keys(kBurst);
  std::vector<uint64_t> hashes(kBurst);
  uint32_t found = 0;
  for (auto _ : state) {
    for (tcp::FlowKey& key : keys) {
      key = Table::KeyOf(static_cast<uint32_t>(prng.Below(count)) + (hit ? 0 : count));
    }
    const uint64_t began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) {
      hashes[i] = table.table.Hash(keys[i]);
      table.table.Prefetch(hashes[i]);
    }
    for (const uint64_t hash : hashes) table.table.PrefetchRecord(hash);
    for (uint32_t i = 0; i < kBurst; ++i) {
      found += table.table.Find(keys[i], hashes[i]) != tcp::FlowTable::kNone;
    }
    row.Add(Cycles() - began, kBurst);
  }
  if ((found != 0) != hit) state.SkipWithError("the table found the wrong thing");
}
BENCHMARK(BM_Lookup)->UseManualTime()->ArgsProduct({{1000, 1000000}, {1, 0}});

// --- timing wheel ---

struct Record {
  WheelLink wheel_link;
  Millis wheel_at;
};

// An ACK moves a deadline out: the lazy wheel only looks.
void BM_WheelRearm(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  std::vector<Record> records(count);
  TimingWheel<Record> wheel(records.data(), Time{});
  for (uint32_t i = 0; i < count; ++i) {
    wheel.Reset(i);
    wheel.Arm(i, Millis{200 + i % 1000});
  }
  Row row(state, count >= 1000000 ? Goal{17, 40} : Goal{2, 10});
  Prng prng(1);
  std::vector<uint32_t> order(kBurst);
  for (auto _ : state) {
    for (uint32_t& i : order) i = static_cast<uint32_t>(prng.Below(count));
    const uint64_t began = Cycles();
    for (const uint32_t i : order) wheel.Arm(i, Millis{5000});
    row.Add(Cycles() - began, kBurst);
  }
}
BENCHMARK(BM_WheelRearm)->UseManualTime()->Arg(1000)->Arg(1000000);

// Expire and arm again, 1 ms of a wheel on which something falls due every millisecond.
void BM_WheelExpire(benchmark::State& state) {
  constexpr uint32_t kCount = 100000;
  std::vector<Record> records(kCount);
  TimingWheel<Record> wheel(records.data(), Time{});
  for (uint32_t i = 0; i < kCount; ++i) {
    wheel.Reset(i);
    wheel.Arm(i, Millis{1 + i % 1000});
  }
  Row row(state, {35, 120});
  Time now;
  for (auto _ : state) {
    now = now + Milliseconds(1);
    uint64_t expired = 0;
    const uint64_t began = Cycles();
    wheel.Advance(now, kCount, [&](uint32_t i) {
      ++expired;
      wheel.Arm(i, now.millis() + 1000);
    });
    row.Add(Cycles() - began, expired);
  }
}
BENCHMARK(BM_WheelExpire)->UseManualTime();

}  // namespace
}  // namespace weir::bench

BENCHMARK_MAIN();
