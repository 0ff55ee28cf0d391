// SYN cookies: what they remember, what they refuse, and that their time is bounded.
#include "tcp/syn_cookie.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <vector>

#include "base/prng.h"

namespace weir::tcp {
namespace {

constexpr SipKey kSecret{0x0123456789abcdef, 0xfedcba9876543210};
constexpr Time kNow{int64_t{1} << 40};
constexpr uint32_t kOffset = 0x9abcdef0;
constexpr uint8_t kOwnScale = 3;

CookieFlow Flow(bool v4, uint32_t irs = 0xfffffff0) {
  return {*IpAddress::Parse(v4 ? "198.18.0.1" : "2001:2::1"),
          *IpAddress::Parse(v4 ? "198.18.0.2" : "2001:2::2"), 40000, 80, Seq(irs)};
}

uint32_t ClockAt(Time now) { return now.millis().value + kOffset; }

SynCookieCodec::Cookie Make(const SynCookieCodec& codec, const CookieFlow& flow,
                            const CookieOptions& options, Time now = kNow) {
  return codec.Make(flow, options, kOwnScale, now, ClockAt(now), kOffset);
}

std::optional<CookieOptions> Check(const SynCookieCodec& codec, const CookieFlow& flow,
                                   const SynCookieCodec::Cookie& cookie, bool timestamps,
                                   Time now = kNow) {
  return codec.Check(flow, cookie.iss, timestamps ? std::optional(cookie.ts_value) : std::nullopt,
                     kOwnScale, now, kOffset);
}

TEST(SynCookie, BringsBackTheOptions) {
  const SynCookieCodec codec(kSecret);
  for (const bool v4 : {true, false}) {
    for (const bool timestamps : {true, false}) {
      for (const bool sack : {true, false}) {
        for (const uint16_t mss : {88, 536, 1220, 1360, 1400, 1440, 1460, 8940}) {
          for (const int scale : {-1, 0, 2, 4, 6, 7, 8, 10}) {
            CookieOptions options{.mss = mss, .sack = sack, .timestamps = timestamps};
            if (scale >= 0) options.window_scale = static_cast<uint8_t>(scale);
            options.ecn = timestamps && sack;
            const auto cookie = Make(codec, Flow(v4), options);
            EXPECT_EQ(Check(codec, Flow(v4), cookie, timestamps), options);
          }
        }
      }
    }
  }
}

// Rounding down is safe in both: smaller segments, and windows that seem smaller than they are.
TEST(SynCookie, RoundsDownWhatItHasNoRoomFor) {
  const SynCookieCodec codec(kSecret);
  for (unsigned mss = 88; mss < 65536; mss += 7) {
    for (uint8_t scale = 0; scale <= 14; ++scale) {
      const CookieOptions options{.mss = static_cast<uint16_t>(mss), .window_scale = scale};
      const auto got = Check(codec, Flow(true), Make(codec, Flow(true), options), false);
      ASSERT_TRUE(got);
      EXPECT_LE(got->mss, mss);
      ASSERT_TRUE(got->window_scale);
      EXPECT_LE(*got->window_scale, scale);
    }
  }
}

TEST(SynCookie, WithTimestampsKeepsEveryWindowScale) {
  const SynCookieCodec codec(kSecret);
  for (uint8_t scale = 0; scale <= 14; ++scale) {
    const CookieOptions options{.mss = 1460, .window_scale = scale, .timestamps = true};
    EXPECT_EQ(Check(codec, Flow(false), Make(codec, Flow(false), options), true), options);
  }
}

// Requirement C7: PAWS would drop what the connection sends next.
TEST(SynCookie, TimestampIsNeverAheadOfTheClock) {
  const SynCookieCodec codec(kSecret);
  Prng prng(7);
  for (int i = 0; i < 20000; ++i) {
    const Time now{static_cast<int64_t>(prng.Next() >> 16)};
    CookieFlow flow = Flow(true, static_cast<uint32_t>(prng.Next()));
    const auto cookie = Make(codec, flow, {.mss = 1460, .timestamps = true}, now);
    const auto behind = static_cast<int32_t>(ClockAt(now) - cookie.ts_value);
    EXPECT_GE(behind, 0);
    EXPECT_LT(behind, 1 << SynCookieCodec::kTimestampBits);
  }
}

// Requirement C1: the additive cookies of others let the sequence number slide.
TEST(SynCookie, IsGoodForItsOwnHandshakeOnly) {
  const SynCookieCodec codec(kSecret);
  const CookieOptions options{.mss = 1460, .window_scale = 7, .sack = true};
  for (const bool v4 : {true, false}) {
    const CookieFlow flow = Flow(v4);
    const auto cookie = Make(codec, flow, options);
    ASSERT_TRUE(Check(codec, flow, cookie, false));
    for (uint32_t slip = 1; slip < 2000; ++slip) {
      CookieFlow other = flow;
      other.irs = flow.irs + slip;
      EXPECT_FALSE(Check(codec, other, cookie, false)) << slip;
      EXPECT_FALSE(Check(codec, flow, {cookie.iss + slip}, false)) << slip;
      EXPECT_FALSE(Check(codec, flow, {cookie.iss - slip}, false)) << slip;
    }
    CookieFlow other = flow;
    ++other.remote_port;
    EXPECT_FALSE(Check(codec, other, cookie, false));
    other = flow;
    ++other.local_port;
    EXPECT_FALSE(Check(codec, other, cookie, false));
    other = flow;
    std::swap(other.remote, other.local);
    EXPECT_FALSE(Check(codec, other, cookie, false));
    EXPECT_FALSE(Check(SynCookieCodec({1, 2}), flow, cookie, false)) << "another secret";
    EXPECT_FALSE(codec.Check(flow, cookie.iss, {}, kOwnScale + 1, kNow, kOffset))
        << "another scale of our own";
    EXPECT_FALSE(codec.Check(flow, cookie.iss, 5u, kOwnScale, kNow, kOffset))
        << "timestamps that the SYN did not have";
  }
}

// Every bit of the timestamp's low part is proved, the clock's part is not asked for.
TEST(SynCookie, TimestampThatWasChangedIsRefused) {
  const SynCookieCodec codec(kSecret);
  const auto cookie = Make(codec, Flow(true), {.mss = 1460, .window_scale = 7, .timestamps = true});
  for (unsigned bit = 0; bit < SynCookieCodec::kTimestampBits; ++bit) {
    SynCookieCodec::Cookie changed = cookie;
    changed.ts_value = ((cookie.ts_value - kOffset) ^ 1u << bit) + kOffset;
    EXPECT_FALSE(Check(codec, Flow(true), changed, true)) << bit;
  }
  EXPECT_FALSE(Check(codec, Flow(true), cookie, false)) << "an acknowledgement without timestamps";
}

// Requirement C4: 30 to 60 seconds, whenever in its epoch the cookie was made.
TEST(SynCookie, LivesForHalfAMinuteAtLeastAndAMinuteAtMost) {
  const SynCookieCodec codec(kSecret);
  const CookieOptions options{.mss = 1460};
  for (int64_t ms = 0; ms < 70000; ms += 997) {
    const Time made = kNow + Milliseconds(ms);
    const auto cookie = Make(codec, Flow(true), options, made);
    EXPECT_TRUE(Check(codec, Flow(true), cookie, false, made + Milliseconds(30000)));
    for (const int64_t late : {60000, 90000, 120000, 150000}) {
      EXPECT_FALSE(Check(codec, Flow(true), cookie, false, made + Milliseconds(late))) << late;
    }
  }
}

TEST(SynCookie, OfTheFirstEpochIsNoSecretOfNobody) {
  const SynCookieCodec codec(kSecret), other({});
  const Time begin{1000};  // where the epoch before is number -1
  for (uint32_t i = 0; i < 64; ++i) {
    const CookieFlow flow = Flow(true, i);
    const auto forged = other.Make(flow, {.mss = 1460}, kOwnScale, begin, 0, 0);
    EXPECT_FALSE(codec.Check(flow, forged.iss, {}, kOwnScale, begin, 0));
    EXPECT_FALSE(codec.Check(flow, Seq(forged.iss.value ^ 1), {}, kOwnScale, begin, 0));
  }
}

// Requirement G8: one in 2^24 passes by chance, and not many more than that - nor fewer, or none
// would ever pass.
TEST(SynCookie, ForgedAcknowledgementsPassAsOftenAsChanceHasIt) {
#ifdef __SANITIZE_ADDRESS__
  constexpr unsigned kTriesBits = 18;
#else
  constexpr unsigned kTriesBits = 28;
#endif
  const SynCookieCodec codec(kSecret);
  Prng prng(42);
  CookieFlow flow = Flow(true);
  unsigned passed = 0;
  for (uint64_t i = 0; i < uint64_t{1} << kTriesBits; ++i) {
    const uint64_t draw = prng.Next();
    flow.irs = Seq(static_cast<uint32_t>(draw));
    const Seq iss(static_cast<uint32_t>(draw >> 32));
    passed += codec.Check(flow, iss, {}, kOwnScale, kNow, kOffset).has_value();
  }
  const double expected = std::ldexp(1.0, static_cast<int>(kTriesBits) - 24);
  const double sigma = std::sqrt(expected);
  std::cout << passed << " of 2^" << kTriesBits << " passed, " << expected << " expected\n";
  EXPECT_LE(passed, expected + 3 * sigma);
  EXPECT_GE(passed, expected - 3 * sigma);
}

// With timestamps one in 2^40.
TEST(SynCookie, ForgedAcknowledgementsWithTimestampsDoNotPass) {
#ifdef __SANITIZE_ADDRESS__
  constexpr uint32_t kTries = 1u << 16;
#else
  constexpr uint32_t kTries = 1u << 24;
#endif
  const SynCookieCodec codec(kSecret);
  Prng prng(43);
  CookieFlow flow = Flow(false);
  for (uint32_t i = 0; i < kTries; ++i) {
    const uint64_t draw = prng.Next();
    flow.irs = Seq(i);
    const Seq iss(static_cast<uint32_t>(draw));
    const auto echo = static_cast<uint32_t>(draw >> 32);
    ASSERT_FALSE(codec.Check(flow, iss, echo, kOwnScale, kNow, kOffset)) << i;
  }
}

// Every mix of families and options, more than is computed at a time, and near an epoch's end.
TEST(SynCookie, OfABatchEqualsThatOfEachAlone) {
  Prng prng(5);
  for (size_t count = 0; count <= 100; ++count) {
    const SynCookieCodec codec(kSecret, prng.Below(2) == 0);
    const Time now = kNow + Milliseconds(static_cast<int64_t>(prng.Below(90000)));
    std::vector<SynCookieCodec::Request> requests(count);
    std::vector<CookieFlow> flows(count);
    for (CookieFlow& flow : flows) {
      flow = Flow(prng.Below(2) == 0, static_cast<uint32_t>(prng.Next()));
      flow.remote_port = static_cast<uint16_t>(prng.Next());
      flow.local_port = static_cast<uint16_t>(prng.Next());
    }
    for (SynCookieCodec::Request& r : requests) {
      r.options.mss = static_cast<uint16_t>(prng.Next());
      if (prng.Below(2) == 0) r.options.window_scale = static_cast<uint8_t>(prng.Below(15));
      r.options.sack = prng.Below(2) == 0;
      r.options.timestamps = prng.Below(2) == 0;
      r.options.ecn = prng.Below(2) == 0;
      r.own_scale = static_cast<uint8_t>(prng.Below(15));
      r.ts_offset = static_cast<uint32_t>(prng.Next());
      r.ts_now = now.millis().value + r.ts_offset;
    }
    std::vector<SynCookieCodec::Cookie> cookies(count);
    codec.MakeBatch(
        count, [&](size_t i, SynCookieCodec::Request& r) { r = requests[i]; },
        [&](size_t i, CookieFlow& flow) { flow = flows[i]; }, now,
        [&](size_t i, SynCookieCodec::Cookie cookie) { cookies[i] = cookie; });
    for (size_t i = 0; i < count; ++i) {
      const SynCookieCodec::Request& r = requests[i];
      const auto alone = codec.Make(flows[i], r.options, r.own_scale, now, r.ts_now, r.ts_offset);
      ASSERT_EQ(cookies[i].iss, alone.iss) << i << " of " << count;
      ASSERT_EQ(cookies[i].ts_value, alone.ts_value) << i << " of " << count;
    }
  }
}

// --- shared with other hosts ---

// Made at any place of an epoch by a host whose clock differs, and 4 seconds old when it arrives.
TEST(SharedSynCookie, IsGoodWhileClocksAreLessThanAnEpochApart) {
  const SynCookieCodec here(kSecret, true), there(kSecret, true);
  for (const int skew_s : {-26, -25, -1, 0, 1, 25}) {
    for (int at_s = 0; at_s < 64; ++at_s) {
      for (const bool timestamps : {false, true}) {
        const Time made = kNow + Seconds(at_s);
        const auto cookie = Make(here, Flow(true), {.mss = 1460, .timestamps = timestamps}, made);
        const Time now = made + Seconds(4 + skew_s);
        EXPECT_TRUE(Check(there, Flow(true), cookie, timestamps, now)) << skew_s << ' ' << at_s;
        EXPECT_FALSE(Check(SynCookieCodec({1, 2}, true), Flow(true), cookie, timestamps, now));
        if (!timestamps) continue;
        EXPECT_GE(static_cast<int32_t>(ClockAt(now) - cookie.ts_value), 0);
      }
    }
  }
}

TEST(SharedSynCookie, IsRefusedWhenMadeTwoEpochsAwayInEitherDirection) {
  const SynCookieCodec codec(kSecret, true);
  for (int at_s = 0; at_s < 64; ++at_s) {
    const Time made = kNow + Seconds(at_s);
    const auto cookie = Make(codec, Flow(true), {.mss = 1460}, made);
    EXPECT_FALSE(Check(codec, Flow(true), cookie, false, made + Seconds(60)));
    EXPECT_FALSE(Check(codec, Flow(true), cookie, false, made - Seconds(60)));
  }
}

// Alone, a host has no use for cookies of the future.
TEST(SynCookie, OfTheNextEpochIsRefusedByAHostThatSharesWithNobody) {
  const SynCookieCodec codec(kSecret);
  for (int at_s = 0; at_s < 64; ++at_s) {
    const Time made = kNow + Seconds(at_s);
    const auto cookie = Make(codec, Flow(true), {.mss = 1460}, made);
    EXPECT_FALSE(Check(codec, Flow(true), cookie, false, made - Seconds(30)));
  }
}

// The low octet must not show the options of the handshake at a glance, nor the epoch.
TEST(SynCookie, IssLooksRandomInEveryBit) {
  const SynCookieCodec codec(kSecret);
  int ones[32] = {};
  constexpr int kCount = 4096;
  for (uint32_t i = 0; i < kCount; ++i) {
    const uint32_t iss = Make(codec, Flow(true, i), {.mss = 1460, .window_scale = 7}).iss.value;
    for (int bit = 0; bit < 32; ++bit) ones[bit] += iss >> bit & 1;
  }
  for (const int count : ones) EXPECT_NEAR(count, kCount / 2, 200);
}

}  // namespace
}  // namespace weir::tcp
