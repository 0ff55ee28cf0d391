// Upstreams: which servers there are behind the proxy, which of them are up, and whose turn it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "weir/address.h"

namespace weir::proxy {

enum class Balance : uint8_t {
  kLeastConnections,  // the one with the fewest connections of this worker; in turn among equals
  kHash,              // by the client's address, always the same while that one is up
};

// How many failures in a row take an upstream down, and how many good checks bring it back.
struct Thresholds {
  uint32_t fall = 3;  // 0: never down
  uint32_t rise = 2;
};

// One worker's view; no network and no clock in here.
class Upstreams {
 public:
  static constexpr size_t kMax = 64;  // a set of them is a bit mask

  // At least one and at most kMax.
  Upstreams(std::span<const Endpoint> endpoints, Balance balance, const Thresholds& thresholds);

  size_t size() const { return all_.size(); }
  const Endpoint& endpoint(size_t i) const { return all_[i].endpoint; }
  bool up(size_t i) const { return all_[i].up; }
  uint32_t connections(size_t i) const { return all_[i].connections; }

  // The upstream for a client that has tried those in `tried` (bit i for number i) already; nothing
  // when no other is up.
  std::optional<size_t> Choose(const IpAddress& client, uint64_t tried);
  void AddConnection(size_t i) { ++all_[i].connections; }
  void DropConnection(size_t i) { --all_[i].connections; }

  // A connect for a check or a client worked, or did not. Returns whether that turned it up or
  // down.
  bool Report(size_t i, bool worked);

 private:
  struct Upstream {
    Endpoint endpoint;
    uint64_t key;  // its own part of the score
    bool up = true;
    uint32_t connections = 0;
    uint32_t failures = 0;   // in a row
    uint32_t successes = 0;  // in a row, while down
  };
  std::optional<size_t> FewestConnections(uint64_t tried);
  std::optional<size_t> HighestScore(const IpAddress& client, uint64_t tried) const;
  bool Eligible(size_t i, uint64_t tried) const { return all_[i].up && (tried >> i & 1) == 0; }

  std::vector<Upstream> all_;
  Balance balance_;
  Thresholds thresholds_;
  size_t turn_ = 0;
};

}  // namespace weir::proxy
