// How a listener deals with SYNs: its three states, for how long it believes cookies, and which of
// them it has seen before.
#include "tcp/syn_policy.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace weir::tcp {
namespace {

constexpr Time kStart{int64_t{1} << 40};
constexpr Duration kWindow = SynPolicy::kWindow;
constexpr Duration kLife = Milliseconds(SynCookieCodec::kLifeMs);

TEST(SynPolicy, IsPressedFromHalfOfTheBacklogUntilAQuarter) {
  SynPolicy policy(SynCookies::kAuto, 100);
  EXPECT_EQ(policy.Update(0, kStart), SynState::kNormal);
  EXPECT_EQ(policy.Update(49, kStart), SynState::kNormal);
  EXPECT_EQ(policy.Update(50, kStart), SynState::kPressure);
  EXPECT_EQ(policy.Update(99, kStart), SynState::kPressure);
  EXPECT_EQ(policy.Update(26, kStart), SynState::kPressure) << "the way back is another";
  EXPECT_EQ(policy.Update(25, kStart), SynState::kPressure);
  EXPECT_EQ(policy.Update(24, kStart), SynState::kNormal);
  EXPECT_EQ(policy.Update(25, kStart), SynState::kNormal);
  EXPECT_EQ(policy.state(), SynState::kNormal);
}

TEST(SynPolicy, TurnsToCookiesWhenTheBacklogIsFull) {
  SynPolicy policy(SynCookies::kAuto, 100);
  EXPECT_EQ(policy.Update(100, kStart), SynState::kCookie);
  EXPECT_EQ(policy.Update(0, kStart), SynState::kCookie) << "for a window at least";
  EXPECT_EQ(policy.Update(0, kStart + kWindow - Microseconds(1)), SynState::kCookie);
}

TEST(SynPolicy, TurnsBackAfterAWindowInWhichFewerSynsCameThanAQuarter) {
  SynPolicy policy(SynCookies::kAuto, 100);
  policy.Update(100, kStart);
  for (int i = 0; i < 24; ++i) policy.CookieSent(kStart);
  EXPECT_EQ(policy.Update(0, kStart + kWindow), SynState::kNormal);
}

TEST(SynPolicy, TurnsBackToPressureWhileMuchIsOpen) {
  SynPolicy policy(SynCookies::kAuto, 100);
  policy.Update(100, kStart);
  EXPECT_EQ(policy.Update(60, kStart + kWindow), SynState::kPressure);
}

TEST(SynPolicy, StaysWithCookiesWhileTheBacklogIsFull) {
  SynPolicy policy(SynCookies::kAuto, 100);
  policy.Update(100, kStart);
  for (int i = 1; i < 10; ++i) {
    EXPECT_EQ(policy.Update(100, kStart + kWindow * i), SynState::kCookie) << i;
  }
  EXPECT_EQ(policy.Update(99, kStart + kWindow * 10), SynState::kPressure);
}

TEST(SynPolicy, StaysWithCookiesForAsLongAsSynsKeepComing) {
  SynPolicy policy(SynCookies::kAuto, 100);
  Time now = kStart;
  policy.Update(100, now);
  for (int window = 0; window < 100; ++window) {
    for (int i = 0; i < 50; ++i) {
      now = now + Milliseconds(20);
      ASSERT_EQ(policy.Update(0, now), SynState::kCookie) << window;
      policy.CookieSent(now);
    }
  }
  // Two windows later at most: one that began under the flood, and one that is quiet.
  EXPECT_EQ(policy.Update(0, now + kWindow * 2), SynState::kNormal);
}

TEST(SynPolicy, TurnsBackAtOnceWhenNothingCameForTwoWindows) {
  SynPolicy policy(SynCookies::kAuto, 100);
  policy.Update(100, kStart);
  for (int i = 0; i < 100000; ++i) policy.CookieSent(kStart + Milliseconds(1));
  SynPolicy other = policy;
  EXPECT_EQ(other.Update(0, kStart + kWindow), SynState::kCookie);
  EXPECT_EQ(policy.Update(0, kStart + kWindow * 2), SynState::kNormal);
}

TEST(SynPolicy, CountsEachWindowAnew) {
  SynPolicy policy(SynCookies::kAuto, 100);
  policy.Update(100, kStart);
  for (int i = 0; i < 1000; ++i) policy.CookieSent(kStart);
  EXPECT_EQ(policy.Update(10, kStart + kWindow), SynState::kCookie);
  EXPECT_EQ(policy.Update(10, kStart + kWindow + kWindow - Microseconds(1)), SynState::kCookie);
  EXPECT_EQ(policy.Update(10, kStart + kWindow * 2), SynState::kNormal);
}

TEST(SynPolicy, OfTinyBacklogsHasAllStatesThatFit) {
  const auto at = [](uint32_t backlog, uint32_t half_open) {
    SynPolicy policy(SynCookies::kAuto, backlog);
    return policy.Update(half_open, kStart);
  };
  EXPECT_EQ(at(0, 0), SynState::kCookie) << "nothing is remembered";
  EXPECT_EQ(at(1, 0), SynState::kNormal);
  EXPECT_EQ(at(1, 1), SynState::kCookie);
  EXPECT_EQ(at(2, 0), SynState::kNormal);
  EXPECT_EQ(at(2, 1), SynState::kPressure);
  EXPECT_EQ(at(2, 2), SynState::kCookie);
  EXPECT_EQ(at(3, 1), SynState::kNormal);
  EXPECT_EQ(at(3, 2), SynState::kPressure);
  for (const uint32_t backlog : {1u, 2u, 3u}) {
    SynPolicy policy(SynCookies::kAuto, backlog);
    policy.Update(backlog, kStart);
    EXPECT_EQ(policy.Update(0, kStart + kWindow), SynState::kNormal) << "there is a way back";
  }
}

TEST(SynPolicy, WithCookiesAlwaysHasOneState) {
  SynPolicy policy(SynCookies::kAlways, 100);
  EXPECT_EQ(policy.Update(0, kStart), SynState::kCookie);
  EXPECT_EQ(policy.Update(0, kStart + Seconds(1000)), SynState::kCookie);
  EXPECT_EQ(policy.RetriesMax(5), 0u);
}

TEST(SynPolicy, WithoutCookiesGivesNobodyUpEarly) {
  SynPolicy policy(SynCookies::kOff, 100);
  EXPECT_EQ(policy.Update(1000, kStart), SynState::kPressure);
  EXPECT_EQ(policy.RetriesMax(5), 5u);
  policy.Arm(kStart);
  policy.CookieSent(kStart);
  EXPECT_FALSE(policy.CookiesAreGood(kStart));
}

// Requirement K3: 5, 2, 0.
TEST(SynPolicy, SendsSynAcksAgainLessOftenTheMoreAreOpen) {
  SynPolicy policy(SynCookies::kAuto, 100);
  policy.Update(0, kStart);
  EXPECT_EQ(policy.RetriesMax(5), 5u);
  EXPECT_EQ(policy.RetriesMax(1), 1u);
  policy.Update(50, kStart);
  EXPECT_EQ(policy.RetriesMax(5), 2u);
  EXPECT_EQ(policy.RetriesMax(1), 1u) << "never more than was configured";
  policy.Update(100, kStart);
  EXPECT_EQ(policy.RetriesMax(5), 0u);
}

// Requirement C8.
TEST(SynPolicy, BelievesCookiesForAsLongAsTheLastOneLives) {
  SynPolicy policy(SynCookies::kAuto, 100);
  EXPECT_FALSE(policy.CookiesAreGood(kStart));
  policy.CookieSent(kStart);
  EXPECT_TRUE(policy.CookiesAreGood(kStart));
  EXPECT_TRUE(policy.CookiesAreGood(kStart + kLife - Microseconds(1)));
  policy.CookieSent(kStart + Seconds(30));
  EXPECT_TRUE(policy.CookiesAreGood(kStart + Seconds(30) + kLife - Microseconds(1)));
  EXPECT_FALSE(policy.CookiesAreGood(kStart + Seconds(30) + kLife));
  EXPECT_FALSE(policy.CookiesAreGood(kStart + Seconds(30) + kLife)) << "and stays so";
}

TEST(SynPolicy, BelievesCookiesAfterSomethingRememberedWasGivenUp) {
  for (const SynCookies mode : {SynCookies::kAuto, SynCookies::kAlways}) {
    SynPolicy policy(mode, 100);
    policy.Arm(kStart);
    EXPECT_TRUE(policy.CookiesAreGood(kStart + Seconds(59)));
    EXPECT_FALSE(policy.CookiesAreGood(kStart + Seconds(60)));
  }
}

// --- cookies that have come back ---

TEST(CookiesTaken, ContainsWhatWasAddedAndNothingElse) {
  CookiesTaken taken;
  Prng prng(1);
  EXPECT_FALSE(taken.Contains(0));
  for (int i = 0; i < 100000; ++i) ASSERT_FALSE(taken.Contains(prng.Next()));
  const uint64_t cookie = prng.Next();
  taken.Add(cookie);
  EXPECT_TRUE(taken.Contains(cookie));
  for (unsigned bit = 0; bit < 64; ++bit) {
    // The lowest bit of a mark is always set, so that no mark is that of an empty place.
    EXPECT_EQ(taken.Contains(cookie ^ uint64_t{1} << bit), bit == 32 || (bit >= 15 && bit < 32))
        << bit;
  }
}

TEST(CookiesTaken, RemembersTheLaterOfTwoInOnePlace) {
  CookiesTaken taken;
  const uint64_t first = 0x1234567800000005, second = 0x8765432100000005;
  taken.Add(first);
  taken.Add(second);
  EXPECT_FALSE(taken.Contains(first));
  EXPECT_TRUE(taken.Contains(second));
}

// As many as there are places: by chance 1/e of them lose theirs to a later one.
TEST(CookiesTaken, RemembersMostOfTheLast32768) {
  CookiesTaken taken;
  Prng prng(2);
  std::vector<uint64_t> cookies(CookiesTaken::kPlaces);
  for (uint64_t& cookie : cookies) taken.Add(cookie = prng.Next());
  int found = 0, last = 0;
  for (size_t i = 0; i < cookies.size(); ++i) {
    found += taken.Contains(cookies[i]);
    if (i + 1024 >= cookies.size()) last += taken.Contains(cookies[i]);
  }
  EXPECT_NEAR(found, 0.632 * CookiesTaken::kPlaces, 500);
  EXPECT_GT(last, 990) << "of the last 1024";
}

}  // namespace
}  // namespace weir::tcp
