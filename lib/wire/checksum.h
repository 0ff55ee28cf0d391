// The Internet checksum (RFC 1071, RFC 1624): sums, pseudo-headers, incremental update.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "weir/address.h"

namespace weir::wire {

// Every sum here is a sum of big-endian 16-bit words as host-order numbers. Sums of several ranges
// and plain 16- and 32-bit numbers may be added up in 64 bits in any order and folded once at the
// end; all ranges but the last must have an even length (ChainSum takes any lengths).

// The ones-complement sum of `sum`'s 16-bit digits: 0..0xffff. Each step adds both halves and takes
// the upper one: the lower adds the same two numbers, and what it carries is the end-around carry.
constexpr uint16_t Fold(uint64_t sum) {
  const auto half = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<uint16_t>((half + std::rotl(half, 16)) >> 16);
}

// The sum of the octets, already folded (0..0xffff); an odd last octet is padded with zero.
[[nodiscard]] uint64_t SumOctets(std::span<const uint8_t> octets);

// The checksum field's value for a sum that was taken with that field zero. The sum of octets with
// a right checksum in them gives 0.
constexpr uint16_t ChecksumOf(uint64_t sum) { return static_cast<uint16_t>(~Fold(sum)); }

// An address as pseudo-headers have it: four octets of IPv4, sixteen of IPv6.
[[nodiscard]] inline uint64_t AddressSum(const IpAddress& address) {
  if (address.is_v4()) return address.v4();
  const uint64_t high = address.high(), low = address.low();
  return (high >> 32) + static_cast<uint32_t>(high) + (low >> 32) + static_cast<uint32_t>(low);
}

// The pseudo-header of RFC 9293 3.1 for two IPv4 addresses, of RFC 8200 8.1 otherwise; `size` is
// the transport header with all behind it.
[[nodiscard]] inline uint64_t PseudoHeaderSum(const IpAddress& source, const IpAddress& destination,
                                              uint8_t protocol, uint32_t size) {
  return AddressSum(source) + AddressSum(destination) + protocol + size;
}

// The checksum of one contiguous transport segment whose checksum field is zero; over a segment
// that carries its checksum, 0 means that it is right.
[[nodiscard]] uint16_t TransportChecksum(const IpAddress& source, const IpAddress& destination,
                                         uint8_t protocol, std::span<const uint8_t> segment);

// RFC 1624 equation 3: the checksum after one aligned 16-bit word of the data went from `before` to
// `after`. Wrong (0, not 0xffff) where that leaves nothing but zeros in all that is summed: pseudo-
// headers and IP headers never are.
constexpr uint16_t UpdateChecksum(uint16_t checksum, uint16_t before, uint16_t after) {
  return ChecksumOf(uint64_t{static_cast<uint16_t>(~checksum)} + static_cast<uint16_t>(~before) +
                    after);
}
// The same for an aligned 32-bit number.
constexpr uint16_t UpdateChecksum32(uint16_t checksum, uint32_t before, uint32_t after) {
  return ChecksumOf(uint64_t{static_cast<uint16_t>(~checksum)} + static_cast<uint32_t>(~before) +
                    after);
}

// Sums text that lies in several buffers of any lengths, odd ones included.
class ChainSum {
 public:
  explicit ChainSum(uint64_t first = 0) : sum_(first) {}
  void Add(std::span<const uint8_t> octets);
  uint64_t sum() const { return sum_; }

 private:
  uint64_t sum_;
  bool odd_ = false;  // an odd number of octets has been added
};

}  // namespace weir::wire
