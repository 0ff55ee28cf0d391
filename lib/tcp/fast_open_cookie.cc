// Making and checking of fast-open cookies.
#include "tcp/fast_open_cookie.h"

#include "base/bytes.h"

namespace weir::tcp {
namespace {

// Tells these keys from those of SYN cookies, which come from the same secret.
constexpr uint64_t kFastOpenKeys = 0x7413;

}  // namespace

uint64_t FastOpenCookieCodec::Mac(const IpAddress& client, int64_t epoch) const {
  EpochKey& known = keys_[epoch & 3];
  if (known.epoch != epoch) {
    const uint64_t first[3] = {static_cast<uint64_t>(epoch), 0, kFastOpenKeys};
    const uint64_t second[3] = {static_cast<uint64_t>(epoch), 1, kFastOpenKeys};
    known = {epoch, {SipHash24(secret_, first, 3), SipHash24(secret_, second, 3)}};
  }
  const uint64_t address[2] = {client.high(), client.low()};
  return SipHash24(known.key, address, 2);
}

wire::FastOpenCookie FastOpenCookieCodec::Make(const IpAddress& client, Time now) const {
  wire::FastOpenCookie cookie{.size = kSize};
  const uint64_t mac = Mac(client, EpochOf(now));
  StoreBe32(cookie.octets.data(), static_cast<uint32_t>(mac >> 32));
  StoreBe32(cookie.octets.data() + 4, static_cast<uint32_t>(mac));
  return cookie;
}

FastOpenCookieCodec::Verdict FastOpenCookieCodec::Check(const IpAddress& client,
                                                        const wire::FastOpenCookie& cookie,
                                                        Time now) const {
  if (cookie.size != kSize) return Verdict::kBad;
  const uint64_t mac = LoadBe64(cookie.octets.data());
  const int64_t epoch = EpochOf(now);
  if (mac == Mac(client, epoch)) return Verdict::kGood;
  // Another host's clock may be ahead.
  const int64_t next = shared_ ? EpochOf(now + Milliseconds(kSkewMs)) : epoch;
  if (next != epoch && mac == Mac(client, next)) return Verdict::kGood;
  return mac == Mac(client, epoch - 1) ? Verdict::kPrevious : Verdict::kBad;
}

}  // namespace weir::tcp
