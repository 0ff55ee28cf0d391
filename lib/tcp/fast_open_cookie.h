// Cookies of TCP Fast Open (RFC 7413 4.1.2): proof that a client's address has been heard of from
// the client itself.
#pragma once

#include <cstdint>

#include "base/siphash.h"
#include "base/time.h"
#include "tcp/epoch_keys.h"
#include "weir/address.h"
#include "wire/tcp.h"

namespace weir::tcp {

// Makes and checks cookies of eight octets: SipHash-2-4 of the client's address. All workers, and
// all hosts that share secret and clock, make the same cookies. A cookie is good for the epoch in
// which it was made and the one after: four to eight hours, and no longer than the secret, which a
// process draws when it starts unless it is told one. Who has one may use it for as many
// connections as it likes; what those may cost, PendingFastOpens limits.
class FastOpenCookieCodec {
 public:
  static constexpr uint32_t kEpochMs = 4 * 3600 * 1000;
  static constexpr uint8_t kSize = 8;
  // How far the clocks of hosts that share a secret may be apart.
  static constexpr uint32_t kSkewMs = 30000;

  // `shared`: other hosts have the secret, and clocks less than kSkewMs away from ours.
  explicit FastOpenCookieCodec(const SipKey& secret, bool shared = false)
      : keys_(secret, kKeys, kEpochMs), shared_(shared) {}

  wire::FastOpenCookie Make(const IpAddress& client, Time now) const;

  enum class Verdict : uint8_t {
    kBad,       // not ours, too old, or a request
    kGood,      // Make would make the same, or soon will
    kPrevious,  // good for now, but the client should have a new one
  };
  Verdict Check(const IpAddress& client, const wire::FastOpenCookie& cookie, Time now) const;

 private:
  static constexpr uint64_t kKeys = 0x7413;  // the RFC's number, to tell them from SYN cookies'

  uint64_t Mac(const IpAddress& client, int64_t epoch) const;

  EpochKeys keys_;
  bool shared_;
};

}  // namespace weir::tcp
