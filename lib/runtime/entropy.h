// Entropy: the secrets of a process, from the kernel.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "base/siphash.h"

namespace weir::runtime {

// Fills `out` by getrandom(2). On an error nothing may run: a guessable key is worse than none.
[[nodiscard]] absl::Status FillRandom(std::span<uint8_t> out);

// All secrets that one process needs; drawn once at start.
struct Secrets {
  uint8_t rss_key[52];
  SipKey isn;
  SipKey timestamp;
  SipKey cookie;
  uint64_t clock_origin;
  uint8_t mac[6];   // for devices without an address
  uint64_t shards;  // seed of what differs from shard to shard and needs no more than 64 bits
};
[[nodiscard]] absl::Status DrawSecrets(Secrets& secrets);

// Takes the keys that other servers must have as well, those of cookies and timestamps, from a
// secret that they share.
void ShareSecrets(const SipKey& shared, Secrets& secrets);

}  // namespace weir::runtime
