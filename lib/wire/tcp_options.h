// The options of a TCP header as values (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 7413).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/seq.h"

namespace weir::wire {

inline constexpr uint16_t kTcpHeaderSize = 20;     // without options
inline constexpr uint16_t kTcpHeaderSizeMax = 60;  // with 40 octets of options
inline constexpr uint8_t kTcpWindowScaleMax = 14;  // RFC 7323 2.3

struct SackBlock {
  Seq left, right;
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) = default;
};

// A cookie of TCP Fast Open (RFC 7413 4.1.1): 4 to 16 octets, an even number of them; none in a
// SYN that asks for one.
struct FastOpenCookie {
  static constexpr uint8_t kSizeMin = 4;
  static constexpr uint8_t kSizeMax = 16;

  uint8_t size = 0;
  bool experimental = false;  // as option 254 with ExpID 0xF989, which came before option 34
  std::array<uint8_t, kSizeMax> octets{};  // zero beyond `size`

  bool requests() const { return size == 0; }
  friend constexpr bool operator==(const FastOpenCookie&, const FastOpenCookie&) = default;
};

// The options that weir knows. Unknown ones are skipped by length (MUST-6).
struct TcpOptions {
  // Bits of `present`.
  static constexpr uint8_t kMss = 1;
  static constexpr uint8_t kWindowScale = 2;
  static constexpr uint8_t kSackPermitted = 4;
  static constexpr uint8_t kTimestamps = 8;
  static constexpr uint8_t kSack = 16;
  // An option's length was 0, 1 or ran past the header; what came before it still counts (MUST-7).
  static constexpr uint8_t kMalformed = 32;
  static constexpr uint8_t kFastOpen = 64;

  uint8_t present = 0;
  uint8_t window_scale = 0;  // as received, not clamped
  uint16_t mss = 0;
  uint32_t ts_value = 0;
  uint32_t ts_echo = 0;
  uint8_t sack_count = 0;
  SackBlock sack[4];
  FastOpenCookie fast_open;  // means something with kFastOpen only

  constexpr bool has(uint8_t bit) const { return (present & bit) != 0; }
};

namespace tcp_detail {

// Option kinds and sizes (RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3, RFC 7413 4.1.1).
inline constexpr uint8_t kKindEnd = 0, kKindNop = 1, kKindMss = 2, kKindWindowScale = 3;
inline constexpr uint8_t kKindSackPermitted = 4, kKindSack = 5, kKindTimestamps = 8;
inline constexpr uint8_t kMssSize = 4, kWindowScaleSize = 3, kSackPermittedSize = 2;
inline constexpr uint8_t kTimestampsSize = 10, kSackBlockSize = 8;
inline constexpr uint8_t kSackBlocksMax = 4;
inline constexpr uint8_t kKindFastOpen = 34, kFastOpenSize = 2;  // without the cookie
// RFC 6994: an experiment has two octets more, which say which one it is.
inline constexpr uint8_t kKindExperiment = 254, kExperimentSize = 4;
inline constexpr uint16_t kExperimentFastOpen = 0xf989;

// Four octets of options as one big-endian number.
constexpr uint32_t Word(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d;
}
inline constexpr uint32_t kNopNop = Word(kKindNop, kKindNop, 0, 0);
inline constexpr uint32_t kNopNopTimestamps =
    kNopNop | Word(0, 0, kKindTimestamps, kTimestampsSize);
inline constexpr uint32_t kNopNopSackPermitted =
    kNopNop | Word(0, 0, kKindSackPermitted, kSackPermittedSize);
inline constexpr uint32_t kSackPermittedTimestamps =
    Word(kKindSackPermitted, kSackPermittedSize, kKindTimestamps, kTimestampsSize);
inline constexpr uint32_t kMssAlone = Word(kKindMss, kMssSize, 0, 0);
inline constexpr uint32_t kNopWindowScale = Word(kKindNop, kKindWindowScale, kWindowScaleSize, 0);

inline void TakeTimestamps(const uint8_t* value, TcpOptions& options) {
  options.ts_value = LoadBe32(value);
  options.ts_echo = LoadBe32(value + 4);
}

// MUST-5, MUST-64: any option in any segment, at any alignment.
void WalkOptions(std::span<const uint8_t> octets, TcpOptions& options);

// Options that stand by whole words as nearly everybody sends them, on SYNs and (RFC 7323 appendix
// A) on all other segments. Returns how many octets that were; the walk goes on from there.
inline size_t TakeWholeWords(std::span<const uint8_t> octets, TcpOptions& options) {
  constexpr size_t kWord = 4, kWithTimestamps = 12;
  const uint8_t* const p = octets.data();
  uint8_t present = 0;
  size_t at = 0;
  for (; at + kWord <= octets.size(); at += kWord) {
    const uint32_t word = LoadBe32(p + at);
    if ((word & 0xffff0000u) == kMssAlone) {
      present |= TcpOptions::kMss;
      options.mss = static_cast<uint16_t>(word);
    } else if ((word == kNopNopTimestamps || word == kSackPermittedTimestamps) &&
               at + kWithTimestamps <= octets.size()) {
      present |= TcpOptions::kTimestamps;
      if (word == kSackPermittedTimestamps) present |= TcpOptions::kSackPermitted;
      TakeTimestamps(p + at + kWord, options);
      at += kWithTimestamps - kWord;
    } else if ((word & 0xffffff00u) == kNopWindowScale) {
      present |= TcpOptions::kWindowScale;
      options.window_scale = static_cast<uint8_t>(word);
    } else if (word == kNopNopSackPermitted) {
      present |= TcpOptions::kSackPermitted;
    } else {
      break;
    }
  }
  options.present = present;
  return at;
}

// The header's size for each combination of the other options: each takes whole 32-bit words,
// SACK-permitted hides in the padding of the timestamps.
inline constexpr auto kHeaderSizes = [] {
  std::array<uint8_t, 16> sizes{};
  for (unsigned present = 0; present < sizes.size(); ++present) {
    unsigned size = kTcpHeaderSize;
    if ((present & TcpOptions::kMss) != 0) size += 4;
    if ((present & TcpOptions::kWindowScale) != 0) size += 4;
    if ((present & TcpOptions::kTimestamps) != 0) {
      size += 12;
    } else if ((present & TcpOptions::kSackPermitted) != 0) {
      size += 4;
    }
    sizes[present] = static_cast<uint8_t>(size);
  }
  return sizes;
}();

// Octets of the fast-open and SACK options behind `used` octets of header, and the options
// themselves; returns where they end.
[[nodiscard]] uint16_t RareLength(const TcpOptions& options, uint16_t used);
uint8_t* WriteRare(uint8_t* p, const TcpOptions& options, uint16_t used);

inline uint8_t* Put32(uint8_t* p, uint32_t value) {
  StoreBe32(p, value);
  return p + 4;
}

}  // namespace tcp_detail

// Reads what stands between header and text. Inline, as is writing: every segment comes this way,
// and its values stay in registers.
inline void ParseOptions(std::span<const uint8_t> octets, TcpOptions& options) {
  options.window_scale = 0;
  options.mss = 0;
  options.ts_value = 0;
  options.ts_echo = 0;
  options.sack_count = 0;
  const size_t at = tcp_detail::TakeWholeWords(octets, options);
  if (at != octets.size()) [[unlikely]]
    tcp_detail::WalkOptions(octets.subspan(at), options);
}

// Writes the options of kHeaderSizes in the order Linux sends them. Returns where they end.
inline uint8_t* WriteOptions(uint8_t* p, const TcpOptions& options) {
  using namespace tcp_detail;
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

}  // namespace weir::wire
