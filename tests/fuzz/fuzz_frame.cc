// Fuzz target: any octets through ParseFrame and every parser behind it. The first octet of the
// input holds the hints (bits 0..2), the next two the stripped tag; the rest is the frame. Hints
// that call checksums good let the fuzzer past them. What was accepted must not depend on octets
// behind it, and must not be accepted when it is cut short.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "wire/arp.h"
#include "wire/frame.h"
#include "wire/icmp.h"
#include "wire/mld.h"
#include "wire/nd.h"
#include "wire/plain_tcp.h"
#include "wire/printer.h"

namespace weir::wire {
namespace {

constexpr size_t kHintsSize = 3;

// What is written from parsed values parses to the same values.
void CheckTcpRoundTrip(const TcpHeader& header) {
  uint8_t out[kTcpHeaderSizeMax];
  TcpHeader again;
  // More options than 40 octets hold cannot have been in one header, but could be in fewer octets
  // than our layout with its padding takes.
  const uint16_t size = TcpHeaderLength(header.options);
  WEIR_CHECK(size % 4 == 0 && size >= kTcpHeaderSize && size <= kTcpHeaderSizeMax);
  WriteTcp(header, out);
  WEIR_CHECK(ParseTcp({out, size}, again) == size);
  WEIR_CHECK(again.seq == header.seq && again.ack == header.ack && again.flags == header.flags);
  WEIR_CHECK(again.options.mss == header.options.mss);
  WEIR_CHECK(again.options.window_scale == header.options.window_scale);
  WEIR_CHECK(again.options.ts_value == header.options.ts_value);
  WEIR_CHECK(again.options.ts_echo == header.options.ts_echo);
  WEIR_CHECK(again.options.sack_count <= header.options.sack_count);
}

void CheckIcmp(std::span<const uint8_t> message, const Frame& frame) {
  IcmpHeader header;
  QuotedSegment quoted;
  NdMessage nd;
  MldQuery query;
  WEIR_CHECK(ParseIcmp(message, header));
  // Each parser takes any message, whatever its type.
  (void)ParseQuoted(message, frame.v4, quoted);
  if (ParseNd(message, frame, nd) == kNoDrop) {
    WEIR_CHECK(IsNd(nd.type) && nd.type == header.type && header.code == 0);
    WEIR_CHECK(nd.prefix_count <= NdMessage::kPrefixesMax);
    WEIR_CHECK(!nd.has_source_mac || !nd.source_mac.is_multicast());
    WEIR_CHECK(!nd.has_target_mac || !nd.target_mac.is_multicast());
  }
  if (ParseMldQuery(message, frame, query) == kNoDrop) {
    WEIR_CHECK(query.group.is_unspecified() || query.group.is_multicast());
    WEIR_CHECK(query.max_response_ms < 1u << 23);  // (0xfff | 0x1000) << 10
  }
}

bool Same(const Frame& a, const Frame& b) {
  const auto values = [](const Frame& f) {
    return std::tuple(f.kind, f.v4, f.l2_multicast, f.ttl, f.dscp_ecn, f.has_routing_header,
                      f.has_fragment_header, f.vlan, f.outer_vlan, f.l3_offset, f.l4_offset,
                      f.l4_size, f.text_offset, f.text_size, f.source_mac.value(),
                      f.destination_mac.value(), f.source, f.destination);
  };
  return values(a) == values(b);
}

// Padding changes nothing; without its last octet no frame is whole.
void CheckLength(std::span<const uint8_t> octets, const FrameHints& hints, const Frame& frame) {
  const size_t used = size_t{frame.l4_offset} + frame.l4_size;
  std::vector<uint8_t> other(octets.begin(), octets.begin() + static_cast<ptrdiff_t>(used));
  Frame again;
  other.resize(used + 1, 0xff);
  ParseFrame(other, hints, again);
  WEIR_CHECK(Same(frame, again));
  for (const size_t size : {used - 1, used / 2, size_t{frame.l4_offset}, size_t{frame.l3_offset}}) {
    // The copy ends where the frame does, so that AddressSanitizer sees what is read behind it.
    const std::vector<uint8_t> cut(octets.begin(), octets.begin() + static_cast<ptrdiff_t>(size));
    ParseFrame(cut, hints, again);
    WEIR_CHECK(again.kind == FrameKind::kDropped || frame.l4_size == 0);
  }
}

// What the device vouches for can only let more in: a frame that is right without its word is the
// same with it.
void CheckHints(std::span<const uint8_t> octets, const FrameHints& hints, const Frame& frame) {
  FrameHints none = hints;
  none.ip_checksum_good = none.l4_checksum_good = false;
  Frame again;
  ParseFrame(octets, none, again);
  WEIR_CHECK(again.kind == FrameKind::kDropped || Same(frame, again));
}

// The short way for the usual frame finds the same, where it goes.
void CheckPlain(std::span<const uint8_t> octets, const FrameHints& hints, const Frame& frame) {
  Frame plain;
  std::memset(static_cast<void*>(&plain), 0x5a, sizeof plain);
  if (!ReadPlainTcp(octets, hints, plain)) return;
  const TcpHeader &a = plain.tcp, &b = frame.tcp;
  WEIR_CHECK(plain.drop == frame.drop);
  if (plain.kind == FrameKind::kDropped) return;
  WEIR_CHECK(Same(plain, frame));
  WEIR_CHECK(a.source_port == b.source_port && a.destination_port == b.destination_port);
  WEIR_CHECK(a.seq == b.seq && a.ack == b.ack && a.flags == b.flags && a.window == b.window);
  WEIR_CHECK(a.urgent == b.urgent && a.options.present == b.options.present);
  WEIR_CHECK(a.options.mss == b.options.mss && a.options.window_scale == b.options.window_scale);
  WEIR_CHECK(a.options.ts_value == b.options.ts_value && a.options.ts_echo == b.options.ts_echo);
  WEIR_CHECK(a.options.sack_count == b.options.sack_count);
  for (uint8_t i = 0; i < a.options.sack_count; ++i) {
    WEIR_CHECK(a.options.sack[i] == b.options.sack[i]);
  }
  if (a.options.has(TcpOptions::kFastOpen)) WEIR_CHECK(a.options.fast_open == b.options.fast_open);
}

void CheckFrame(std::span<const uint8_t> octets, const Frame& frame) {
  WEIR_CHECK((frame.kind == FrameKind::kDropped) == (frame.drop != kNoDrop));
  if (frame.kind == FrameKind::kDropped) return;
  WEIR_CHECK(size_t{frame.l4_offset} + frame.l4_size <= octets.size());
  const auto payload = octets.subspan(frame.l4_offset, frame.l4_size);
  if (frame.kind == FrameKind::kArp) {
    ArpPacket arp;
    WEIR_CHECK(ParseArp(payload, arp));
    return;
  }
  WEIR_CHECK(frame.v4 == frame.source.is_v4() && frame.v4 == frame.destination.is_v4());
  WEIR_CHECK(!frame.source.is_multicast() && !frame.source.is_loopback());
  if (frame.kind != FrameKind::kTcp) return CheckIcmp(payload, frame);
  WEIR_CHECK(frame.text_offset + frame.text_size == frame.l4_offset + frame.l4_size);
  WEIR_CHECK(frame.text_offset >= frame.l4_offset + kTcpHeaderSize);
  CheckTcpRoundTrip(frame.tcp);
}

}  // namespace
}  // namespace weir::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::wire;
  if (size < kHintsSize) return 0;
  const FrameHints hints{.ip_checksum_good = (data[0] & 1) != 0,
                         .l4_checksum_good = (data[0] & 2) != 0,
                         .vlan_stripped = (data[0] & 4) != 0,
                         .vlan_tci = weir::LoadBe16(data + 1)};
  // A copy of exactly its size, so that AddressSanitizer sees every octet read beyond it.
  const std::vector<uint8_t> octets(data + kHintsSize, data + size);
  Frame frame;
  std::memset(static_cast<void*>(&frame), 0xa5,
              sizeof frame);  // as if another frame had been there
  ParseFrame(octets, hints, frame);
  CheckFrame(octets, frame);
  if (frame.kind != FrameKind::kDropped) CheckLength(octets, hints, frame);
  CheckHints(octets, hints, frame);
  CheckPlain(octets, hints, frame);
  WEIR_CHECK(!PrintFrame(octets, hints).empty());
  // ICMP's checksum is always verified: its parsers get the octets without that, too.
  if (octets.size() >= kIcmpHeaderSize)
    CheckIcmp(octets, Frame{.v4 = (data[0] & 8) != 0, .ttl = 255});
  return 0;
}
