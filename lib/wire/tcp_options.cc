// TCP options that are not laid out as usual, SACK and fast open.
#include "wire/tcp_options.h"

#include <cstring>

namespace weir::wire {

using namespace tcp_detail;

namespace {

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
      if (size != kTimestampsSize) return;
      options.present |= TcpOptions::kTimestamps;
      TakeTimestamps(p + 2, options);
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

// With padding.
uint16_t FastOpenRoom(const FastOpenCookie& cookie) {
  const int size = (cookie.experimental ? kExperimentSize : kFastOpenSize) + cookie.size;
  return static_cast<uint16_t>((size + 3) / 4 * 4);
}

// How many SACK blocks fit behind `used` octets of header.
uint8_t SackBlocksThatFit(uint8_t sack_count, uint16_t used) {
  const int room = (kTcpHeaderSizeMax - used - 4) / kSackBlockSize;
  if (room <= 0) return 0;
  const uint8_t limit = room < kSackBlocksMax ? static_cast<uint8_t>(room) : kSackBlocksMax;
  return sack_count < limit ? sack_count : limit;
}

uint8_t* WriteSack(uint8_t* p, const TcpOptions& options, uint16_t used) {
  const uint8_t count = SackBlocksThatFit(options.sack_count, used);
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

}  // namespace

void tcp_detail::WalkOptions(std::span<const uint8_t> octets, TcpOptions& options) {
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

uint16_t tcp_detail::RareLength(const TcpOptions& options, uint16_t used) {
  uint16_t size = options.has(TcpOptions::kFastOpen) ? FastOpenRoom(options.fast_open) : 0;
  if (!options.has(TcpOptions::kSack)) return size;
  const uint8_t count = SackBlocksThatFit(options.sack_count, static_cast<uint16_t>(used + size));
  return static_cast<uint16_t>(size + (count == 0 ? 0 : 4 + count * kSackBlockSize));
}

uint8_t* tcp_detail::WriteRare(uint8_t* p, const TcpOptions& options, uint16_t used) {
  if (options.has(TcpOptions::kFastOpen)) {
    p = WriteFastOpen(p, options.fast_open);
    used = static_cast<uint16_t>(used + FastOpenRoom(options.fast_open));
  }
  return options.has(TcpOptions::kSack) ? WriteSack(p, options, used) : p;
}

}  // namespace weir::wire
