// A worker allocates nothing for pull mode after start-up: operator new is counted on its thread.
#include <thread>
#include <vector>

#include "counted_new.h"
#include "gtest/gtest.h"
#include "pull/echo_clients.h"
#include "pull/two_stacks.h"

namespace weir::pull_test {
namespace {

TEST(PullAllocation, TheWorkerAllocatesNothing) {
  constexpr uint32_t kConnections = 500;
  EchoClients clients(kConnections, 32, 6000);
  uint64_t counted = 0;
  TwoStacks::Options options;
  options.sizes = {.backlog = 64, .max_streams = 64, .send_buffer = 2048, .receive_buffer = 2048};
  options.client = &clients;
  options.around_commands_and_turn = [&counted](bool begins) {
    test::counting = begins;
    if (!begins) counted = test::allocations;
  };
  TwoStacks stacks(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([listener = stacks.listener()] {
      std::vector<uint8_t> text(1000);
      for (;;) {
        absl::StatusOr<Stream> stream = listener.Accept(kNoTimeout);
        if (!stream.ok()) return;
        for (;;) {
          const auto count = stream->Receive(text, kPatience);
          if (!count.ok() || *count == 0) break;
          for (Bytes rest = Bytes(text).first(*count); !rest.empty();) {
            rest = rest.subspan(stream->Send(rest));
            if (!stream->WaitWritable(kPatience) || stream->closed()) break;
          }
        }
      }
    });
  }
  stacks.Call([&] { clients.Begin([&stacks] { return stacks.Connect(); }); });
  EXPECT_TRUE(Eventually([&] { return clients.finished(); }));
  stacks.Drain();
  for (std::thread& thread : threads) thread.join();
  stacks.Stop();
  EXPECT_EQ(clients.good(), kConnections);
  EXPECT_EQ(counted, 0u);
}

}  // namespace
}  // namespace weir::pull_test
