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
    IpAddress a;
    a.octets_[10] = 0xff;
    a.octets_[11] = 0xff;
    a.octets_[12] = static_cast<uint8_t>(host_order >> 24);
    a.octets_[13] = static_cast<uint8_t>(host_order >> 16);
    a.octets_[14] = static_cast<uint8_t>(host_order >> 8);
    a.octets_[15] = static_cast<uint8_t>(host_order);
    return a;
  }
  static constexpr IpAddress V6(const std::array<uint8_t, 16>& network_order) {
    IpAddress a;
    a.octets_ = network_order;
    return a;
  }
  // Reads 16 octets in network order.
  static IpAddress FromV6Octets(const uint8_t* octets) {
    IpAddress a;
    std::memcpy(a.octets_.data(), octets, 16);
    return a;
  }
  // Dotted quad or RFC 4291 text (no prefix length, no zone); nothing on any error.
  static std::optional<IpAddress> Parse(std::string_view text);

  constexpr bool is_v4() const {
    const Words w = words();
    return (w[0] | (static_cast<uint32_t>(w[1]) ^ kMappedMark)) == 0;
  }
  constexpr bool is_unspecified() const {
    const Words w = words();
    return (w[0] | w[1]) == 0 || (w[0] | (w[1] ^ kMappedMark)) == 0;
  }
  // The IPv4 address in host order; meaningful only when is_v4().
  constexpr uint32_t v4() const { return static_cast<uint32_t>(low()); }
  constexpr const std::array<uint8_t, 16>& octets() const { return octets_; }
  // The first and last eight octets as big-endian numbers: what keyed hashes and prefixes work on.
  constexpr uint64_t high() const { return __builtin_bswap64(words()[0]); }
  constexpr uint64_t low() const { return __builtin_bswap64(words()[1]); }

  // True for IPv4 127/8 and ::1.
  bool is_loopback() const;
  // True for IPv4 224/4 and IPv6 ff00::/8.
  bool is_multicast() const;
  // True for fe80::/10.
  bool is_link_local_v6() const { return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80; }
  // True if the first `bits` bits equal those of `other`; for IPv4, 0..32 counted in the IPv4 part.
  bool InPrefix(const IpAddress& other, unsigned bits) const;

  std::string ToString() const;

  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    const Words v = a.words(), w = b.words();
    return ((v[0] ^ w[0]) | (v[1] ^ w[1])) == 0;
  }
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  // The octets as they lie in the memory of a little-endian machine: every packet is compared by
  // these.
  using Words = std::array<uint64_t, 2>;
  static constexpr uint32_t kMappedMark = 0xffff0000u;  // octets 8 to 11 of an IPv4 address
  constexpr Words words() const { return std::bit_cast<Words>(octets_); }

  std::array<uint8_t, 16> octets_{};
};
static_assert(sizeof(IpAddress) == 16);

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
