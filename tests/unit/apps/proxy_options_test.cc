// The words of weir-proxy's flags, and how often it writes a line.
#include "proxy/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/log_limiter.h"

namespace weir::proxy {
namespace {

using testing::HasSubstr;

std::string ErrorOf(const std::vector<std::string>& list) {
  return std::string(ParseUpstreams(list).status().message());
}

TEST(UpstreamList, TakesBothFamilies) {
  const auto upstreams = ParseUpstreams({"198.18.0.1:8080", "[2001:2::1]:80"});
  ASSERT_TRUE(upstreams.ok()) << upstreams.status();
  ASSERT_EQ(upstreams->size(), 2u);
  EXPECT_EQ((*upstreams)[0].ToString(), "198.18.0.1:8080");
  EXPECT_EQ((*upstreams)[1].ToString(), "[2001:2::1]:80");
}

TEST(UpstreamList, NamesWhatIsNoEndpoint) {
  EXPECT_THAT(ErrorOf({"198.18.0.1:80", "web:80"}), HasSubstr("\"web:80\" is not ADDRESS:PORT"));
  EXPECT_THAT(ErrorOf({"198.18.0.1"}), HasSubstr("\"198.18.0.1\""));
  EXPECT_THAT(ErrorOf({"198.18.0.1:0"}), HasSubstr("\"198.18.0.1:0\""));
  EXPECT_THAT(ErrorOf({""}), HasSubstr("\"\""));
}

TEST(UpstreamList, RefusesDoublesNoneAndTooMany) {
  EXPECT_THAT(ErrorOf({"198.18.0.1:80", "198.18.0.1:80"}), HasSubstr("named twice"));
  EXPECT_THAT(ErrorOf({}), HasSubstr("at least one"));
  std::vector<std::string> many;
  for (int i = 1; i <= 64; ++i) many.push_back("198.18.0.1:" + std::to_string(i));
  EXPECT_TRUE(ParseUpstreams(many).ok());
  many.push_back("198.18.0.1:65");
  EXPECT_THAT(ErrorOf(many), HasSubstr("65 are more than 64"));
}

TEST(BalanceName, IsOneOfTwo) {
  EXPECT_EQ(*ParseBalance("least-connections"), Balance::kLeastConnections);
  EXPECT_EQ(*ParseBalance("hash"), Balance::kHash);
  EXPECT_THAT(std::string(ParseBalance("random").status().message()),
              HasSubstr("--balance=random: must be least-connections or hash"));
}

TEST(LogLimiter, LetsSoManyLinesThroughInASecondAndCountsTheRest) {
  LogLimiter limiter(2);
  constexpr int64_t kStart = 5'000'000'000;
  EXPECT_TRUE(limiter.Take(kStart));
  EXPECT_TRUE(limiter.Take(kStart + 1));
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(limiter.Take(kStart + 999'999));
  EXPECT_TRUE(limiter.Take(kStart + 1'000'000));
  EXPECT_EQ(limiter.TakeHeldBack(), 7u);
  EXPECT_EQ(limiter.TakeHeldBack(), 0u);
}

TEST(LogLimiter, BeginsAnywhereInTime) {
  LogLimiter limiter(1);
  EXPECT_TRUE(limiter.Take(0));
  EXPECT_FALSE(limiter.Take(999'999));
}

// Nobody behind a NIC answers from there; better said at the start than with every client.
TEST(UpstreamList, RefusesAddressesThatNoHostHas) {
  for (const std::string text :
       {"0.0.0.0:80", "224.0.0.1:80", "127.0.0.1:80", "[::]:80", "[ff02::1]:80", "[::1]:80"}) {
    EXPECT_EQ(ErrorOf({text}),
              "--upstream: " + text + " is no host's address that a port leads to");
  }
}

}  // namespace
}  // namespace weir::proxy
