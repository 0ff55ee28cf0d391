// Making and checking of SYN cookies.
#include "tcp/syn_cookie.h"

#include <array>

namespace weir::tcp {
namespace {

// The largest that does not exceed what the peer offered is remembered. 88 is the least that we
// believe; the others are what hosts and tunnels announce.
constexpr std::array<uint16_t, 8> kMss = {88, 536, 1220, 1360, 1400, 1440, 1460, 8940};
constexpr uint8_t kNoScale = 15;
// Too small a scale makes windows seem smaller than they are, which is safe.
constexpr std::array<uint8_t, 8> kScales = {kNoScale, 0, 2, 4, 6, 7, 8, 10};

constexpr uint32_t kMacMask = 0xffffff00u;
constexpr uint32_t kTimestampMask = (1u << SynCookieCodec::kTimestampBits) - 1;

// The small fields of an ISS, and of a TSval.
struct IssFields {
  unsigned mss = 0, scale = 0, sack = 0, parity = 0;

  uint8_t Pack() const { return static_cast<uint8_t>(mss << 5 | scale << 2 | sack << 1 | parity); }
  static IssFields Unpack(unsigned octet) {
    return {octet >> 5, octet >> 2 & 7, octet >> 1 & 1, octet & 1};
  }
};

unsigned MssIndex(uint16_t mss) {
  unsigned index = 0;
  while (index + 1 < kMss.size() && kMss[index + 1] <= mss) ++index;
  return index;
}

unsigned ScaleIndex(std::optional<uint8_t> scale) {
  if (!scale) return 0;
  unsigned index = 1;
  while (index + 1 < kScales.size() && kScales[index + 1] <= *scale) ++index;
  return index;
}

// What a cookie says, as one word for the MAC.
uint64_t Said(const IssFields& fields, bool timestamps, uint32_t ts_fields, uint8_t own_scale) {
  return uint64_t{fields.Pack()} | uint64_t{timestamps} << 8 | uint64_t{ts_fields} << 16 |
         uint64_t{own_scale} << 32;
}

uint32_t TimestampFields(const CookieOptions& options) {
  return static_cast<uint32_t>(options.ecn) << 4 | options.window_scale.value_or(kNoScale);
}

uint32_t IssOf(uint64_t mac, const IssFields& fields) {
  const uint32_t high = static_cast<uint32_t>(mac >> 32) & kMacMask;
  return high | (fields.Pack() ^ high >> 24);
}

}  // namespace

const SipKey& SynCookieCodec::KeyOf(int64_t epoch) const {
  EpochKey& known = keys_[epoch & 1];
  if (known.epoch != epoch) {
    const uint64_t first[2] = {static_cast<uint64_t>(epoch), 0};
    const uint64_t second[2] = {static_cast<uint64_t>(epoch), 1};
    known = {epoch, {SipHash24(secret_, first, 2), SipHash24(secret_, second, 2)}};
  }
  return known.key;
}

uint64_t SynCookieCodec::Mac(const CookieFlow& flow, int64_t epoch, uint64_t said) const {
  const SipKey& key = KeyOf(epoch);
  const uint64_t ends = static_cast<uint64_t>(flow.remote_port) << 48 |
                        static_cast<uint64_t>(flow.local_port) << 32 | flow.irs.value;
  if (flow.remote.is_v4()) {
    const uint64_t words[3] = {static_cast<uint64_t>(flow.remote.v4()) << 32 | flow.local.v4(),
                               ends, said};
    return SipHash24(key, words, 3);
  }
  const uint64_t words[6] = {
      flow.remote.high(), flow.remote.low(), flow.local.high(), flow.local.low(), ends, said};
  return SipHash24(key, words, 6);
}

SynCookieCodec::Cookie SynCookieCodec::Make(const CookieFlow& flow, const CookieOptions& options,
                                            uint8_t own_scale, Time now, uint32_t ts_now,
                                            uint32_t ts_offset) const {
  const int64_t epoch = EpochOf(now);
  const IssFields fields{MssIndex(options.mss), ScaleIndex(options.window_scale), options.sack,
                         static_cast<unsigned>(epoch & 1)};
  const uint32_t ts_fields = options.timestamps ? TimestampFields(options) : 0;
  const uint64_t mac = Mac(flow, epoch, Said(fields, options.timestamps, ts_fields, own_scale));
  Cookie cookie{Seq(IssOf(mac, fields))};
  if (options.timestamps) {
    // At or below the clock, never above: PAWS would drop the connection's next segments.
    const uint32_t low = (static_cast<uint32_t>(mac) & 0xffffu) << 5 | ts_fields;
    uint32_t clock = ts_now - ts_offset;
    clock = (clock & ~kTimestampMask) | low;
    if (static_cast<int32_t>(ts_now - ts_offset - clock) < 0) clock -= kTimestampMask + 1;
    cookie.ts_value = clock + ts_offset;
  }
  return cookie;
}

std::optional<CookieOptions> SynCookieCodec::Check(const CookieFlow& flow, Seq iss,
                                                   std::optional<uint32_t> ts_echo,
                                                   uint8_t own_scale, Time now,
                                                   uint32_t ts_offset) const {
  const IssFields fields = IssFields::Unpack(static_cast<uint8_t>(iss.value ^ iss.value >> 24));
  const int64_t epoch = EpochOf(now) - ((EpochOf(now) ^ fields.parity) & 1);
  const uint32_t low = ts_echo ? (*ts_echo - ts_offset) & kTimestampMask : 0;
  const uint32_t ts_fields = low & 0x1f;
  const uint64_t mac = Mac(flow, epoch, Said(fields, ts_echo.has_value(), ts_fields, own_scale));
  if (IssOf(mac, fields) != iss.value) return std::nullopt;
  if (ts_echo && low >> 5 != (static_cast<uint32_t>(mac) & 0xffffu)) return std::nullopt;
  CookieOptions options{.mss = kMss[fields.mss], .sack = fields.sack != 0};
  options.timestamps = ts_echo.has_value();
  options.ecn = (ts_fields >> 4) != 0;
  const uint8_t scale = ts_echo ? ts_fields & 0x0f : kScales[fields.scale];
  if (scale != kNoScale) options.window_scale = scale;
  return options;
}

}  // namespace weir::tcp
