// Making and checking of fast-open cookies.
#include "tcp/fast_open_cookie.h"

#include "base/bytes.h"

namespace weir::tcp {

uint64_t FastOpenCookieCodec::Mac(const IpAddress& client, int64_t epoch) const {
  const uint64_t address[2] = {client.high(), client.low()};
  return SipHash24(keys_.KeyOf(epoch), address, 2);
}

wire::FastOpenCookie FastOpenCookieCodec::Make(const IpAddress& client, Time now) const {
  wire::FastOpenCookie cookie{.size = kSize};
  const uint64_t mac = Mac(client, keys_.EpochOf(now));
  StoreBe32(cookie.octets.data(), static_cast<uint32_t>(mac >> 32));
  StoreBe32(cookie.octets.data() + 4, static_cast<uint32_t>(mac));
  return cookie;
}

FastOpenCookieCodec::Verdict FastOpenCookieCodec::Check(const IpAddress& client,
                                                        const wire::FastOpenCookie& cookie,
                                                        Time now) const {
  if (cookie.size != kSize) return Verdict::kBad;
  const uint64_t mac = LoadBe64(cookie.octets.data());
  const int64_t epoch = keys_.EpochOf(now);
  if (mac == Mac(client, epoch)) return Verdict::kGood;
  // Another host's clock may be ahead.
  const int64_t next = shared_ ? keys_.EpochOf(now + Milliseconds(kSkewMs)) : epoch;
  if (next != epoch && mac == Mac(client, next)) return Verdict::kGood;
  return mac == Mac(client, epoch - 1) ? Verdict::kPrevious : Verdict::kBad;
}

}  // namespace weir::tcp
