// What is printed at the end, and by which scripts go.
#include "runtime/counters_report.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ReportTimeTest, IsInUtcAndOnOneLineThatScriptsRead) {
  EXPECT_EQ(ReportTime(0, 0), "report: time=1970-01-01T00:00:00Z uptime_s=0.0\n");
  EXPECT_EQ(ReportTime(1798761599, 86400.25),
            "report: time=2026-12-31T23:59:59Z uptime_s=86400.2\n");
}

TEST(CountersReportTest, SaysNameTotalAndSentenceOfWhatIsNotZero) {
  std::vector<Counters> workers(1);
  workers[0].Add(Counter::kRxFrames, 42);
  const std::string report = CountersReport(workers);
  EXPECT_THAT(report, testing::ContainsRegex("  RxFrames +42  frames received\n"));
  EXPECT_THAT(report, Not(HasSubstr("TxFrames")));
}

TEST(CountersReportTest, SaysEachWorkersShare) {
  std::vector<Counters> workers(2);
  workers[0].Add(Counter::kRxFrames, 40);
  workers[1].Add(Counter::kRxFrames, 2);
  EXPECT_THAT(CountersReport(workers), testing::ContainsRegex("RxFrames +42  \\[40 2\\]"));
}

TEST(ListenersReportTest, HasALineForEachWithStateAndCounts) {
  ListenerLine line{1, "*:7", true, tcp::SynState::kCookie, false, 1024, 3, 2, {}};
  line.counts = {.syns = 9,
                 .cookies_sent = 8,
                 .cookies_accepted = 7,
                 .cookies_refused = 6,
                 .established = 5,
                 .overflowed = 4,
                 .refused = 3};
  EXPECT_EQ(ListenersReport(std::span(&line, 1)),
            "listener *:7 worker 1: state=cookie half_open=1024 waiting=3 connections=2 syns=9 "
            "established=5 cookies_sent=8 cookies_accepted=7 cookies_refused=6 overflowed=4 "
            "refused=3\n");
  line.shedding = true;
  EXPECT_THAT(ListenersReport(std::span(&line, 1)),
              testing::HasSubstr("state=cookie,shedding half"));
  line.open = false;
  EXPECT_THAT(ListenersReport(std::span(&line, 1)), testing::HasSubstr("state=closed"));
}

TEST(DeviceReportTest, SaysLossesOnly) {
  EXPECT_EQ(DeviceReport("lan", {}), "device of port lan: no losses");
  EXPECT_EQ(DeviceReport("lan", {.rx_missed = 3, .tx_errors = 1}),
            "device of port lan: rx_missed=3 tx_errors=1");
}

TEST(LeakReportTest, IsOneLineThatScriptsRead) {
  EXPECT_EQ(LeakReport({}), "leaks: connections=0 flights=0 kept_buffers=0 packets=0 time_wait=0");
  EXPECT_EQ(LeakReport({1, 2, 3, 4, 5}),
            "leaks: connections=1 flights=2 kept_buffers=3 packets=4 time_wait=5");
}

}  // namespace
}  // namespace weir::runtime
