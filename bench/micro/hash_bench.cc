// Keyed hashes and SYN cookies of a burst. The floor of each row is scalar code that does the same,
// measured in the same iteration.
#include <immintrin.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "base/siphash_lanes.h"
#include "micro/row.h"
#include "tcp/flow_hash.h"
#include "tcp/syn_cookie.h"

namespace weir::bench {
namespace {

constexpr uint32_t kBurst = 32;
constexpr SipKey kKey{0x1234567890abcdefu, 0xfedcba0987654321u};

// --- the hash alone ---

struct Messages {
  explicit Messages(size_t length_of_each)
      : length(length_of_each), words(length * kBurst), hashes(kBurst) {
    Prng prng(1);
    for (uint64_t& word : words) word = prng.Next();
  }
  void Hash(SipLanes lanes) {
    SipHash24(kKey, {words.data(), length, kBurst}, hashes, lanes);
    benchmark::DoNotOptimize(hashes.data());
    benchmark::ClobberMemory();
  }
  size_t length;
  std::vector<uint64_t> words;
  std::vector<uint64_t> hashes;
};

void AddScalarFloor(Row& row, Messages& messages) {
  const uint64_t began = Cycles();
  messages.Hash(SipLanes::kScalar);
  row.AddFloor(Cycles() - began, kBurst);
}

void BM_SipHash(benchmark::State& state, SipLanes lanes) {
  Messages messages(static_cast<size_t>(state.range(0)));
  Row row(state, {});
  for (auto _ : state) {
    AddScalarFloor(row, messages);
    const uint64_t began = Cycles();
    messages.Hash(lanes);
    row.Add(Cycles() - began, kBurst);
  }
}

// One block of AES-128 each, which has room for ports, addresses and ISN of an IPv4 SYN and for
// nothing that the cookie says: what could be gained, not what is used. Any round keys take as
// long as those of a schedule.
[[gnu::target("aes")]] void EncryptBlocks(const __m128i (&round_keys)[11], Messages& messages) {
  for (uint32_t i = 0; i < kBurst; ++i) {
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&messages.words[2 * i]));
    x = _mm_xor_si128(x, round_keys[0]);
    for (int r = 1; r < 10; ++r) x = _mm_aesenc_si128(x, round_keys[r]);
    x = _mm_aesenclast_si128(x, round_keys[10]);
    messages.hashes[i] = static_cast<uint64_t>(_mm_cvtsi128_si64(x));
  }
  benchmark::DoNotOptimize(messages.hashes.data());
  benchmark::ClobberMemory();
}

void BM_AesBlock(benchmark::State& state) {
  Messages messages(3);
  Row row(state, {});
  Prng prng(2);
  __m128i round_keys[11];
  for (__m128i& key : round_keys) {
    key = _mm_set_epi64x(static_cast<int64_t>(prng.Next()), static_cast<int64_t>(prng.Next()));
  }
  for (auto _ : state) {
    AddScalarFloor(row, messages);
    const uint64_t began = Cycles();
    EncryptBlocks(round_keys, messages);
    row.Add(Cycles() - began, kBurst);
  }
}

// Three words are the cookie of an IPv4 SYN, six of an IPv6 SYN. What the processor lacks has no
// row.
[[maybe_unused]] const bool kRegistered = [] {
  constexpr struct {
    SipLanes lanes;
    const char* name;
  } kWays[] = {{SipLanes::kScalar, "BM_SipHash/Scalar"},
               {SipLanes::kAvx2, "BM_SipHash/Avx2"},
               {SipLanes::kAvx512, "BM_SipHash/Avx512"}};
  for (const auto& way : kWays) {
    if (!HasSipLanes(way.lanes)) continue;
    benchmark::RegisterBenchmark(way.name, BM_SipHash, way.lanes)->UseManualTime()->Arg(3)->Arg(6);
  }
  if (__builtin_cpu_supports("aes") != 0) {
    benchmark::RegisterBenchmark("BM_AesBlock", BM_AesBlock)->UseManualTime();
  }
  return true;
}();

