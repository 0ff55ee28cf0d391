// The TCP header as values (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 7413).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "base/seq.h"
#include "wire/tcp_options.h"

namespace weir::wire {

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;
inline constexpr uint8_t kTcpUrg = 0x20;
inline constexpr uint8_t kTcpEce = 0x40;
inline constexpr uint8_t kTcpCwr = 0x80;

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

namespace tcp_detail {

// The first sixteen octets of a header have the same shape in TcpHeader but for the order of the
// octets in each field: one shuffle reads ports, numbers, flags and window. The octet with the data
// offset comes to lie behind the flags, where nothing is.
inline void TakeFixedFields(const uint8_t* p, TcpHeader& header) {
  using Octets [[gnu::vector_size(16)]] = uint8_t;
  static_assert(offsetof(TcpHeader, source_port) == 0 && offsetof(TcpHeader, seq) == 4 &&
                offsetof(TcpHeader, ack) == 8 && offsetof(TcpHeader, flags) == 12 &&
                offsetof(TcpHeader, window) == 14);
  Octets fields;
  std::memcpy(&fields, p, sizeof fields);
  fields =
      __builtin_shufflevector(fields, fields, 1, 0, 3, 2, 7, 6, 5, 4, 11, 10, 9, 8, 13, 12, 15, 14);
  std::memcpy(static_cast<void*>(&header), &fields, sizeof fields);
}

}  // namespace tcp_detail

// Reads the header at the start of `segment` (header, options, text). Returns the header's size in
// octets, or 0 when the segment is too short or the data offset is impossible.
[[nodiscard]] inline uint16_t ParseTcp(std::span<const uint8_t> segment, TcpHeader& header) {
  if (segment.size() < kTcpHeaderSize) return 0;
  const uint8_t* p = segment.data();
  const uint32_t size = (p[12] & 0xf0u) / 4;
  if (size < kTcpHeaderSize || size > segment.size()) return 0;
  tcp_detail::TakeFixedFields(p, header);
  header.urgent = LoadBe16(p + 18);
  ParseOptions(segment.subspan(kTcpHeaderSize, size - kTcpHeaderSize), header.options);
  return static_cast<uint16_t>(size);
}

// The size WriteTcp will produce for these options: 20..60, a multiple of four.
[[nodiscard]] inline uint16_t TcpHeaderLength(const TcpOptions& options) {
  const uint16_t size = tcp_detail::kHeaderSizes[options.present % tcp_detail::kHeaderSizes.size()];
  if (!options.has(TcpOptions::kSack | TcpOptions::kFastOpen)) return size;
  const TcpOptions copy = options;  // so that what is rare has no pointer to what is not
  return static_cast<uint16_t>(size + tcp_detail::RareLength(copy, size));
}

// Writes the header with a zero checksum to `out`, which has TcpHeaderLength() octets. Options come
// in the order Linux sends them: MSS, SACK-permitted, timestamps, window scale, fast open on a SYN;
// NOP NOP timestamps, then NOP NOP SACK elsewhere. SACK blocks that do not fit are left out; all
// that a SYN may have, with the longest cookie, takes the 40 octets that there are.
[[gnu::always_inline]] inline void WriteTcp(const TcpHeader& header, uint8_t* out) {
  uint8_t* end = WriteOptions(out + kTcpHeaderSize, header.options);
  if (header.options.has(TcpOptions::kSack | TcpOptions::kFastOpen)) [[unlikely]] {
    const TcpOptions copy = header.options;
    end = tcp_detail::WriteRare(end, copy, static_cast<uint16_t>(end - out));
  }
  const auto words = static_cast<uint32_t>(end - out) / 4;
  StoreBe32(out, uint32_t{header.source_port} << 16 | header.destination_port);
  StoreBe32(out + 4, header.seq.value);
  StoreBe32(out + 8, header.ack.value);
  StoreBe32(out + 12, words << 28 | uint32_t{header.flags} << 16 | header.window);
  StoreBe32(out + 16, header.urgent);  // behind a checksum of zero
}

}  // namespace weir::wire
