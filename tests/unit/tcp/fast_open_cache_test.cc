// The client's memory of servers: what it keeps, for how long it leaves one alone, what gives way.
#include "tcp/fast_open_cache.h"

#include <gtest/gtest.h>

namespace weir::tcp {
namespace {

constexpr SipKey kKey{1, 2};
constexpr Time kNow{int64_t{1} << 40};

IpAddress Server(uint32_t n) { return IpAddress::V4(0xc6120000u + n); }
wire::FastOpenCookie Cookie(uint8_t n) { return {.size = 8, .octets = {n}}; }

// RFC7413-4.1.3: by both addresses, and the last one that came.
TEST(FastOpenCache, KeepsTheLastCookieOfEachPairOfAddresses) {
  FastOpenCache cache(kKey);
  EXPECT_EQ(cache.Find(0, Server(1)), nullptr);
  cache.Remember(0, Server(1), Cookie(1), 1460);
  cache.Remember(1, Server(1), Cookie(2), 1400);
  cache.Remember(0, Server(2), Cookie(3), 1300);
  cache.Remember(0, Server(1), Cookie(4), 1200);
  EXPECT_EQ(cache.Find(0, Server(1))->cookie, Cookie(4));
  EXPECT_EQ(cache.Find(0, Server(1))->mss, 1200);
  EXPECT_EQ(cache.Find(1, Server(1))->cookie, Cookie(2));
  EXPECT_EQ(cache.Find(0, Server(2))->mss, 1300);
  EXPECT_EQ(cache.Find(2, Server(2)), nullptr);
}

// RFC7413-4.1.3.1.
TEST(FastOpenCache, LeavesAServerAloneTwiceAsLongAfterEachFailure) {
  FastOpenCache cache(kKey);
  Time now = kNow;
  for (const int64_t minutes : {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
    EXPECT_TRUE(cache.Failed(0, Server(1), now));
    EXPECT_EQ(cache.Find(0, Server(1))->pause_ends, now + Seconds(60) * minutes);
    now = now + Seconds(60) * minutes;
    EXPECT_FALSE(cache.Failed(0, Server(1), now - Microseconds(1))) << "nothing was tried";
  }
  cache.Succeeded(0, Server(1), 1460);
  EXPECT_TRUE(cache.Failed(0, Server(1), now));
  EXPECT_EQ(cache.Find(0, Server(1))->pause_ends, now + Seconds(60));
}

TEST(FastOpenCache, KeepsACookieThroughAFailure) {
  FastOpenCache cache(kKey);
  cache.Remember(0, Server(1), Cookie(1), 1460);
  EXPECT_TRUE(cache.Failed(0, Server(1), kNow));
  EXPECT_EQ(cache.Find(0, Server(1))->cookie, Cookie(1));
  cache.Succeeded(0, Server(7), 1460);
  EXPECT_EQ(cache.Find(0, Server(7)), nullptr) << "a success alone is no news";
}

// However many servers there are: what was used last stays.
TEST(FastOpenCache, ForgetsWhatWasLongestOfNoUse) {
  FastOpenCache cache(kKey);
  for (uint32_t i = 0; i < 100 * FastOpenCache::kPlaces; ++i) {
    cache.Remember(0, Server(1 + i), Cookie(static_cast<uint8_t>(i)), 1460);
    ASSERT_EQ(cache.Find(0, Server(1 + i))->cookie, Cookie(static_cast<uint8_t>(i)));
    if (i != 0) {
      ASSERT_NE(cache.Find(0, Server(1)), nullptr);
    }
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < 100 * FastOpenCache::kPlaces; ++i) {
    kept += cache.Find(0, Server(1 + i)) != nullptr;
  }
  EXPECT_EQ(kept, FastOpenCache::kPlaces);
}

}  // namespace
}  // namespace weir::tcp
