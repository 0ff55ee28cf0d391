// Prefix: a network of addresses, and the part of it that floods come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/prng.h"
#include "weir/address.h"

namespace weir::flood {

// Bits beyond `bits` are zero (IPv4: 0..32 bits, IPv6: 0..128).
struct Prefix {
  IpAddress address;
  unsigned bits = 0;

  // "198.18.0.0/15"; nothing on any error, also when bits beyond the length are set.
  static std::optional<Prefix> Parse(std::string_view text);
  bool v4() const { return address.is_v4(); }
  bool Contains(const IpAddress& other) const {
    return other.is_v4() == v4() && address.InPrefix(other, bits);
  }
  bool Contains(const Prefix& other) const { return other.bits >= bits && Contains(other.address); }
  std::string ToString() const { return address.ToString() + "/" + std::to_string(bits); }
};

// The sources of a flood: the lower half of a prefix are hosts that do not exist, the upper half
// those that complete handshakes. IPv6: of the low 64 bits of an address that does not exist all
// are random.
class Sources {
 public:
  // IPv4: at most 28 bits, IPv6: at most 63.
  explicit Sources(const Prefix& prefix);

  const Prefix& prefix() const { return prefix_; }
  bool Contains(const IpAddress& address) const {
    return ((address.high() ^ high_) & mask_high_) == 0 &&
           ((address.low() ^ low_) & mask_low_) == 0;
  }
  // An address of nobody.
  IpAddress Random(Prng& random) const {
    return Make(high_ | (random.Next() & free_high_), low_ | (random.Next() & free_low_));
  }
  // One of 256 neighbouring addresses of nobody (fewer in a small prefix).
  IpAddress Neighbour(uint8_t n) const { return Make(high_, low_ | (n & free_low_)); }
  // The address of the n-th host, n < peers_max().
  IpAddress Peer(uint32_t n) const { return Make(high_ | peer_high_, low_ | peer_low_ | n); }
  uint32_t peers_max() const { return peers_max_; }
  // The n that gives this address, or nothing.
  std::optional<uint32_t> PeerIndex(const IpAddress& address) const {
    if (address.high() != (high_ | peer_high_)) return std::nullopt;
    const uint64_t n = address.low() ^ (low_ | peer_low_);
    if (n >= peers_max_) return std::nullopt;
    return static_cast<uint32_t>(n);
  }

 private:
  static IpAddress Make(uint64_t high, uint64_t low) {
    const uint64_t words[2] = {__builtin_bswap64(high), __builtin_bswap64(low)};
    return IpAddress::FromV6Octets(reinterpret_cast<const uint8_t*>(words));
  }

  Prefix prefix_;
  uint64_t high_, low_;                    // of the prefix
  uint64_t mask_high_, mask_low_;          // bits of the prefix
  uint64_t free_high_ = 0, free_low_ = 0;  // random bits
  uint64_t peer_high_ = 0, peer_low_ = 0;  // the bit that tells the halves apart
  uint32_t peers_max_;
};

}  // namespace weir::flood
