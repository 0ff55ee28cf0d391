// What is printed at the end, and by which scripts go.
#include "runtime/counters_report.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

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
