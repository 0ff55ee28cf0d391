// IP addresses and transport end points as plain values.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// An IPv4 or IPv6 address, always 16 octets in network order; IPv4 is held as the IPv4-mapped
// address ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that every table and key has one shape.
//
//   IpAddress a = *IpAddress::Parse("198.18.0.2");
//   a.is_v4();      // true
//   a.ToString();   // "198.18.0.2"
//
// A value: copy it freely, from any thread.
class IpAddress {
 public:
  constexpr IpAddress() = default;  // the unspecified address "::"

  static constexpr IpAddress V4(uint32_t host_order) {
    return IpAddress(0, uint64_t{__builtin_bswap32(host_order)} << 32 | kMappedMark);
  }
  static constexpr IpAddress V6(const std::array<uint8_t, 16>& network_order) {
    const auto words = std::bit_cast<std::array<uint64_t, 2>>(network_order);
    return IpAddress(words[0], words[1]);
  }
  // Reads 16 octets in network order.
  static IpAddress FromV6Octets(const uint8_t* octets) {
    IpAddress a;
    std::memcpy(&a.first_, octets, 8);
    std::memcpy(&a.last_, octets + 8, 8);
    return a;
  }
  // Dotted quad or RFC 4291 text (no prefix length, no zone); nothing on any error.
  static std::optional<IpAddress> Parse(std::string_view text);

  constexpr bool is_v4() const {
    return (first_ | (static_cast<uint32_t>(last_) ^ kMappedMark)) == 0;
  }
  constexpr bool is_unspecified() const {
    return (first_ | last_) == 0 || (first_ | (last_ ^ kMappedMark)) == 0;
  }
  // The IPv4 address in host order; meaningful only when is_v4().
  constexpr uint32_t v4() const { return __builtin_bswap32(raw_v4()); }
  // The same four octets as they lie in memory, for sums that do not mind the order.
  constexpr uint32_t raw_v4() const { return static_cast<uint32_t>(last_ >> 32); }
  // In network order.
  constexpr std::array<uint8_t, 16> octets() const {
    return std::bit_cast<std::array<uint8_t, 16>>(*this);
  }
  // The first and last eight octets as big-endian numbers: what keyed hashes and prefixes work on.
  constexpr uint64_t high() const { return __builtin_bswap64(first_); }
  constexpr uint64_t low() const { return __builtin_bswap64(last_); }

  // True for IPv4 127/8 and ::1.
  bool is_loopback() const;
  // True for IPv4 224/4 and IPv6 ff00::/8.
  bool is_multicast() const;
  // True for fe80::/10.
  bool is_link_local_v6() const { return (high() >> 54) == (0xfe80u >> 6); }
  // True if the first `bits` bits equal those of `other`; for IPv4, 0..32 counted in the IPv4 part.
  bool InPrefix(const IpAddress& other, unsigned bits) const;

  std::string ToString() const;

  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    return ((a.first_ ^ b.first_) | (a.last_ ^ b.last_)) == 0;
  }
  // As the octets compare.
  friend constexpr std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
    return a.high() != b.high() ? a.high() <=> b.high() : a.low() <=> b.low();
  }

 private:
  constexpr IpAddress(uint64_t first, uint64_t last) : first_(first), last_(last) {}

  static constexpr uint32_t kMappedMark = 0xffff0000u;  // octets 8 to 11 of an IPv4 address

  // The octets as they lie in the memory of a little-endian machine. Two numbers, not an array of
  // octets: they stay in registers where addresses are copied, hashed and compared.
  uint64_t first_ = 0;
  uint64_t last_ = 0;
};
static_assert(sizeof(IpAddress) == 16);
static_assert(std::endian::native == std::endian::little, "see IpAddress::first_");

// An address and a TCP port (host order).
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  // "198.18.0.2:80" or "[2001:2::2]:80"; nothing on any error. The port is 0..65535.
  static std::optional<Endpoint> Parse(std::string_view text);
  std::string ToString() const;
  friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace weir
