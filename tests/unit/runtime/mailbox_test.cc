// Mailbox: order, bounds, several posters.
#include "runtime/mailbox.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "unit/port/test_eal.h"

namespace weir::runtime {
namespace {

class MailboxTest : public testing::Test {
 protected:
  void SetUp() override { port::EnsureEal(); }
};

TEST_F(MailboxTest, RunsCallsInOrder) {
  auto mailbox = Mailbox::Create("mail_order", 16);
  ASSERT_TRUE(mailbox.ok()) << mailbox.status();
  std::vector<int> ran;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE((*mailbox)->Post([&ran, i] { ran.push_back(i); }));
  EXPECT_EQ((*mailbox)->Run(), 5u);
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ((*mailbox)->Run(), 0u);
}

TEST_F(MailboxTest, RefusesWhatItHasNoRoomFor) {
  auto mailbox = Mailbox::Create("mail_full", 4);
  ASSERT_TRUE(mailbox.ok()) << mailbox.status();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE((*mailbox)->Post([] {}));
  EXPECT_FALSE((*mailbox)->Post([] {}));
}

TEST_F(MailboxTest, ACallThatPostsDoesNotRunForEver) {
  auto mailbox = Mailbox::Create("mail_chain", 8);
  ASSERT_TRUE(mailbox.ok()) << mailbox.status();
  int ran = 0;
  std::function<void()> again = [&] {
    ++ran;
    (void)(*mailbox)->Post(again);
  };
  ASSERT_TRUE((*mailbox)->Post(again));
  EXPECT_LE((*mailbox)->Run(), 8u);
  EXPECT_GE(ran, 1);
}

TEST_F(MailboxTest, ForgottenCallsAreFreed) {
  auto kept = std::make_shared<int>(1);
  auto mailbox = Mailbox::Create("mail_forget", 8);
  ASSERT_TRUE(mailbox.ok()) << mailbox.status();
  ASSERT_TRUE((*mailbox)->Post([kept] {}));
  EXPECT_EQ(kept.use_count(), 2);
  mailbox->reset();
  EXPECT_EQ(kept.use_count(), 1);
}

TEST_F(MailboxTest, TakesCallsFromSeveralThreads) {
  auto mailbox = Mailbox::Create("mail_threads", 64);
  ASSERT_TRUE(mailbox.ok()) << mailbox.status();
  constexpr int kThreads = 3, kCalls = 2000;
  int ran = 0;  // touched by this thread only
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kCalls;) {
        if ((*mailbox)->Post([&ran] { ++ran; })) {
          ++i;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  while (ran < kThreads * kCalls) (*mailbox)->Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kCalls);
}

}  // namespace
}  // namespace weir::runtime
