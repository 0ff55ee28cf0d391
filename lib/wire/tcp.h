// The TCP header and its options as values (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 7413).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/seq.h"

namespace weir::wire {

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;
inline constexpr uint8_t kTcpUrg = 0x20;
inline constexpr uint8_t kTcpEce = 0x40;
inline constexpr uint8_t kTcpCwr = 0x80;

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

// One header in host order. `window` is the field as sent, before scaling.
struct TcpHeader {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  Seq seq;
  Seq ack;
  uint8_t flags = 0;
  uint16_t window = 0;
  uint16_t urgent = 0;
  TcpOptions options;

  constexpr bool syn() const { return (flags & kTcpSyn) != 0; }
  constexpr bool fin() const { return (flags & kTcpFin) != 0; }
  constexpr bool rst() const { return (flags & kTcpRst) != 0; }
  constexpr bool has_ack() const { return (flags & kTcpAck) != 0; }
};

// Reads the header at the start of `segment` (header, options, text). Returns the header's size in
// octets, or 0 when the segment is too short or the data offset is impossible.
[[nodiscard]] uint16_t ParseTcp(std::span<const uint8_t> segment, TcpHeader& header);

namespace tcp_detail {

// Octets of the fast-open and SACK options behind `used` octets of header.
[[nodiscard]] uint16_t RareLength(const TcpOptions& options, uint16_t used);

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

}  // namespace tcp_detail

// The size WriteTcp will produce for these options: 20..60, a multiple of four.
[[nodiscard]] inline uint16_t TcpHeaderLength(const TcpOptions& options) {
  const uint16_t size = tcp_detail::kHeaderSizes[options.present % tcp_detail::kHeaderSizes.size()];
  if (!options.has(TcpOptions::kSack | TcpOptions::kFastOpen)) return size;
  return static_cast<uint16_t>(size + tcp_detail::RareLength(options, size));
}

// Writes the header with a zero checksum to `out`, which has TcpHeaderLength() octets. Options come
// in the order Linux sends them: MSS, SACK-permitted, timestamps, window scale, fast open on a SYN;
// NOP NOP timestamps, then NOP NOP SACK elsewhere. SACK blocks that do not fit are left out; all
// that a SYN may have, with the longest cookie, takes the 40 octets that there are.
void WriteTcp(const TcpHeader& header, uint8_t* out);

}  // namespace weir::wire
