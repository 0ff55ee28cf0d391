// IcmpLimiter: how many ICMP answers may leave; nobody can count the tokens from outside.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/prng.h"
#include "base/time.h"
#include "base/token_bucket.h"

namespace weir::ip {

// A token bucket whose answers cost one token or two, by chance: with an exact bucket shared by
// all, an attacker could learn from his own answers how many others had been sent (CVE-2020-25705).
// On average `per_second` answers leave; a rate of 0 lets nothing through.
class IcmpLimiter {
 public:
  IcmpLimiter(uint32_t per_second, uint64_t seed) : bucket_(Tokens(per_second)), prng_(seed) {}

  bool Take(Time now) {
    if (owes_ && !bucket_.Take(now)) return false;
    owes_ = false;
    if (!bucket_.Take(now)) return false;
    owes_ = prng_.Chance(500);
    return true;
  }

 private:
  // One and a half tokens is what an answer costs on average.
  static uint32_t Tokens(uint32_t per_second) {
    return static_cast<uint32_t>(std::min<uint64_t>(uint64_t{per_second} * 3 / 2, 1u << 30));
  }

  TokenBucket bucket_;
  Prng prng_;
  bool owes_ = false;  // the last answer's second token has still to be paid
};

}  // namespace weir::ip
