// Balancing and the count of failures.
#include "proxy/upstreams.h"

namespace weir::proxy {
namespace {

// Every bit of the result depends on every bit of `x`: multiplications carry upwards, shifts bring
// it down again.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 29)) * 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

uint64_t Mix(const IpAddress& address, uint64_t more) {
  return Mix(Mix(Mix(address.high()) ^ address.low()) ^ more);
}

}  // namespace

Upstreams::Upstreams(std::span<const Endpoint> endpoints, Balance balance,
                     const Thresholds& thresholds)
    : balance_(balance), thresholds_(thresholds) {
  for (const Endpoint& endpoint : endpoints) {
    all_.push_back({.endpoint = endpoint, .key = Mix(endpoint.address, endpoint.port)});
  }
}

std::optional<size_t> Upstreams::Choose(const IpAddress& client, uint64_t tried) {
  return balance_ == Balance::kHash ? HighestScore(client, tried) : FewestConnections(tried);
}

std::optional<size_t> Upstreams::FewestConnections(uint64_t tried) {
  std::optional<size_t> best;
  for (size_t k = 0; k < all_.size(); ++k) {
    const size_t i = (turn_ + k) % all_.size();
    if (!Eligible(i, tried)) continue;
    if (!best || all_[i].connections < all_[*best].connections) best = i;
  }
  if (best) turn_ = *best + 1;
  return best;
}

// Rendezvous hashing (Thaler and Ravishankar, 1998): each pair of client and upstream has a score
// and the highest wins. When one upstream goes, only its own clients move, and they come back with
// it; workers and proxies agree without a word, whatever the order of their lists.
std::optional<size_t> Upstreams::HighestScore(const IpAddress& client, uint64_t tried) const {
  std::optional<size_t> best;
  uint64_t best_score = 0;
  for (size_t i = 0; i < all_.size(); ++i) {
    if (!Eligible(i, tried)) continue;
    const uint64_t score = Mix(client, all_[i].key);
    if (!best || score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

bool Upstreams::Report(size_t i, bool worked) {
  Upstream& upstream = all_[i];
  if (worked) {
    upstream.failures = 0;
    if (upstream.up || ++upstream.successes < thresholds_.rise) return false;
    upstream.up = true;
    return true;
  }
  upstream.successes = 0;
  if (!upstream.up || thresholds_.fall == 0 || ++upstream.failures < thresholds_.fall) return false;
  upstream.up = false;
  return true;
}

}  // namespace weir::proxy
