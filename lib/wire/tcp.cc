// The TCP header and its options, octets to values and back.
#include "wire/tcp.h"

#include <cstring>

#include "base/bytes.h"

namespace weir::wire {
namespace {

// Option kinds and sizes (RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3, RFC 7413 4.1.1).
constexpr uint8_t kKindEnd = 0, kKindNop = 1, kKindMss = 2, kKindWindowScale = 3;
constexpr uint8_t kKindSackPermitted = 4, kKindSack = 5, kKindTimestamps = 8;
constexpr uint8_t kMssSize = 4, kWindowScaleSize = 3, kSackPermittedSize = 2;
constexpr uint8_t kTimestampsSize = 10, kSackBlockSize = 8;
constexpr uint8_t kSackBlocksMax = 4;
constexpr uint8_t kKindFastOpen = 34, kFastOpenSize = 2;  // without the cookie
// RFC 6994: an experiment has two octets more, which say which one it is.
constexpr uint8_t kKindExperiment = 254, kExperimentSize = 4;
constexpr uint16_t kExperimentFastOpen = 0xf989;

// Four octets of options as one big-endian number.
constexpr uint32_t Word(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d;
}
constexpr uint32_t kNopNop = Word(kKindNop, kKindNop, 0, 0);
constexpr uint32_t kNopNopTimestamps = kNopNop | Word(0, 0, kKindTimestamps, kTimestampsSize);
constexpr uint32_t kNopNopSackPermitted =
    kNopNop | Word(0, 0, kKindSackPermitted, kSackPermittedSize);
constexpr uint32_t kSackPermittedTimestamps =
    Word(kKindSackPermitted, kSackPermittedSize, kKindTimestamps, kTimestampsSize);
constexpr uint32_t kMssAlone = Word(kKindMss, kMssSize, 0, 0);
constexpr uint32_t kNopWindowScale = Word(kKindNop, kKindWindowScale, kWindowScaleSize, 0);

void TakeTimestamps(const uint8_t* value, TcpOptions& options) {
  options.present |= TcpOptions::kTimestamps;
  options.ts_value = LoadBe32(value);
  options.ts_echo = LoadBe32(value + 4);
}

void TakeSack(const uint8_t* value, uint8_t size, TcpOptions& options) {
  if (size < kSackBlockSize || size % kSackBlockSize != 0) return;
  options.present |= TcpOptions::kSack;
  options.sack_count = size / kSackBlockSize;  // 40 octets of options hold four at most
  for (uint8_t i = 0; i < options.sack_count; ++i) {
    options.sack[i].left = Seq(LoadBe32(value + i * kSackBlockSize));
    options.sack[i].right = Seq(LoadBe32(value + i * kSackBlockSize + 4));
  }
}

// RFC 7413 4.1.1: a cookie of another size is ignored, with its option.
void TakeFastOpen(const uint8_t* cookie, int size, bool experimental, TcpOptions& options) {
  FastOpenCookie& taken = options.fast_open;
  if (size != 0 && (size < FastOpenCookie::kSizeMin || size > FastOpenCookie::kSizeMax)) return;
  if (size % 2 != 0) return;
  options.present |= TcpOptions::kFastOpen;
  taken.size = static_cast<uint8_t>(size);
  taken.experimental = experimental;
  taken.octets = {};
  std::memcpy(taken.octets.data(), cookie, static_cast<size_t>(size));
}

// One option of a legal size, kind and size octets included. A known kind of a wrong size is
// skipped like an unknown one; of an option given twice the last counts.
void TakeOption(const uint8_t* p, uint8_t size, TcpOptions& options) {
  switch (p[0]) {
    case kKindMss:
      if (size != kMssSize) return;
      options.present |= TcpOptions::kMss;
      options.mss = LoadBe16(p + 2);
      return;
    case kKindWindowScale:
      if (size != kWindowScaleSize) return;
      options.present |= TcpOptions::kWindowScale;
      options.window_scale = p[2];
      return;
    case kKindSackPermitted:
      if (size == kSackPermittedSize) options.present |= TcpOptions::kSackPermitted;
      return;
    case kKindTimestamps:
      if (size == kTimestampsSize) TakeTimestamps(p + 2, options);
      return;
    case kKindSack:
      TakeSack(p + 2, static_cast<uint8_t>(size - 2), options);
      return;
    case kKindFastOpen:
      TakeFastOpen(p + kFastOpenSize, size - kFastOpenSize, false, options);
      return;
    case kKindExperiment:
      if (size < kExperimentSize || LoadBe16(p + 2) != kExperimentFastOpen) return;
      TakeFastOpen(p + kExperimentSize, size - kExperimentSize, true, options);
      return;
    default:
      return;  // MUST-6
  }
}

// MUST-5, MUST-64: any option in any segment, at any alignment.
[[gnu::noinline]] void WalkOptions(std::span<const uint8_t> octets, TcpOptions& options) {
  size_t at = 0;
  while (at < octets.size()) {
    const uint8_t kind = octets[at];
    if (kind == kKindEnd) return;
    if (kind == kKindNop) {
      ++at;
      continue;
    }
    const size_t left = octets.size() - at;
    const uint8_t size = left < 2 ? uint8_t{0} : octets[at + 1];
    if (size < 2 || size > left) {  // MUST-7
      options.present |= TcpOptions::kMalformed;
      return;
    }
    TakeOption(&octets[at], size, options);
    at += size;
  }
}

// Options that stand by whole words as nearly everybody sends them, on SYNs and (RFC 7323 appendix
// A) on all other segments. Returns where it stopped; the walk goes on from there.
const uint8_t* TakeWholeWords(const uint8_t* p, const uint8_t* end, TcpOptions& options) {
  constexpr ptrdiff_t kWord = 4, kWithTimestamps = 12;
  for (; end - p >= kWord; p += kWord) {
    const uint32_t word = LoadBe32(p);
    if ((word & 0xffff0000u) == kMssAlone) {
      options.present |= TcpOptions::kMss;
      options.mss = static_cast<uint16_t>(word);
    } else if ((word == kNopNopTimestamps || word == kSackPermittedTimestamps) &&
               end - p >= kWithTimestamps) {
      if (word == kSackPermittedTimestamps) options.present |= TcpOptions::kSackPermitted;
      TakeTimestamps(p + kWord, options);
      p += kWithTimestamps - kWord;
    } else if ((word & 0xffffff00u) == kNopWindowScale) {
      options.present |= TcpOptions::kWindowScale;
      options.window_scale = static_cast<uint8_t>(word);
    } else if (word == kNopNopSackPermitted) {
      options.present |= TcpOptions::kSackPermitted;
    } else {
      break;
    }
  }
  return p;
}

void ParseOptions(std::span<const uint8_t> octets, TcpOptions& options) {
  options.present = 0;
  options.window_scale = 0;
  options.mss = 0;
  options.ts_value = 0;
  options.ts_echo = 0;
  options.sack_count = 0;
  const uint8_t* const end = octets.data() + octets.size();
  const uint8_t* const at = TakeWholeWords(octets.data(), end, options);
  if (at != end) [[unlikely]]
    WalkOptions({at, end}, options);
}

// With padding.
uint16_t FastOpenRoom(const FastOpenCookie& cookie) {
  const int size = (cookie.experimental ? kExperimentSize : kFastOpenSize) + cookie.size;
  return static_cast<uint16_t>((size + 3) / 4 * 4);
}

// How many SACK blocks fit behind `used` octets of header.
uint8_t SackBlocksThatFit(const TcpOptions& options, uint16_t used) {
  const int room = (kTcpHeaderSizeMax - used - 4) / kSackBlockSize;
  if (room <= 0) return 0;
  const uint8_t limit = room < kSackBlocksMax ? static_cast<uint8_t>(room) : kSackBlocksMax;
  return options.sack_count < limit ? options.sack_count : limit;
}

uint8_t* Put32(uint8_t* p, uint32_t value) {
  StoreBe32(p, value);
  return p + 4;
}

uint8_t* WriteSack(uint8_t* p, const TcpOptions& options, uint16_t used) {
  const uint8_t count = SackBlocksThatFit(options, used);
  if (count == 0) return p;
  p = Put32(p, kNopNop | uint32_t{kKindSack} << 8 | (2u + count * kSackBlockSize));
  for (uint8_t i = 0; i < count; ++i) {
    p = Put32(p, options.sack[i].left.value);
    p = Put32(p, options.sack[i].right.value);
  }
  return p;
}

// NOPs come behind it.
uint8_t* WriteFastOpen(uint8_t* p, const FastOpenCookie& cookie) {
  uint8_t* end = p + FastOpenRoom(cookie);
  const int head = cookie.experimental ? kExperimentSize : kFastOpenSize;
  p[0] = cookie.experimental ? kKindExperiment : kKindFastOpen;
  p[1] = static_cast<uint8_t>(head + cookie.size);
  if (cookie.experimental) StoreBe16(p + 2, kExperimentFastOpen);
  std::memcpy(p + head, cookie.octets.data(), cookie.size);
  for (p += head + cookie.size; p != end; ++p) *p = kKindNop;
  return end;
}

// The options of tcp_detail::kHeaderSizes. Returns where they end.
uint8_t* WriteOptions(uint8_t* p, const TcpOptions& options) {
  const bool sack_permitted = options.has(TcpOptions::kSackPermitted);
  if (options.has(TcpOptions::kMss)) p = Put32(p, kMssAlone | options.mss);
  if (options.has(TcpOptions::kTimestamps)) {
    p = Put32(p, sack_permitted ? kSackPermittedTimestamps : kNopNopTimestamps);
    p = Put32(p, options.ts_value);
    p = Put32(p, options.ts_echo);
  } else if (sack_permitted) {
    p = Put32(p, kNopNopSackPermitted);
  }
  if (options.has(TcpOptions::kWindowScale)) p = Put32(p, kNopWindowScale | options.window_scale);
  return p;
}

}  // namespace

uint16_t ParseTcp(std::span<const uint8_t> segment, TcpHeader& header) {
  if (segment.size() < kTcpHeaderSize) return 0;
  const uint8_t* p = segment.data();
  const uint16_t size = static_cast<uint16_t>((p[12] >> 4) * 4);
  if (size < kTcpHeaderSize || size > segment.size()) return 0;
  header.source_port = LoadBe16(p);
  header.destination_port = LoadBe16(p + 2);
  header.seq = Seq(LoadBe32(p + 4));
  header.ack = Seq(LoadBe32(p + 8));
  header.flags = p[13];
  header.window = LoadBe16(p + 14);
  header.urgent = LoadBe16(p + 18);
  ParseOptions(segment.subspan(kTcpHeaderSize, size - kTcpHeaderSize), header.options);
  return size;
}

uint16_t tcp_detail::RareLength(const TcpOptions& options, uint16_t used) {
  uint16_t size = options.has(TcpOptions::kFastOpen) ? FastOpenRoom(options.fast_open) : 0;
  if (!options.has(TcpOptions::kSack)) return size;
  const uint8_t count = SackBlocksThatFit(options, static_cast<uint16_t>(used + size));
  return static_cast<uint16_t>(size + (count == 0 ? 0 : 4 + count * kSackBlockSize));
}

void WriteTcp(const TcpHeader& header, uint8_t* out) {
  uint8_t* end = WriteOptions(out + kTcpHeaderSize, header.options);
  if (header.options.has(TcpOptions::kFastOpen)) [[unlikely]]
    end = WriteFastOpen(end, header.options.fast_open);
  if (header.options.has(TcpOptions::kSack)) [[unlikely]]
    end = WriteSack(end, header.options, static_cast<uint16_t>(end - out));
  const auto words = static_cast<uint32_t>((end - out) / 4);
  StoreBe16(out, header.source_port);
  StoreBe16(out + 2, header.destination_port);
  StoreBe32(out + 4, header.seq.value);
  StoreBe32(out + 8, header.ack.value);
  StoreBe32(out + 12, words << 28 | uint32_t{header.flags} << 16 | header.window);
  StoreBe32(out + 16, header.urgent);  // behind a checksum of zero
}

}  // namespace weir::wire
