// The Internet checksum: one loop that every sum goes through.
#include "wire/checksum.h"

#include <cstring>

#include "base/bytes.h"

namespace weir::wire {
namespace {

using Uint128 = unsigned __int128;

uint64_t LoadNative64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Both halves with an end-around carry: 2^64 is 1 modulo 2^16 - 1.
uint64_t FoldTo64(Uint128 sum) {
  const auto low = static_cast<uint64_t>(sum);
  const uint64_t total = low + static_cast<uint64_t>(sum >> 64);
  return total + (total < low ? 1 : 0);
}

// Up to seven octets as the low octets of a word, zero above.
uint64_t LoadTail(const uint8_t* p, size_t n) {
  uint64_t v = 0;
  unsigned shift = 0;
  if (n & 4) {
    uint32_t part;
    std::memcpy(&part, p, sizeof part);
    v = part;
    shift = 32;
    p += 4;
  }
  if (n & 2) {
    uint16_t part;
    std::memcpy(&part, p, sizeof part);
    v |= uint64_t{part} << shift;
    shift += 16;
    p += 2;
  }
  if (n & 1) v |= uint64_t{*p} << shift;
  return v;
}

// Of a header with little behind it: by words of four octets, whose carries fit above them.
constexpr size_t kShortMax = 80;

uint64_t SumShort(const uint8_t* p, size_t n) {
  uint64_t sum = 0;
  for (; n >= 4; n -= 4, p += 4) {
    uint32_t word;
    std::memcpy(&word, p, sizeof word);
    sum += word;
  }
  return __builtin_bswap16(Fold(n == 0 ? sum : sum + LoadTail(p, n)));
}

}  // namespace

// Octets are summed in memory order, eight at a time, and the 16-bit result is swapped once: the
// sum does not depend on the byte order it is taken in (RFC 1071 2(B)).
uint64_t SumOctets(std::span<const uint8_t> octets) {
  const uint8_t* p = octets.data();
  size_t n = octets.size();
  if (n <= kShortMax) return SumShort(p, n);
  Uint128 a = 0, b = 0;
  if (n >= 32) {
    Uint128 c = 0, d = 0;
    for (; n >= 32; n -= 32, p += 32) {
      a += LoadNative64(p);
      b += LoadNative64(p + 8);
      c += LoadNative64(p + 16);
      d += LoadNative64(p + 24);
    }
    a += c;
    b += d;
  }
  for (; n >= 8; n -= 8, p += 8) a += LoadNative64(p);
  b += LoadTail(p, n);
  return __builtin_bswap16(Fold(FoldTo64(a + b)));
}

uint16_t TransportChecksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                           std::span<const uint8_t> segment) {
  return ChecksumOf(
      PseudoHeaderSum(source, destination, protocol, static_cast<uint32_t>(segment.size())) +
      SumOctets(segment));
}

void ChainSum::Add(std::span<const uint8_t> octets) {
  const uint64_t sum = SumOctets(octets);
  // After an odd number of octets each word is off by one octet: its sum with the octets swapped.
  sum_ += odd_ ? __builtin_bswap16(static_cast<uint16_t>(sum)) : sum;
  odd_ ^= (octets.size() & 1) != 0;
}

}  // namespace weir::wire
