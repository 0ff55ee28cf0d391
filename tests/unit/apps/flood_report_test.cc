// Metrics, criteria, what makes figures invalid, recovery, and the reports.
#include "flood/report.h"

#include <algorithm>

#include "flood/json_writer.h"
#include "flood/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::flood {
namespace {

using testing::HasSubstr;
using testing::Not;

Options GoodOptions() {
  Options options;
  options.target = *Endpoint::Parse("198.18.0.2:7");
  options.modes = {Mode::kSyn};
  options.rate_cap = 100000;
  options.recovery_s = 1;
  return options;
}

Step& AddStep(Results& results, const char* phase, double rate, double percent = 0) {
  Step& step = results.steps.emplace_back();
  step.phase = phase;
  step.rate = rate;
  step.percent = percent;
  step.seconds = 2;
  step.client.cycles = 1000;
  step.client.busy_cycles = 100;
  step.legit.attempts = step.legit.first_syn = step.legit.answered = step.legit.within_1s = 1000;
  step.established = {.requests = 100, .answers = 100, .octets = 6400};
  for (uint64_t i = 1; i <= 1000; ++i) step.answer_ns.Add(i * 1000);
  return step;
}

Results Good() {
  Results results;
  AddStep(results, "baseline", 0);
  Step& half = AddStep(results, "flood", 500, 50);
  half.flood = {.frames = 1000,
                .taken = 1000,
                .octets = 74000,
                .syn_acks = 1000,
                .answer_frames = 1000,
                .answer_octets = 74000};
  Step& full = AddStep(results, "flood", 1000, 100);
  full.flood = half.flood;
  full.legit.first_syn = 900;
  full.established.octets = 3200;
  return results;
}

Verdict JudgeOne(const char* text, const Results& results) {
  const auto criterion = ParseCriterion(text);
  EXPECT_TRUE(criterion.ok()) << text;
  return Judge({*criterion}, results)[0];
}

TEST(FloodMetrics, AreSharesAndRatios) {
  const Results results = Good();
  const Step& full = results.steps[2];
  EXPECT_EQ(MetricOf("first_syn", full, results), 0.9);
  EXPECT_EQ(MetricOf("success", full, results), 1);
  EXPECT_EQ(MetricOf("goodput", full, results), 0.5);
  EXPECT_EQ(MetricOf("amplification", full, results), 1);
  EXPECT_EQ(MetricOf("answer_p99_ratio", full, results), 1);
  EXPECT_NEAR(*MetricOf("answer_p99_us", full, results), 990, 16);
  EXPECT_EQ(MetricOf("amplification", results.steps[0], results), std::nullopt);  // nothing sent
  EXPECT_EQ(MetricOf("connect_p99_us", full, results), std::nullopt);  // nothing recorded
}

TEST(FloodCriteria, AreReadAndPrintedAlike) {
  for (const char* text : {"first_syn>=0.999", "resets<=0", "goodput>=0.7@90%", "forged<=0@5000"}) {
    EXPECT_EQ(ParseCriterion(text)->ToString(), text);
  }
  for (const char* text : {"", "first_syn", "first_syn>0.9", "nothing>=1", "first_syn>=",
                           "first_syn>=x", "first_syn>=1@", "first_syn>=1@x%", "first_syn>=1@-5"}) {
    EXPECT_FALSE(ParseCriterion(text).ok()) << text;
  }
}

TEST(FloodCriteria, TakeRatesAsTheSweepDoes) {
  EXPECT_EQ(ParseCriterion("success>=1@20k")->upto, 20000);
  EXPECT_EQ(ParseCriterion("success>=1@1.5M")->upto, 1500000);
  EXPECT_FALSE(ParseCriterion("success>=1@1.5M")->upto_percent);
  EXPECT_TRUE(ParseCriterion("success>=1@90%")->upto_percent);
  EXPECT_EQ(std::string(ParseCriterion("success>=1@fast").status().message()),
            "--criteria: \"success>=1@fast\": after @ must come a rate (5000, 20k, 1.5M) or a "
            "percentage (90%)");
}

TEST(FloodCriteria, ThatNeverHoldAreRefused) {
  for (const char* text : {"first_syn>=1.001", "success>=99", "success_1s>=100"}) {
    EXPECT_EQ(std::string(ParseCriterion(text).status().message()),
              "--criteria: \"" + std::string(text) +
                  "\": never holds: shares go from 0 to 1, 0.99 is 99 %");
  }
  EXPECT_EQ(std::string(ParseCriterion("resets<=-1").status().message()),
            "--criteria: \"resets<=-1\": never holds: no metric is below 0");
  for (const char* text : {"success>=nan", "resets<=inf"}) {
    EXPECT_EQ(std::string(ParseCriterion(text).status().message()),
              "--criteria: \"" + std::string(text) + "\": what it is compared with is no number");
  }
  for (const char* text : {"success>=1", "goodput>=1.1", "success<=1", "resets>=0"}) {
    EXPECT_TRUE(ParseCriterion(text).ok()) << text;
  }
}

TEST(FloodCriteria, LookAtTheWorstStep) {
  const Results results = Good();
  EXPECT_TRUE(JudgeOne("success>=1", results).passed);
  const Verdict verdict = JudgeOne("first_syn>=0.95", results);
  EXPECT_FALSE(verdict.passed);
  EXPECT_EQ(verdict.why, "0.9 at 1000/s");
  EXPECT_TRUE(JudgeOne("amplification<=1", results).passed);
}

TEST(FloodCriteria, MayConcernSlowerStepsOnly) {
  const Results results = Good();
  EXPECT_TRUE(JudgeOne("first_syn>=0.95@90%", results).passed);
  EXPECT_TRUE(JudgeOne("first_syn>=0.95@999", results).passed);
  EXPECT_FALSE(JudgeOne("first_syn>=0.95@100%", results).passed);
}

TEST(FloodCriteria, FailWhereNothingWasMeasured) {
  Results results = Good();
  EXPECT_FALSE(JudgeOne("connect_p99_us<=1000", results).passed);
  EXPECT_FALSE(JudgeOne("success>=0@10%", results).passed);
  results.steps.clear();
  EXPECT_FALSE(JudgeOne("resets<=0", results).passed);
}

TEST(FloodCriteria, AreNotJudgedWhereAStepIsInvalid) {
  Results results = Good();
  for (Step& step : results.steps) step.invalid.push_back("the client's core was taken away");
  const Verdict verdict = JudgeOne("success>=1", results);
  EXPECT_FALSE(verdict.passed);
  EXPECT_FALSE(verdict.judged);
  EXPECT_THAT(TextReport(GoodOptions(), results, {verdict}), HasSubstr("not judged: success>=1"));
}

TEST(FloodCriteria, RecoveryIsTheRuns) {
  Results results = Good();
  EXPECT_FALSE(JudgeOne("recovery_s<=1", results).passed);
  results.recovery_s = 0.5;
  EXPECT_TRUE(JudgeOne("recovery_s<=1", results).passed);
  results.recovery_s = 1.5;
  EXPECT_FALSE(JudgeOne("recovery_s<=1", results).passed);
}

TEST(FloodValidity, GoodFiguresAreValid) {
  Results results = Good();
  JudgeValidity(GoodOptions(), results);
  for (const Step& step : results.steps) EXPECT_TRUE(step.invalid.empty()) << step.invalid[0];
  EXPECT_TRUE(results.invalid.empty());
  EXPECT_EQ(ExitStatus(results, {}), 0);
}

TEST(FloodValidity, FiguresOfADisturbedClientAreNot) {
  using Spoil = void (*)(Step&);
  const std::pair<Spoil, const char*> cases[] = {
      {[](Step& s) { s.client.busy_cycles = 910; }, "busy for 91 %"},
      {[](Step& s) { s.client.off_core_ns = 30000000; }, "taken away for 1.5 %"},
      {[](Step& s) { s.client.stolen_ms = 30; }, "taken away for 1.5 %"},
      {[](Step& s) { s.flood.skipped = 30; }, "too late for 30 frames"},
      {[](Step& s) { s.rate = 100001; }, "--rate-cap"},
      {[](Step& s) { s.legit.late = 11; }, "11 of 1000 connections were begun late"},
      {[](Step& s) { s.legit.not_begun = 1; }, "could not be begun"},
      {[](Step& s) { s.client.rx_missed = 5; }, "dropped 5 frames"},
  };
  for (const auto& [spoil, says] : cases) {
    Results results = Good();
    spoil(results.steps[1]);
    JudgeValidity(GoodOptions(), results);
    ASSERT_EQ(results.steps[1].invalid.size(), 1u) << says;
    EXPECT_THAT(results.steps[1].invalid[0], HasSubstr(says));
    EXPECT_EQ(ExitStatus(results, {}), 2);
    const std::string report = TextReport(GoodOptions(), results, {});
    EXPECT_THAT(report, HasSubstr("INVALID:"));
    EXPECT_THAT(report, HasSubstr(says));
  }
}

TEST(FloodValidity, CarrierMustTakeMoreThanTheTargetAnswers) {
  Results results = Good();
  results.capacity = 1000;
  results.carrier_ceiling = 1290;
  JudgeValidity(GoodOptions(), results);
  ASSERT_EQ(results.invalid.size(), 1u);
  results.invalid.clear();
  results.carrier_ceiling = 1310;
  JudgeValidity(GoodOptions(), results);
  EXPECT_TRUE(results.invalid.empty());
}

TEST(FloodValidity, SearchingIsNotJudged) {
  Results results = Good();
  AddStep(results, "search", 1).client.busy_cycles = 1000;
  AddStep(results, "ceiling", 1).client.busy_cycles = 1000;
  JudgeValidity(GoodOptions(), results);
  EXPECT_EQ(ExitStatus(results, {}), 0);
}

TEST(FloodExitStatus, InvalidComesBeforeFailed) {
  Results results = Good();
  std::vector<Verdict> failed(1), passed(1);
  passed[0].passed = true;
  EXPECT_EQ(ExitStatus(results, passed), 0);
  EXPECT_EQ(ExitStatus(results, failed), 1);
  results.invalid.push_back("x");
  EXPECT_EQ(ExitStatus(results, failed), 2);
  EXPECT_EQ(ExitStatus(results, passed), 2);
}

// Ten intervals of recovery behind one of the flood; those before `good_from` lose a connection.
Results Recovering(size_t good_from) {
  Results results = Good();
  results.intervals.resize(11);
  AddStep(results, "recovery", 0);
  results.intervals[0].step = 2;
  for (size_t i = 1; i < results.intervals.size(); ++i) {
    results.intervals[i].step = 3;
    results.intervals[i].legit.attempts = 10;
    results.intervals[i].legit.answered = i - 1 < good_from ? 9 : 10;
  }
  FindRecovery(results);
  return results;
}

TEST(FloodRecovery, IsWhenSuccessComesToStay) {
  EXPECT_EQ(Recovering(0).recovery_s, 0);
  EXPECT_NEAR(Recovering(3).recovery_s, 0.3, 1e-9);
  EXPECT_EQ(Recovering(10).recovery_s, -1);
  Results results = Good();
  FindRecovery(results);
  EXPECT_EQ(results.recovery_s, -1);  // nobody looked
}

TEST(FloodReport, TextHasARowForEachStep) {
  const std::string report = TextReport(
      GoodOptions(), Good(), {{*ParseCriterion("success>=1"), true, true, "1 at 500/s"}});
  EXPECT_THAT(report, HasSubstr("198.18.0.2:7 by syn"));
  EXPECT_THAT(report, HasSubstr("baseline"));
  EXPECT_THAT(report, HasSubstr("90.000"));
  EXPECT_THAT(report, HasSubstr("passed: success>=1 (1 at 500/s)"));
  EXPECT_THAT(report, Not(HasSubstr("INVALID")));
}

TEST(FloodReport, AlmostAllIsNotAll) {
  Results results = Good();
  results.steps[1].legit.attempts = 1000000;
  results.steps[1].legit.first_syn = results.steps[1].legit.answered = 999999;
  EXPECT_THAT(TextReport(GoodOptions(), results, {}), HasSubstr("99.999"));
}

TEST(FloodReport, JsonHasEverySample) {
  Results results = Good();
  results.intervals.resize(2);
  results.probes = {{100, 99, 98}};
  RunFacts facts;
  facts.command_line = {"weir-flood", "a \"quoted\"\nargument\\"};
  const std::string json = JsonReport(GoodOptions(), results, {}, facts);
  EXPECT_THAT(json, HasSubstr("\"schema\":1"));
  EXPECT_THAT(json, HasSubstr("\"a \\\"quoted\\\"\\u000aargument\\\\\""));
  EXPECT_THAT(json, HasSubstr("\"buckets_ns\":[[1007,1],"));
  EXPECT_THAT(json, HasSubstr("\"probes\":[{\"rate\":100,\"sent\":99,\"answers\":98}]"));
  EXPECT_EQ(std::count(json.begin(), json.end(), '{'), std::count(json.begin(), json.end(), '}'));
}

TEST(FloodReport, JsonWriterSeparatesAndEscapes) {
  JsonWriter json;
  json.Open('{').Key("a").Open('[').Number(uint64_t{1}).Number(0.5).Close(']');
  json.Key("b").Text("\x01\"").Key("c").Bool(true).Key("d").Number(1.0 / 0.0).Close('}');
  EXPECT_EQ(json.text(), "{\"a\":[1,0.5],\"b\":\"\\u0001\\\"\",\"c\":true,\"d\":null}");
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(FloodReport, PlotHasADotForEachStepAndCurve) {
  Results results = Good();
  results.steps[2].invalid.push_back("why");
  const std::string svg = SvgReport(GoodOptions(), results);
  EXPECT_EQ(CountOf(svg, "<circle"), 9u);                 // two steps and the legend, three curves
  EXPECT_EQ(CountOf(svg, "fill=\"#fff\"/>\n<"), 3u + 1);  // hollow, and the paper
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, Not(HasSubstr("established flows</text>")));  // nothing was measured of them
  EXPECT_THAT(SvgReport(GoodOptions(), Results{}), HasSubstr("</svg>"));
}

TEST(FloodReport, PlotSaysWhatItShows) {
  Results results = Good();
  results.capacity = 800;
  results.steps[1].established_ns.Add(30000);
  const std::string svg = SvgReport(GoodOptions(), results);
  for (const char* part :
       {">Honest clients of 198.18.0.2:7 beside a flood of syn</text>",
        ">Honest connections</text>", ">% of those begun</text>", ">answered in time</text>",
        ">answered on the first SYN</text>", ">100 %</text>", ">established flows</text>",
        ">Time to the answer</text>", ">99th percentile, logarithmic</text>", "&#181;s</text>",
        ">1 ms</text>", ">flood, frames per second asked for</text>", ">200</text>", ">1 k</text>",
        ">capacity: 800 SYNs/s</text>"}) {
    EXPECT_THAT(svg, HasSubstr(part));
  }
  EXPECT_THAT(svg, Not(HasSubstr("INVALID")));
}

TEST(FloodReport, PlotOfRatesFarApartIsLogarithmic) {
  Results results = Good();
  AddStep(results, "flood", 1e6);
  const std::string svg = SvgReport(GoodOptions(), results);
  for (const char* part : {">flood, frames per second asked for (logarithmic)</text>",
                           ">100</text>", ">10 k</text>", ">1 M</text>"}) {
    EXPECT_THAT(svg, HasSubstr(part));
  }
}

}  // namespace
}  // namespace weir::flood
