// Text forms and classes of IP addresses.
#include "weir/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace weir {
namespace {

// Where the IPv4 part of a mapped address begins, in bits.
constexpr unsigned kMappedPrefixBits = 96;
// Longer text than this is no address (INET6_ADDRSTRLEN counts the terminator).
constexpr size_t kTextMax = INET6_ADDRSTRLEN - 1;

}  // namespace

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  if (text.empty() || text.size() > kTextMax) return std::nullopt;
  char terminated[INET6_ADDRSTRLEN] = {};
  std::memcpy(terminated, text.data(), text.size());
  if (std::strlen(terminated) != text.size()) return std::nullopt;  // an embedded NUL
  in_addr v4;
  if (inet_pton(AF_INET, terminated, &v4) == 1) return V4(ntohl(v4.s_addr));
  std::array<uint8_t, 16> v6;
  if (inet_pton(AF_INET6, terminated, v6.data()) == 1) return V6(v6);
  return std::nullopt;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return v4() >> 24 == 127;
  return high() == 0 && low() == 1;
}

bool IpAddress::is_multicast() const {
  if (is_v4()) return v4() >> 28 == 0xe;
  return high() >> 56 == 0xff;
}

bool IpAddress::InPrefix(const IpAddress& other, unsigned bits) const {
  if (is_v4() != other.is_v4()) return false;
  if (is_v4()) bits += kMappedPrefixBits;
  bits = std::min(bits, 128u);
  // How many leading bits are the same.
  const uint64_t high_differs = high() ^ other.high(), low_differs = low() ^ other.low();
  const int same =
      high_differs != 0 ? std::countl_zero(high_differs) : 64 + std::countl_zero(low_differs);
  return static_cast<unsigned>(same) >= bits;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  const std::array<uint8_t, 16> network_order = octets();
  if (is_v4()) {
    inet_ntop(AF_INET, network_order.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, network_order.data(), text, sizeof text);
  }
  return text;
}

std::optional<Endpoint> Endpoint::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> address = IpAddress::Parse(host);
  // Brackets belong to the notation of IPv6, where the colon would mean two things without them.
  if (!address || bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  Endpoint endpoint{*address};
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, endpoint.port);
  if (error != std::errc() || rest != end) return std::nullopt;
  return endpoint;
}

std::string Endpoint::ToString() const {
  const std::string host = address.ToString();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace weir
