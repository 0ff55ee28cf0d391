// ControlEvents: signals and requests arrive as events, each once.
#include "runtime/control_events.h"

#include <csignal>
#include <thread>

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

TEST(ControlEventsTest, NothingHappensNothingComes) {
  ControlEvents events;
  EXPECT_EQ(events.Wait(0), std::nullopt);
}

TEST(ControlEventsTest, SignalsBecomeEvents) {
  ControlEvents events;
  raise(SIGTERM);
  EXPECT_EQ(events.Wait(0), ControlEvent::kStop);
  raise(SIGINT);
  EXPECT_EQ(events.Wait(0), ControlEvent::kStop);
  raise(SIGUSR1);
  EXPECT_EQ(events.Wait(0), ControlEvent::kReport);
  EXPECT_EQ(events.Wait(0), std::nullopt);
}

TEST(ControlEventsTest, EachRequestToStopCounts) {
  ControlEvents events;
  std::thread([&] {
    events.RequestStop();
    events.RequestStop();
  }).join();
  EXPECT_EQ(events.Wait(0), ControlEvent::kStop);
  EXPECT_EQ(events.Wait(0), ControlEvent::kStop);
  EXPECT_EQ(events.Wait(0), std::nullopt);
}

}  // namespace
}  // namespace weir::runtime
