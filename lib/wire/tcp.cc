// The TCP header and its options, octets to values and back.
#include "wire/tcp.h"

#include "base/bytes.h"

namespace weir::wire {
namespace {

// Option kinds and sizes (RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3).
constexpr uint8_t kKindEnd = 0, kKindNop = 1, kKindMss = 2, kKindWindowScale = 3;
constexpr uint8_t kKindSackPermitted = 4, kKindSack = 5, kKindTimestamps = 8;
constexpr uint8_t kMssSize = 4, kWindowScaleSize = 3, kSackPermittedSize = 2;
constexpr uint8_t kTimestampsSize = 10, kSackBlockSize = 8;
constexpr uint8_t kSackBlocksMax = 4;

// NOP NOP kind size, as one big-endian number.
constexpr uint32_t kNopNop = uint32_t{kKindNop} << 24 | uint32_t{kKindNop} << 16;
constexpr uint32_t kNopNopTimestamps = kNopNop | uint32_t{kKindTimestamps} << 8 | kTimestampsSize;

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
    default:
      return;  // MUST-6
  }
}

// MUST-5, MUST-64: any option in any segment, at any alignment.
void WalkOptions(std::span<const uint8_t> octets, TcpOptions& options) {
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

void ParseOptions(std::span<const uint8_t> octets, TcpOptions& options) {
  options.present = 0;
  options.window_scale = 0;
  options.mss = 0;
  options.ts_value = 0;
  options.ts_echo = 0;
  options.sack_count = 0;
  if (octets.empty()) return;
  // RFC 7323 appendix A: what nearly every segment with text looks like.
  if (octets.size() == 12 && LoadBe32(octets.data()) == kNopNopTimestamps) {
    TakeTimestamps(octets.data() + 4, options);
    return;
  }
  WalkOptions(octets, options);
}

// How many SACK blocks fit behind `used` octets of other options.
uint8_t SackBlocksThatFit(const TcpOptions& options, uint16_t used) {
  if (!options.has(TcpOptions::kSack)) return 0;
  const int room = (kTcpHeaderSizeMax - used - 4) / kSackBlockSize;
  if (room <= 0) return 0;
  const uint8_t limit = room < kSackBlocksMax ? static_cast<uint8_t>(room) : kSackBlocksMax;
  return options.sack_count < limit ? options.sack_count : limit;
}

// The header's size without SACK blocks: each option takes whole 32-bit words, SACK-permitted hides
// in the padding of the timestamps.
uint16_t SizeWithoutSack(const TcpOptions& options) {
  uint16_t size = kTcpHeaderSize;
  if (options.has(TcpOptions::kMss)) size += 4;
  if (options.has(TcpOptions::kTimestamps)) {
    size += 12;
  } else if (options.has(TcpOptions::kSackPermitted)) {
    size += 4;
  }
  if (options.has(TcpOptions::kWindowScale)) size += 4;
  return size;
}

uint8_t* Put32(uint8_t* p, uint32_t value) {
  StoreBe32(p, value);
  return p + 4;
}

uint8_t* WriteSack(uint8_t* p, const TcpOptions& options, uint8_t count) {
  p = Put32(p, kNopNop | uint32_t{kKindSack} << 8 | (2u + count * kSackBlockSize));
  for (uint8_t i = 0; i < count; ++i) {
    p = Put32(p, options.sack[i].left.value);
    p = Put32(p, options.sack[i].right.value);
  }
  return p;
}

void WriteOptions(uint8_t* p, const TcpOptions& options) {
  constexpr uint32_t kSackPermittedThere = uint32_t{kKindSackPermitted} << 8 | kSackPermittedSize;
  const bool sack_permitted = options.has(TcpOptions::kSackPermitted);
  if (options.has(TcpOptions::kMss)) {
    p = Put32(p, uint32_t{kKindMss} << 24 | uint32_t{kMssSize} << 16 | options.mss);
  }
  if (options.has(TcpOptions::kTimestamps)) {
    p = Put32(p, sack_permitted ? kSackPermittedThere << 16 | (kNopNopTimestamps & 0xffff)
                                : kNopNopTimestamps);
    p = Put32(p, options.ts_value);
    p = Put32(p, options.ts_echo);
  } else if (sack_permitted) {
    p = Put32(p, kNopNop | kSackPermittedThere);
  }
  if (options.has(TcpOptions::kWindowScale)) {
    p = Put32(p, uint32_t{kKindNop} << 24 | uint32_t{kKindWindowScale} << 16 |
                     uint32_t{kWindowScaleSize} << 8 | options.window_scale);
  }
  const uint8_t sack_count = SackBlocksThatFit(options, SizeWithoutSack(options));
  if (sack_count != 0) WriteSack(p, options, sack_count);
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

uint16_t TcpHeaderLength(const TcpOptions& options) {
  const uint16_t size = SizeWithoutSack(options);
  const uint8_t sack_count = SackBlocksThatFit(options, size);
  return static_cast<uint16_t>(size + (sack_count == 0 ? 0 : 4 + sack_count * kSackBlockSize));
}

void WriteTcp(const TcpHeader& header, uint8_t* out) {
  StoreBe16(out, header.source_port);
  StoreBe16(out + 2, header.destination_port);
  StoreBe32(out + 4, header.seq.value);
  StoreBe32(out + 8, header.ack.value);
  out[12] = static_cast<uint8_t>(TcpHeaderLength(header.options) / 4 << 4);
  out[13] = header.flags;
  StoreBe16(out + 14, header.window);
  StoreBe16(out + 16, 0);
  StoreBe16(out + 18, header.urgent);
  WriteOptions(out + kTcpHeaderSize, header.options);
}

}  // namespace weir::wire
