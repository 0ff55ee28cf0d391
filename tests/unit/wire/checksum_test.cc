// The Internet checksum against the RFCs' examples and against the plainest possible loop.
#include "wire/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"
#include "unit/wire/sample_frames.h"

namespace weir::wire {
namespace {

// RFC 1071 4.1, one word at a time.
uint16_t PlainSum(std::span<const uint8_t> octets, uint32_t sum = 0) {
  for (size_t i = 0; i < octets.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{octets[i]} << 8 : octets[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(sum);
}

Octets RandomOctets(Prng& prng, size_t size) {
  Octets octets(size);
  for (uint8_t& o : octets) o = static_cast<uint8_t>(prng.Next());
  return octets;
}

TEST(Checksum, EqualsTheExampleOfRfc1071) {
  const Octets octets = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(SumOctets(octets), 0xddf2u);
  EXPECT_EQ(ChecksumOf(SumOctets(octets)), 0x220d);
}

TEST(Checksum, EqualsAKnownIpv4Header) {
  const Octets header = {0x45, 0, 0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
                         0,    0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7};
  EXPECT_EQ(ChecksumOf(SumOctets(header)), 0xb861);
}

TEST(Checksum, FoldsCarriesUntilNoneIsLeft) {
  EXPECT_EQ(Fold(0), 0);
  EXPECT_EQ(Fold(0xffff), 0xffff);
  EXPECT_EQ(Fold(0x10000), 1);
  EXPECT_EQ(Fold(0x1fffe), 0xffff);
  EXPECT_EQ(Fold(0x1ffff), 1);
  EXPECT_EQ(Fold(~uint64_t{0}), 0xffff);
  EXPECT_EQ(Fold(0xffffffff00000001u), 1);
  EXPECT_EQ(Fold(0x0001000200030004u), 10);
}

TEST(Checksum, AgreesWithThePlainLoopAtEveryLengthAndAlignment) {
  Prng prng(1);
  for (size_t length = 0; length <= 200; ++length) {
    for (size_t shift = 0; shift < 8; ++shift) {
      const Octets octets = RandomOctets(prng, shift + length);
      const auto range = std::span(octets).subspan(shift);
      ASSERT_EQ(SumOctets(range), PlainSum(range)) << length << " octets at " << shift;
    }
  }
  for (int i = 0; i < 200; ++i) {
    const Octets octets = RandomOctets(prng, prng.Below(10000));
    ASSERT_EQ(SumOctets(octets), PlainSum(octets));
  }
}

TEST(Checksum, KeepsEveryCarryOfOctetsThatAreAllOnes) {
  for (size_t length : {2u, 8u, 30u, 32u, 1500u, 65534u}) {
    EXPECT_EQ(SumOctets(Octets(length, 0xff)), 0xffffu) << length;
  }
  EXPECT_EQ(SumOctets(Octets(65536, 0)), 0u);
  // The carry out of the carries: 2^65 - 1 as a sum of words in memory order.
  const Octets twice = Octets(16, 0xff) + Octets{1, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(SumOctets(twice), PlainSum(twice));
}

TEST(Checksum, SumsPseudoHeadersOfBothFamilies) {  // RFC8200-8.1
  const Octets v4 = {198, 18, 0, 1, 198, 18, 0, 2, 0, 6, 0x04, 0xd2};
  EXPECT_EQ(Fold(PseudoHeaderSum(kClient4, kServer4, 6, 1234)), PlainSum(v4));
  const IpAddress source = Address("2001:db8:ffff:fffe:fedc:ba98:7654:3210");
  Octets v6 = Octets() + source.octets();
  v6 = v6 + kServer6.octets() + Octets{0, 1, 0x11, 0x70, 0, 0, 0, 58};
  EXPECT_EQ(Fold(PseudoHeaderSum(source, kServer6, 58, 70000)), PlainSum(v6));
}

TEST(Checksum, OfASegmentThatCarriesItsOwnIsZero) {
  for (const bool v4 : {true, false}) {
    const IpAddress source = v4 ? kClient4 : kClient6, destination = v4 ? kServer4 : kServer6;
    Octets segment = TcpSegment(source, destination, SynHeader(), Octets{1, 2, 3});
    EXPECT_EQ(TransportChecksum(source, destination, 6, segment), 0);
    segment[5] ^= 0x10;
    EXPECT_NE(TransportChecksum(source, destination, 6, segment), 0);
  }
}

TEST(Checksum, UpdatesAsInTheExampleOfRfc1624) {
  EXPECT_EQ(UpdateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, UpdatedInPlaceEqualsTheOneTakenAgain) {
  Prng prng(2);
  for (int i = 0; i < 2000; ++i) {
    Octets octets = RandomOctets(prng, 40);
    octets[38] = 1;  // not all zero: there 0 and 0xffff are two names of one sum
    const uint16_t before = ChecksumOf(SumOctets(octets));
    const size_t at = prng.Below(18) * 2;
    const Octets fresh = RandomOctets(prng, 4);
    const bool wide = prng.Chance(500);
    const auto load = [&octets, at](size_t n) {
      uint32_t value = 0;
      for (size_t k = 0; k < n; ++k) value = value << 8 | octets[at + k];
      return value;
    };
    const size_t size = wide ? 4 : 2;
    const uint32_t old_value = load(size);
    std::copy_n(fresh.begin(), size, octets.begin() + static_cast<std::ptrdiff_t>(at));
    const uint16_t updated = wide ? UpdateChecksum32(before, old_value, load(4))
                                  : UpdateChecksum(before, static_cast<uint16_t>(old_value),
                                                   static_cast<uint16_t>(load(2)));
    ASSERT_EQ(updated, ChecksumOf(SumOctets(octets)));
  }
}

TEST(ChainSum, DoesNotDependOnWhereBuffersEnd) {
  Prng prng(3);
  for (int i = 0; i < 500; ++i) {
    const Octets octets = RandomOctets(prng, prng.Below(300));
    ChainSum chain(77);
    size_t at = 0;
    while (at < octets.size()) {
      const size_t n = std::min<size_t>(octets.size() - at, prng.Below(20));
      chain.Add(std::span(octets).subspan(at, n));
      at += n;
    }
    ASSERT_EQ(Fold(chain.sum()), PlainSum(octets, 77));
  }
}

}  // namespace
}  // namespace weir::wire
