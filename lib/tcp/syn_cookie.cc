// Making and checking of SYN cookies.
#include "tcp/syn_cookie.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/siphash_lanes.h"

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

// Counted, not searched: whoever varies the options of his SYNs does not make us guess branches.
unsigned MssIndex(uint16_t mss) {
  unsigned index = 0;
  for (size_t i = 1; i < kMss.size(); ++i) index += kMss[i] <= mss;
  return index;
}

unsigned ScaleIndex(std::optional<uint8_t> scale) {
  if (!scale) return 0;
  unsigned index = 1;
  for (size_t i = 2; i < kScales.size(); ++i) index += kScales[i] <= *scale;
  return index;
}

// What a cookie says, as one word for the MAC.
uint64_t Said(const IssFields& fields, bool timestamps, uint32_t ts_fields, uint8_t own_scale) {
  return uint64_t{fields.Pack()} | uint64_t{timestamps} << 8 | uint64_t{ts_fields} << 16 |
         uint64_t{own_scale} << 32;
}

uint64_t Said(const CookieOptions& options, int64_t epoch, uint8_t own_scale) {
  const IssFields fields{MssIndex(options.mss), ScaleIndex(options.window_scale), options.sack,
                         static_cast<unsigned>(epoch & 1)};
  uint32_t ts_fields = 0;
  if (options.timestamps) {
    ts_fields = static_cast<uint32_t>(options.ecn) << 4 | options.window_scale.value_or(kNoScale);
  }
  return Said(fields, options.timestamps, ts_fields, own_scale);
}

// What the MAC is taken of.
uint64_t PortsAndIrs(const CookieFlow& flow) {
  return static_cast<uint64_t>(flow.remote_port) << 48 |
         static_cast<uint64_t>(flow.local_port) << 32 | flow.irs.value;
}

std::array<uint64_t, 3> MessageV4(const CookieFlow& flow, uint64_t said) {
  return {static_cast<uint64_t>(flow.remote.v4()) << 32 | flow.local.v4(), PortsAndIrs(flow), said};
}

std::array<uint64_t, 6> MessageV6(const CookieFlow& flow, uint64_t said) {
  return {flow.remote.high(), flow.remote.low(), flow.local.high(),
          flow.local.low(),   PortsAndIrs(flow), said};
}

// `octet` is the packed fields.
uint32_t IssOf(uint64_t mac, uint8_t octet) {
  const uint32_t high = static_cast<uint32_t>(mac >> 32) & kMacMask;
  return high | (octet ^ high >> 24);
}

// `ts_latest` is what the TSval may be at most.
SynCookieCodec::Cookie CookieOf(uint64_t mac, uint64_t said, uint32_t ts_latest,
                                uint32_t ts_offset) {
  SynCookieCodec::Cookie cookie{Seq(IssOf(mac, static_cast<uint8_t>(said)))};
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

}  // namespace

const SipKey& SynCookieCodec::KeyOf(int64_t epoch) const {
  EpochKey& known = keys_[epoch & 3];
  if (known.epoch != epoch) {
    const uint64_t first[2] = {static_cast<uint64_t>(epoch), 0};
    const uint64_t second[2] = {static_cast<uint64_t>(epoch), 1};
    known = {epoch, {SipHash24(secret_, first, 2), SipHash24(secret_, second, 2)}};
  }
  return known.key;
}

uint64_t SynCookieCodec::Mac(const CookieFlow& flow, int64_t epoch, uint64_t said) const {
  const SipKey& key = KeyOf(epoch);
  if (flow.remote.is_v4()) return SipHash24(key, MessageV4(flow, said).data(), 3);
  return SipHash24(key, MessageV6(flow, said).data(), 6);
}

