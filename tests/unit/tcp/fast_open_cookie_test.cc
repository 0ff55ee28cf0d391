// Fast-open cookies: whose they are, and how long they are good.
#include "tcp/fast_open_cookie.h"

#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"

namespace weir::tcp {
namespace {

using Verdict = FastOpenCookieCodec::Verdict;

constexpr SipKey kSecret{0x0123456789abcdef, 0xfedcba9876543210};
constexpr Duration kEpoch = Milliseconds(FastOpenCookieCodec::kEpochMs);
constexpr Time kNow = Time{} + kEpoch * 1000;  // an epoch begins

IpAddress Client(bool v4) { return *IpAddress::Parse(v4 ? "198.18.0.1" : "2001:2::1"); }

// RFC7413-4.1.2: four to eight hours.
TEST(FastOpenCookie, IsGoodInItsEpochAndTheNext) {
  const FastOpenCookieCodec codec(kSecret);
  for (const bool v4 : {true, false}) {
    for (const Duration late : {Seconds(0), kEpoch - Microseconds(1)}) {
      const auto cookie = codec.Make(Client(v4), kNow + late);
      EXPECT_EQ(cookie.size, 8);
      EXPECT_EQ(codec.Check(Client(v4), cookie, kNow + late), Verdict::kGood);
      EXPECT_EQ(codec.Check(Client(v4), cookie, kNow + kEpoch - Microseconds(1)), Verdict::kGood);
      EXPECT_EQ(codec.Check(Client(v4), cookie, kNow + kEpoch), Verdict::kPrevious);
      EXPECT_EQ(codec.Check(Client(v4), cookie, kNow + kEpoch * 2 - Microseconds(1)),
                Verdict::kPrevious);
      EXPECT_EQ(codec.Check(Client(v4), cookie, kNow + kEpoch * 2), Verdict::kBad);
      EXPECT_EQ(codec.Check(Client(v4), cookie, kNow - Microseconds(1)), Verdict::kBad);
    }
  }
}

TEST(FastOpenCookie, OfAHostWhoseClockIsAheadIsGoodWhereTheSecretIsShared) {
  const FastOpenCookieCodec alone(kSecret), shared(kSecret, true);
  const auto cookie = alone.Make(Client(true), kNow);
  const Duration skew = Milliseconds(FastOpenCookieCodec::kSkewMs);
  EXPECT_EQ(shared.Check(Client(true), cookie, kNow - skew), Verdict::kGood);
  EXPECT_EQ(shared.Check(Client(true), cookie, kNow - skew - Microseconds(1)), Verdict::kBad);
  EXPECT_EQ(alone.Check(Client(true), cookie, kNow - Microseconds(1)), Verdict::kBad);
  EXPECT_EQ(shared.Check(Client(true), cookie, kNow + kEpoch), Verdict::kPrevious);
}

TEST(FastOpenCookie, IsOneClientsAndOneSecrets) {
  const FastOpenCookieCodec codec(kSecret), other({kSecret.k0, kSecret.k1 + 1});
  std::set<std::array<uint8_t, 16>> seen;
  for (uint32_t i = 0; i < 1000; ++i) {
    const IpAddress client = IpAddress::V4(0xc6120000u + i);
    const auto cookie = codec.Make(client, kNow);
    seen.insert(cookie.octets);
    EXPECT_EQ(codec.Check(IpAddress::V4(0xc6120000u + i + 1), cookie, kNow), Verdict::kBad);
    EXPECT_EQ(other.Check(client, cookie, kNow), Verdict::kBad);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(FastOpenCookie, OfOtherOctetsOrAnotherSizeIsBad) {
  const FastOpenCookieCodec codec(kSecret);
  const auto good = codec.Make(Client(true), kNow);
  for (unsigned bit = 0; bit < 64; ++bit) {
    auto cookie = good;
    cookie.octets[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_EQ(codec.Check(Client(true), cookie, kNow), Verdict::kBad);
  }
  for (const uint8_t size : {0, 4, 6, 10, 16}) {
    auto cookie = good;
    cookie.size = size;
    EXPECT_EQ(codec.Check(Client(true), cookie, kNow), Verdict::kBad);
  }
  auto cookie = good;
  cookie.experimental = true;
  EXPECT_EQ(codec.Check(Client(true), cookie, kNow), Verdict::kGood);
}

}  // namespace
}  // namespace weir::tcp
