// Making and checking of SYN cookies.
#include "tcp/syn_cookie.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/siphash_lanes.h"

namespace weir::tcp {
using namespace cookie_detail;

uint64_t SynCookieCodec::Mac(const CookieFlow& flow, int64_t epoch, uint64_t said) const {
  const SipKey& key = keys_.KeyOf(epoch);
  if (flow.remote.is_v4()) return SipHash24(key, MessageV4(flow, said).data(), 3);
  return SipHash24(key, MessageV6(flow, said).data(), 6);
}

SynCookieCodec::Cookie SynCookieCodec::Make(const CookieFlow& flow, const CookieOptions& options,
                                            uint8_t own_scale, Time now, uint32_t ts_now,
                                            uint32_t ts_offset) const {
  const int64_t epoch = keys_.EpochOf(now);
  const uint64_t said = Said(options, epoch, own_scale);
  return CookieOf(Mac(flow, epoch, said), said, ts_now - Behind(), ts_offset);
}

int64_t SynCookieCodec::EpochOf(Seq iss, Time now) const {
  const IssFields fields = IssFields::Unpack(static_cast<uint8_t>(iss.value ^ iss.value >> 24));
  const int64_t epoch = keys_.EpochOf(now);
  return epoch - ((epoch ^ fields.parity) & 1);
}

SynCookieCodec::Cookie SynCookieCodec::MakeAgain(const CookieFlow& flow,
                                                 const CookieOptions& options, Seq iss,
                                                 uint8_t own_scale, Time made, uint32_t ts_now,
                                                 uint32_t ts_offset) const {
  const int64_t epoch = EpochOf(iss, made);
  const uint64_t said = Said(options, epoch, own_scale);
  return CookieOf(Mac(flow, epoch, said), said, ts_now - Behind(), ts_offset);
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
  const bool may_be_next = shared_ && epoch != keys_.EpochOf(now);
  if (!made_in(epoch) && !(may_be_next && made_in(epoch + 2))) return std::nullopt;
  CookieOptions options{.mss = kMss[fields.mss], .sack = fields.sack != 0};
  options.timestamps = ts_echo.has_value();
  options.ecn = (ts_fields >> 4) != 0;
  const uint8_t scale = ts_echo ? ts_fields & 0x0f : kScales[fields.scale];
  if (scale != kNoScale) options.window_scale = scale;
  return options;
}

}  // namespace weir::tcp