SynCookieCodec::Cookie SynCookieCodec::Make(const CookieFlow& flow, const CookieOptions& options,
                                            uint8_t own_scale, Time now, uint32_t ts_now,
                                            uint32_t ts_offset) const {
  const int64_t epoch = EpochOf(now);
  const uint64_t said = Said(options, epoch, own_scale);
  return CookieOf(Mac(flow, epoch, said), said, Latest(ts_now), ts_offset);
}

int64_t SynCookieCodec::EpochOf(Seq iss, Time now) {
  const IssFields fields = IssFields::Unpack(static_cast<uint8_t>(iss.value ^ iss.value >> 24));
  return EpochOf(now) - ((EpochOf(now) ^ fields.parity) & 1);
}

SynCookieCodec::Cookie SynCookieCodec::MakeAgain(const CookieFlow& flow,
                                                 const CookieOptions& options, Seq iss,
                                                 uint8_t own_scale, Time now, uint32_t ts_now,
                                                 uint32_t ts_offset) const {
  const int64_t epoch = EpochOf(iss, now);
  const uint64_t said = Said(options, epoch, own_scale);
  return CookieOf(Mac(flow, epoch, said), said, Latest(ts_now), ts_offset);
}

void SynCookieCodec::MakeBatch(std::span<const Request> requests, Time now,
                               std::span<Cookie> cookies) const {
  WEIR_DCHECK(requests.size() == cookies.size());
  constexpr size_t kRoom = SipBatch<3>::kRoom;
  const int64_t epoch = EpochOf(now);
  const SipKey& key = KeyOf(epoch);
  SipBatch<3> v4;
  SipBatch<6> v6;
  std::array<uint64_t, kRoom> said;
  for (size_t begin = 0; begin < requests.size(); begin += kRoom) {
    const auto part = requests.subspan(begin, std::min(kRoom, requests.size() - begin));
    for (size_t i = 0; i < part.size(); ++i) {
      const Request& r = part[i];
      said[i] = Said(r.options, epoch, r.own_scale);
      if (r.flow.remote.is_v4()) {
        v4.Add(i, MessageV4(r.flow, said[i]));
      } else {
        v6.Add(i, MessageV6(r.flow, said[i]));
      }
    }
    const auto done = [&](size_t i, uint64_t mac) {
      cookies[begin + i] = CookieOf(mac, said[i], Latest(part[i].ts_now), part[i].ts_offset);
    };
    v4.HashAll(key, done);
    v6.HashAll(key, done);
  }
}

std::optional<CookieOptions> SynCookieCodec::Check(const CookieFlow& flow, Seq iss,
                                                   std::optional<uint32_t> ts_echo,
                                                   uint8_t own_scale, Time now,
                                                   uint32_t ts_offset) const {
  const IssFields fields = IssFields::Unpack(static_cast<uint8_t>(iss.value ^ iss.value >> 24));
  const int64_t epoch = EpochOf(iss, now);
  const uint32_t low = ts_echo ? (*ts_echo - ts_offset) & kTimestampMask : 0;
  const uint32_t ts_fields = low & 0x1f;
  const uint64_t said = Said(fields, ts_echo.has_value(), ts_fields, own_scale);
  const auto made_in = [&](int64_t made) {
    const uint64_t mac = Mac(flow, made, said);
    return IssOf(mac, fields.Pack()) == iss.value &&
           (!ts_echo || low >> 5 == (static_cast<uint32_t>(mac) & 0xffffu));
  };
  // The parity tells this epoch from its neighbours, but not those from each other.
  const bool may_be_next = shared_ && epoch != EpochOf(now);
  if (!made_in(epoch) && !(may_be_next && made_in(epoch + 2))) return std::nullopt;
  CookieOptions options{.mss = kMss[fields.mss], .sack = fields.sack != 0};
  options.timestamps = ts_echo.has_value();
  options.ecn = (ts_fields >> 4) != 0;
  const uint8_t scale = ts_echo ? ts_fields & 0x0f : kScales[fields.scale];
  if (scale != kNoScale) options.window_scale = scale;
  return options;
}

}  // namespace weir::tcp