// --- SYN cookies ---

IpAddress AnyHost(Prng& prng, bool v4) {
  const auto number = static_cast<uint32_t>(prng.Below(1 << 16));
  if (v4) return IpAddress::V4(0xc6120000u + number);
  return IpAddress::V6({0x20, 0x01, 0, 2, static_cast<uint8_t>(number), 1});
}

// Cookies of a burst of SYNs with what most hosts offer; the floor is making one after another.
void BM_SynCookies(benchmark::State& state) {
  const bool v4 = state.range(0) == 4;
  const tcp::SynCookieCodec codec(kKey);
  const Time now{int64_t{1} << 40};
  Prng prng(1);
  std::vector<tcp::SynCookieCodec::Request> requests(kBurst);
  std::vector<tcp::CookieFlow> flows(kBurst);
  for (tcp::CookieFlow& flow : flows) {
    flow.remote = AnyHost(prng, v4);
    flow.local = AnyHost(prng, v4);
    flow.remote_port = static_cast<uint16_t>(prng.Next());
    flow.local_port = 80;
    flow.irs = Seq(static_cast<uint32_t>(prng.Next()));
  }
  for (tcp::SynCookieCodec::Request& r : requests) {
    r.options = {.mss = 1460, .window_scale = 7, .sack = true, .timestamps = state.range(1) != 0};
    r.own_scale = 3;
    r.ts_offset = static_cast<uint32_t>(prng.Next());
    r.ts_now = now.millis().value + r.ts_offset;
  }
  Row row(state, {});
  std::vector<tcp::SynCookieCodec::Cookie> cookies(kBurst);
  for (auto _ : state) {
    const uint64_t one_began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) {
      const tcp::SynCookieCodec::Request& r = requests[i];
      cookies[i] = codec.Make(flows[i], r.options, r.own_scale, now, r.ts_now, r.ts_offset);
    }
    row.AddFloor(Cycles() - one_began, kBurst);
    benchmark::DoNotOptimize(cookies.data());
    const uint64_t began = Cycles();
    codec.MakeBatch(
        kBurst, [&](size_t i, tcp::SynCookieCodec::Request& r) { r = requests[i]; },
        [&](size_t i, tcp::CookieFlow& flow) { flow = flows[i]; }, now,
        [&](size_t i, tcp::Cookie cookie) { cookies[i] = cookie; });
    row.Add(Cycles() - began, kBurst);
    benchmark::DoNotOptimize(cookies.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_SynCookies)->UseManualTime()->ArgsProduct({{4, 6}, {0, 1}});

// --- flow table ---

// The floor is hashing one after another.
void BM_KeyedHashes(benchmark::State& state) {
  const bool v4 = state.range(0) == 4;
  const tcp::FlowTable table(1, kKey, {});
  Prng prng(1);
  std::vector<tcp::FlowKey> keys(kBurst);
  for (tcp::FlowKey& key : keys) {
    key = {AnyHost(prng, v4), static_cast<uint16_t>(prng.Next()), 80, 0};
  }
  Row row(state, {});
  std::vector<uint64_t> hashes(kBurst);
  for (auto _ : state) {
    const uint64_t one_began = Cycles();
    for (uint32_t i = 0; i < kBurst; ++i) hashes[i] = table.Hash(keys[i]);
    row.AddFloor(Cycles() - one_began, kBurst);
    benchmark::DoNotOptimize(hashes.data());
    const uint64_t began = Cycles();
    tcp::HashFlows(
        kKey, kBurst, [&](size_t i) { return &keys[i]; },
        [&](size_t i, uint64_t hash) { hashes[i] = hash; });
    row.Add(Cycles() - began, kBurst);
    benchmark::DoNotOptimize(hashes.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_KeyedHashes)->UseManualTime()->Arg(4)->Arg(6);

}  // namespace
}  // namespace weir::bench
