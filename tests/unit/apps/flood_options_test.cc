// What the command line of weir-flood may say, and what it may not.
#include "flood/options.h"

#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::flood {
namespace {

using testing::HasSubstr;

TEST(FloodRate, HasUnitsAndPercentages) {
  EXPECT_EQ(ParseRate("5000")->value, 5000);
  EXPECT_EQ(ParseRate("20k")->value, 20000);
  EXPECT_EQ(ParseRate("1.5M")->value, 1500000);
  EXPECT_EQ(ParseRate("90%")->value, 90);
  EXPECT_TRUE(ParseRate("90%")->percent);
  EXPECT_FALSE(ParseRate("90")->percent);
  for (const char* text :
       {"", "0", "-1", "x", "5x", "k", "%", "1001%", "2000M", "nan", "inf", "1 "}) {
    EXPECT_FALSE(ParseRate(text).ok()) << text;
  }
}

TEST(FloodRateCap, IsARateWithoutPercentages) {
  EXPECT_EQ(*ParseRateCap("5000"), 5000);
  EXPECT_EQ(*ParseRateCap("20k"), 20000);
  EXPECT_EQ(*ParseRateCap("1.5M"), 1500000);
  EXPECT_EQ(*ParseRateCap(""), 0);
  for (const char* text : {"0", "-1", "x", "90%", "2000M"}) {
    EXPECT_THAT(std::string(ParseRateCap(text).status().message()), HasSubstr("--rate-cap"))
        << text;
  }
}

TEST(FloodPulse, IsOnAndOff) {
  EXPECT_EQ(ParsePulse("")->on_ms, 0u);
  EXPECT_EQ(ParsePulse("10/30")->on_ms, 10u);
  EXPECT_EQ(ParsePulse("10/30")->off_ms, 30u);
  for (const char* text : {"10", "10/", "/10", "0/10", "10/0", "a/b", "10/1e9"}) {
    EXPECT_FALSE(ParsePulse(text).ok()) << text;
  }
}

TEST(FloodAddresses, AreThoseOfTheTargetsFamily) {
  const std::vector<std::string> both = {"198.18.0.1/24", "2001:2::1/64"};
  ASSERT_EQ(ParseAddresses(both, true)->size(), 1u);
  EXPECT_EQ(ParseAddresses(both, true)->front().bits, 24);
  EXPECT_EQ(ParseAddresses(both, false)->front().address, *IpAddress::Parse("2001:2::1"));
  for (const char* text :
       {"198.18.0.1", "198.18.0.1/0", "198.18.0.1/33", "x/24", "198.18.0.1/2.5"}) {
    EXPECT_FALSE(ParseAddresses({text}, true).ok()) << text;
  }
}

class FloodOptions : public testing::Test {
 protected:
  static Options Good() {
    Options options;
    options.device = "net_memif0";
    options.target = *Endpoint::Parse("198.18.0.2:7");
    options.addresses = {{*IpAddress::Parse("198.18.0.1"), 24}};
    options.sources = *Prefix::Parse("198.19.0.0/16");
    options.modes = {Mode::kSyn};
    options.rates = {{1000, false}, {2000, false}};
    options.rate_cap = 5000;
    options.duration_s = 30;
    options.step_s = 5;
    options.baseline_s = 2;
    options.recovery_s = 3;
    options.legit_rate = 100;
    options.request_size = 64;
    options.deadline_ms = 3000;
    options.established_rate = 100;
    options.peers = 100;
    options.memory_mb = 256;
    options.i_control_this_lab = true;
    return options;
  }
  static absl::Status Check(const Options& options) {
    return CheckOptions(options, Interfaces("/nonexistent/"));
  }
};

TEST_F(FloodOptions, ThatAreRightPass) { EXPECT_TRUE(Check(Good()).ok()) << Check(Good()); }

TEST_F(FloodOptions, ThatAreWrongAreRefusedByName) {
  struct Case {
    std::function<void(Options&)> spoil;
    const char* says;
  };
  const Case cases[] = {
      {[](Options& o) { o.i_control_this_lab = false; }, "--i-control-this-lab"},
      {[](Options& o) { o.rates[1].value = 6000; }, "--rate-cap"},
      {[](Options& o) { o.target.port = 0; }, "--target"},
      {[](Options& o) { o.target.address = *IpAddress::Parse("198.18.0.1"); }, "is the target"},
      {[](Options& o) { o.addresses.clear(); }, "--address"},
      {[](Options& o) { o.addresses[0].address = *IpAddress::Parse("198.19.0.1"); },
       "lies in --sources"},
      {[](Options& o) { o.sources = *Prefix::Parse("198.18.0.0/16"); }, "--sources"},
      {[](Options& o) { o.sources = *Prefix::Parse("198.19.0.0/29"); }, "too small"},
      {[](Options& o) { o.sources = *Prefix::Parse("2001:2:0:ff00::/56"); }, "family"},
      {[](Options& o) { o.modes = {Mode::kNdRouter}; }, "nd-router is about IPv6"},
      {[](Options& o) { o.step_s = 0; }, "--step"},
      {[](Options& o) { o.baseline_s = -1; }, "--baseline"},
      {[](Options& o) { o.recovery_s = -1; }, "--recovery"},
      {[](Options& o) { o.legit_rate = -1; }, "--legit-rate"},
      {[](Options& o) { o.legit_rate = 100000; }, "could wait"},
      {[](Options& o) { o.request_size = 0; }, "--request-size"},
      {[](Options& o) { o.deadline_ms = 10; }, "--deadline-ms"},
      {[](Options& o) { o.established = 1 << 20; }, "--established"},
      {[](Options& o) { o.peers = 0; }, "--peers"},
      {[](Options& o) { o.memory_mb = 1; }, "--memory-mb"},
      {[](Options& o) { o.rates.clear(); }, "--rate"},
      {[](Options& o) { o.rates[0].percent = true; }, "--capacity"},
      {[](Options& o) { o.duration_s = 18; }, "the phases take 20.0 s"},
      {[](Options& o) { o.capacity_search = true; }, "--duration"},
  };
  for (const Case& one : cases) {
    Options options = Good();
    one.spoil(options);
    const absl::Status status = Check(options);
    EXPECT_FALSE(status.ok()) << one.says;
    EXPECT_THAT(std::string(status.message()), HasSubstr(one.says));
  }
}

TEST_F(FloodOptions, MistakesAreAllNamedAtOnce) {
  Options options = Good();
  options.i_control_this_lab = false;
  options.target.port = 0;
  options.modes = {Mode::kNdRouter};
  options.peers = 0;
  options.rates.clear();
  EXPECT_EQ(std::string(Check(options).message()),
            "interlock: --i-control-this-lab: say that the device, the network behind it and the "
            "target are yours to break\n"
            "--target: port 0 is not one to connect to\n"
            "--mode: nd-router is about IPv6, the target is not\n"
            "--peers: 1 to 1048576\n"
            "--rate: name at least one");
}

TEST_F(FloodOptions, CriteriaThatNothingWouldBeMeasuredForAreRefused) {
  struct Case {
    const char* criterion;
    std::function<void(Options&)> spoil;
    const char* message;
  };
  const auto leave = [](Options&) {};
  const auto flows = [](Options& o) { o.established = 10; };
  const Case cases[] = {
      {"recovery_s<=1", [](Options& o) { o.recovery_s = 0; },
       "--recovery=0 leaves no time to recover in"},
      {"recovery_s>=4", leave, "--recovery=3 looks no longer"},
      {"goodput>=0.7", leave, "it needs --established flows with an --established-rate"},
      {"established_p99_us<=9", leave, "it needs --established flows with an --established-rate"},
      {"goodput>=0.7",
       [](Options& o) {
         o.established = 10;
         o.baseline_s = 0;
       },
       "it compares with the baseline, and --baseline=0"},
      {"success>=1", [](Options& o) { o.legit_rate = 0; }, "it needs a --legit-rate"},
      {"success>=1@90%", leave,
       "a percentage needs --capacity-search or --capacity=FRAMES_PER_SECOND"},
      {"success>=1@999", leave, "no --rate is so low"},
      {"success>=1@49%", [](Options& o) { o.capacity = 2000; }, "no --rate is so low"},
  };
  for (const Case& one : cases) {
    Options options = Good();
    options.criteria = {*ParseCriterion(one.criterion)};
    one.spoil(options);
    EXPECT_EQ(std::string(Check(options).message()),
              "--criteria: \"" + std::string(one.criterion) + "\": never holds: " + one.message);
  }
  const std::pair<const char*, std::function<void(Options&)>> good[] = {
      {"recovery_s<=1", leave},
      {"goodput>=0.7", flows},
      {"resets<=0", leave},
      {"success>=1@1k", leave},
      {"success>=1@50%", [](Options& o) { o.capacity = 2000; }},
      {"success>=1@1%",
       [](Options& o) {
         o.capacity_search = true;
         o.duration_s = 60;
       }},
  };
  for (const auto& [criterion, change] : good) {
    Options options = Good();
    options.criteria = {*ParseCriterion(criterion)};
    change(options);
    EXPECT_TRUE(Check(options).ok()) << criterion << ": " << Check(options);
  }
}

TEST_F(FloodOptions, PlanSaysEveryPhase) {
  Options options = Good();
  options.rates[1] = {90, true};
  options.capacity = 1000;
  EXPECT_EQ(PlannedSeconds(options), 2 + 5 + 5 + 3 + 3);
  const std::string plan = DescribePlan(options);
  for (const char* part :
       {"198.18.0.2:7", "baseline 2 s", "flood 1000 frames/s for 5 s",
        "flood 90% of the capacity for 5 s", "recovery 3 s", "never more than 5000 frames/s"}) {
    EXPECT_THAT(plan, HasSubstr(part));
  }
}

}  // namespace
}  // namespace weir::flood
