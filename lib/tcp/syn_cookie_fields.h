// What is in a SYN cookie, and where.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/seq.h"
#include "weir/address.h"

namespace weir::tcp {

// Which handshake: both ends, and the peer's initial sequence number.
struct CookieFlow {
  IpAddress remote;
  IpAddress local;
  uint16_t remote_port = 0;
  uint16_t local_port = 0;
  Seq irs;
};

// What the peer's SYN offered, as far as a cookie remembers it.
struct CookieOptions {
  uint16_t mss = 536;
  std::optional<uint8_t> window_scale;  // 0..14
  bool sack = false;
  bool timestamps = false;
  bool ecn = false;  // remembered only together with timestamps

  friend bool operator==(const CookieOptions&, const CookieOptions&) = default;
};

struct Cookie {
  Seq iss;
  uint32_t ts_value = 0;  // with CookieOptions::timestamps
};

// Inline: of a flood of SYNs, each one comes this way.
namespace cookie_detail {

// How many low bits of TSval are not the clock's: no later TSval of the connection is below it.
inline constexpr unsigned kTimestampBits = 21;

// The largest that does not exceed what the peer offered is remembered. 88 is the least that we
// believe; the others are what hosts and tunnels announce.
inline constexpr std::array<uint16_t, 8> kMss = {88, 536, 1220, 1360, 1400, 1440, 1460, 8940};
inline constexpr uint8_t kNoScale = 15;
// Too small a scale makes windows seem smaller than they are, which is safe.
inline constexpr std::array<uint8_t, 8> kScales = {kNoScale, 0, 2, 4, 6, 7, 8, 10};

inline constexpr uint32_t kMacMask = 0xffffff00u;
inline constexpr uint32_t kTimestampMask = (1u << kTimestampBits) - 1;

// The small fields of an ISS, and of a TSval.
struct IssFields {
  unsigned mss = 0, scale = 0, sack = 0, parity = 0;

  uint8_t Pack() const { return static_cast<uint8_t>(mss << 5 | scale << 2 | sack << 1 | parity); }
  static IssFields Unpack(unsigned octet) {
    return {octet >> 5, octet >> 2 & 7, octet >> 1 & 1, octet & 1};
  }
};

// How many of values[from..] are not above `value`.
template <class T>
constexpr uint8_t CountUpTo(const std::array<T, 8>& values, size_t from, unsigned value) {
  uint8_t count = 0;
  for (size_t i = from; i < values.size(); ++i) count += values[i] <= value;
  return count;
}

// Looked up, not searched: whoever varies the options of his SYNs does not make us guess branches.
// All but the largest MSS are multiples of four up to 1460.
inline constexpr unsigned kMssStep = 4;
inline constexpr auto kMssIndex = [] {
  std::array<uint8_t, kMss[6] / kMssStep + 1> index{};
  for (unsigned i = 0; i < index.size(); ++i) index[i] = CountUpTo(kMss, 1, i * kMssStep);
  return index;
}();
inline constexpr auto kScaleIndex = [] {
  std::array<uint8_t, kNoScale + 1> index{};
  for (unsigned i = 0; i < kNoScale; ++i) {
    index[i] = static_cast<uint8_t>(1 + CountUpTo(kScales, 2, i));
  }
  return index;
}();

inline unsigned MssIndex(uint16_t mss) {
  const unsigned step = std::min<unsigned>(mss / kMssStep, kMssIndex.size() - 1);
  return kMssIndex[step] + (mss >= kMss[7]);
}

inline unsigned ScaleIndex(std::optional<uint8_t> scale) {
  return kScaleIndex[scale.value_or(kNoScale) % kScaleIndex.size()];
}

// What a cookie says, as one word for the MAC.
inline uint64_t Said(const IssFields& fields, bool timestamps, uint32_t ts_fields,
                     uint8_t own_scale) {
  return uint64_t{fields.Pack()} | uint64_t{timestamps} << 8 | uint64_t{ts_fields} << 16 |
         uint64_t{own_scale} << 32;
}

inline uint64_t Said(const CookieOptions& options, int64_t epoch, uint8_t own_scale) {
  const IssFields fields{MssIndex(options.mss), ScaleIndex(options.window_scale), options.sack,
                         static_cast<unsigned>(epoch & 1)};
  uint32_t ts_fields = 0;
  if (options.timestamps) {
    ts_fields = static_cast<uint32_t>(options.ecn) << 4 | options.window_scale.value_or(kNoScale);
  }
  return Said(fields, options.timestamps, ts_fields, own_scale);
}

// What the MAC is taken of.
inline uint64_t PortsAndIrs(const CookieFlow& flow) {
  return static_cast<uint64_t>(flow.remote_port) << 48 |
         static_cast<uint64_t>(flow.local_port) << 32 | flow.irs.value;
}

inline std::array<uint64_t, 3> MessageV4(const CookieFlow& flow, uint64_t said) {
  return {static_cast<uint64_t>(flow.remote.v4()) << 32 | flow.local.v4(), PortsAndIrs(flow), said};
}

inline std::array<uint64_t, 6> MessageV6(const CookieFlow& flow, uint64_t said) {
  return {flow.remote.high(), flow.remote.low(), flow.local.high(),
          flow.local.low(),   PortsAndIrs(flow), said};
}

// `octet` is the packed fields.
inline uint32_t IssOf(uint64_t mac, uint8_t octet) {
  const uint32_t high = static_cast<uint32_t>(mac >> 32) & kMacMask;
  return high | (octet ^ high >> 24);
}

// `ts_latest` is what the TSval may be at most.
inline Cookie CookieOf(uint64_t mac, uint64_t said, uint32_t ts_latest, uint32_t ts_offset) {
  Cookie cookie{Seq(IssOf(mac, static_cast<uint8_t>(said)))};
  if ((said >> 8 & 1) != 0) {
    // At or below the clock, never above: PAWS would drop the connection's next segments.
    const uint32_t ts_fields = said >> 16 & 0x1f;
    const uint32_t low = (static_cast<uint32_t>(mac) & 0xffffu) << 5 | ts_fields;
    const uint32_t latest = ts_latest - ts_offset;
    uint32_t clock = (latest & ~kTimestampMask) | low;
    if (static_cast<int32_t>(latest - clock) < 0) clock -= kTimestampMask + 1;
    cookie.ts_value = clock + ts_offset;
  }
  return cookie;
}

}  // namespace cookie_detail
}  // namespace weir::tcp
