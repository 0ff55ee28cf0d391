// Reading prefixes and cutting them in halves.
#include "flood/prefix.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace weir::flood {
namespace {

constexpr uint32_t kPeersMax = 1u << 20;

// The first `bits` of 64 set.
constexpr uint64_t Mask(unsigned bits) {
  return bits == 0 ? 0 : bits >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - bits);
}

}  // namespace

std::optional<Prefix> Prefix::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::Parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::string_view number = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc() || end != number.data() + number.size() || number.empty()) {
    return std::nullopt;
  }
  if (bits > (address->is_v4() ? 32u : 128u)) return std::nullopt;
  const unsigned all = address->is_v4() ? bits + 96 : bits;
  const bool clean = (address->high() & ~Mask(std::min(all, 64u))) == 0 &&
                     (address->low() & ~Mask(all > 64 ? all - 64 : 0)) == 0;
  // An IPv4 address carries its mapping's 96 bits, which are part of every IPv4 prefix.
  if (!clean) return std::nullopt;
  return Prefix{*address, bits};
}

Sources::Sources(const Prefix& prefix)
    : prefix_(prefix), high_(prefix.address.high()), low_(prefix.address.low()) {
  WEIR_CHECK(prefix.bits <= (prefix.v4() ? 28u : 63u));
  const unsigned bits = prefix.v4() ? prefix.bits + 96 : prefix.bits;
  mask_high_ = Mask(std::min(bits, 64u));
  mask_low_ = Mask(bits > 64 ? bits - 64 : 0);
  if (bits < 64) {
    peer_high_ = uint64_t{1} << (63 - bits);
    free_high_ = peer_high_ - 1;
    free_low_ = ~uint64_t{0};
  } else {
    peer_low_ = uint64_t{1} << (127 - bits);
    free_low_ = peer_low_ - 1;
  }
  const uint64_t room = bits < 64 ? uint64_t{kPeersMax} : peer_low_;
  peers_max_ = static_cast<uint32_t>(std::min<uint64_t>(room, kPeersMax));
}

}  // namespace weir::flood
