// Pull mode: what weir/pull.h and weir/stream.h promise, with real threads as the application.
#include <algorithm>
#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "pull/echo_clients.h"
#include "pull/peer.h"
#include "pull/two_stacks.h"

namespace weir::pull_test {
namespace {

constexpr Timeout kSoon = std::chrono::milliseconds(1);
constexpr unsigned kThreads = 8;

// Small buffers, so that everything that can be full is.
runtime::PullSizes Small() {
  return {.backlog = 64, .max_streams = 64, .send_buffer = 2048, .receive_buffer = 2048};
}

// Sends all of it, as an application would; false when the connection ended before.
bool SendAll(Stream& stream, Bytes text) {
  while (!text.empty()) {
    const size_t taken = stream.Send(text);
    text = text.subspan(taken);
    if (taken == 0 && (stream.closed() || !stream.WaitWritable(kPatience))) return false;
  }
  return true;
}

// Reads until the peer's end; false when the connection ended otherwise.
bool ReceiveAll(Stream& stream, std::vector<uint8_t>& text) {
  std::array<uint8_t, 1500> part;
  for (;;) {
    const auto count = stream.Receive(part, kPatience);
    if (!count.ok()) return false;
    if (*count == 0) return true;
    text.insert(text.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

// What the application of the load tests does with each connection.
void Echo(Stream stream) {
  std::array<uint8_t, 1500> part;
  for (;;) {
    const auto count = stream.Receive(part, kPatience);
    if (!count.ok() || *count == 0) return;
    if (!SendAll(stream, Bytes(part).first(*count))) return;
  }
}

std::vector<std::thread> StartEchoThreads(const Listener& listener, unsigned count) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([listener] {
      for (;;) {
        absl::StatusOr<Stream> stream = listener.Accept(kNoTimeout);
        if (!stream.ok()) {
          EXPECT_TRUE(absl::IsCancelled(stream.status())) << stream.status();
          return;
        }
        Echo(*std::move(stream));
      }
    });
  }
  return threads;
}

// One server in pull mode, and one peer that the test directs.
class PullMode : public testing::Test {
 protected:
  void Begin(const runtime::PullSizes& sizes, const ConnectionOptions& connection = {}) {
    options_.sizes = sizes;
    options_.connection = connection;
    options_.client = &peer_;
    stacks_ = std::make_unique<TwoStacks>(options_);
    listener_ = stacks_->listener();
  }
  ~PullMode() override {
    if (stacks_ != nullptr) stacks_->AbortAll();
    stacks_.reset();
  }

  // All in one turn.
  void Connect(int count = 1) {
    stacks_->Call([&] {
      for (int i = 0; i < count; ++i) peer_.connection = stacks_->Connect();
    });
  }
  // A connection with the peer, accepted.
  Stream Open() {
    Connect();
    absl::StatusOr<Stream> stream = listener_.Accept(kPatience);
    EXPECT_TRUE(stream.ok()) << stream.status();
    EXPECT_TRUE(Eventually([&] { return peer_.opened.load(); }));
    return stream.ok() ? *std::move(stream) : Stream();
  }
  // Lets both stacks do what they can without an application.
  void Turns(uint64_t count) {
    const uint64_t until = stacks_->turns() + count;
    EXPECT_TRUE(Eventually([&] { return stacks_->turns() >= until; }));
  }
  // Sends of `text` what is taken until nobody takes any more; the peer does not read.
  size_t Fill(Stream& stream, Bytes text) {
    size_t sent = 0;
    for (int i = 0; i < 100; ++i) {
      sent += stream.Send(text.subspan(sent));
      Turns(5);
    }
    return sent;
  }
  void PeerSends(uint32_t size) {
    stacks_->Call([&] {
      peer_.to_send = Text(1, size);
      peer_.Go();
    });
  }
  uint64_t Count(Counter counter) {
    uint64_t count = 0;
    stacks_->Call([&] { count = stacks_->server_counters()[counter]; });
    return count;
  }

  TwoStacks::Options options_;
  Peer peer_;
  std::unique_ptr<TwoStacks> stacks_;
  Listener listener_;
};

TEST_F(PullMode, AcceptGivesConnectionsAsTheyCome) {
  Begin(Small());
  const Stream stream = Open();
  EXPECT_TRUE(stream);
  EXPECT_EQ(stream.local().ToString(), "198.18.0.2:7");
  EXPECT_EQ(stream.remote().address.ToString(), "198.18.0.1");
  Endpoint peers;
  stacks_->Call([&] { peers = peer_.connection.local(); });
  EXPECT_EQ(stream.remote(), peers);
  EXPECT_FALSE(stream.closed());
  EXPECT_FALSE(stream.peer_closed());
  EXPECT_TRUE(Eventually([&] { return Count(Counter::kPullAccepted) == 1; }));
}

TEST_F(PullMode, AcceptWaitsNoLongerThanItMay) {
  Begin(Small());
  EXPECT_TRUE(absl::IsDeadlineExceeded(listener_.Accept(Timeout(0)).status()));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(listener_.Accept(kSoon).status()));
  EXPECT_GE(std::chrono::steady_clock::now() - before, kSoon);
}

TEST_F(PullMode, WhatNamesNothingDoesNothing) {
  Listener listener;
  EXPECT_TRUE(absl::IsFailedPrecondition(listener.Accept(kNoTimeout).status()));
  Stream stream;
  std::array<uint8_t, 8> into;
  EXPECT_FALSE(stream);
  EXPECT_EQ(stream.Send(into), 0u);
  EXPECT_FALSE(stream.WaitWritable(kNoTimeout));
  EXPECT_FALSE(stream.WaitReadable(kNoTimeout));
  EXPECT_TRUE(absl::IsFailedPrecondition(stream.Receive(into, kNoTimeout).status()));
  EXPECT_FALSE(stream.closed());
  EXPECT_EQ(stream.remote(), Endpoint());
  stream.Shutdown();
  stream.Abort();
  stream.Close();
}

TEST_F(PullMode, TextThatCameBeforeAcceptIsThere) {
  Begin(Small());
  stacks_->Call([&] {
    peer_.connection = stacks_->Connect();
    peer_.to_send = Text(1, 1000);
    peer_.Go();
  });
  EXPECT_TRUE(Eventually([&] { return peer_.opened.load(); }));
  stacks_->Call([&] { peer_.connection.Shutdown(); });
  EXPECT_TRUE(Eventually([&] { return Count(Counter::kTcpTextOctetsIn) == 1000; }));
  absl::StatusOr<Stream> stream = listener_.Accept(kPatience);
  ASSERT_TRUE(stream.ok());
  std::vector<uint8_t> text;
  EXPECT_TRUE(ReceiveAll(*stream, text));
  EXPECT_EQ(text, Text(1, 1000));
  EXPECT_TRUE(stream->peer_closed());
}

TEST_F(PullMode, ReceiveWaitsNoLongerThanItMayAndWantsRoom) {
  Begin(Small());
  Stream stream = Open();
  std::array<uint8_t, 8> into;
  EXPECT_TRUE(absl::IsDeadlineExceeded(stream.Receive(into, Timeout(0)).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(stream.Receive(into, kSoon).status()));
  EXPECT_FALSE(stream.WaitReadable(kSoon));
  EXPECT_TRUE(absl::IsInvalidArgument(stream.Receive({}, kSoon).status()));
  PeerSends(8);
  EXPECT_TRUE(stream.WaitReadable(kPatience));
  EXPECT_EQ(*stream.Receive(into, kPatience), 8u);
}

// Nothing piles up between the peer and an application that does not read.
TEST_F(PullMode, WhoDoesNotReadStopsThePeer) {
  Begin(Small(), {.receive_buffer = 8192});
  Stream stream = Open();
  const uint32_t size = 1 << 20;
  PeerSends(size);
  // The peer has filled its own send buffer, TCP's receive buffer here, and the stream's.
  uint64_t arrived = 0;
  EXPECT_TRUE(Eventually([&] {
    arrived = Count(Counter::kTcpTextOctetsIn);
    return arrived >= 8192;
  }));
  Turns(300);
  EXPECT_LE(Count(Counter::kTcpTextOctetsIn), 8192u + 2048u);
  EXPECT_LT(peer_.sent_octets.load(), size);
}

TEST_F(PullMode, NothingIsLostBetweenASlowReaderAndAFastPeer) {
  Begin(Small(), {.receive_buffer = 8192});
  Stream stream = Open();
  const uint32_t size = 300000;
  PeerSends(size);
  std::vector<uint8_t> text;
  std::array<uint8_t, 777> part;
  while (text.size() < size) {
    const auto count = stream.Receive(part, kPatience);
    ASSERT_TRUE(count.ok()) << count.status();
    ASSERT_GT(*count, 0u);
    text.insert(text.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*count));
    if (text.size() % 5 == 0) std::this_thread::yield();
  }
  EXPECT_EQ(text, Text(1, size));
}

TEST_F(PullMode, SendTakesWhatItsBufferHolds) {
  Begin(Small(), {.send_buffer = 4096});
  Stream stream = Open();
  stacks_->Call([&] { peer_.reads = false; });
  const std::vector<uint8_t> text = Text(2, 1 << 20);
  const size_t sent = Fill(stream, text);
  // The peer's receive buffer, TCP's send buffer here, and the stream's.
  EXPECT_GE(sent, 2048u + 4096u);
  EXPECT_LE(sent, 262144u + 4096u + 2048u);
  stacks_->Call([&] {
    peer_.reads = true;
    peer_.connection.Resume();
  });
  EXPECT_TRUE(SendAll(stream, Bytes(text).subspan(sent)));
  EXPECT_TRUE(Eventually([&] { return peer_.received_octets.load() == text.size(); }));
  stacks_->Call([&] { EXPECT_EQ(peer_.received, text); });
}

// More than TCP has room for at that moment, from a buffer that has wrapped around.
TEST_F(PullMode, CloseSendsEverythingThatSendTook) {
  runtime::PullSizes sizes = Small();
  sizes.send_buffer = 16384;
  Begin(sizes, {.send_buffer = 2048});
  Stream stream = Open();
  const std::vector<uint8_t> text = Text(2, 1000000);
  ASSERT_TRUE(SendAll(stream, Bytes(text).first(10000)));
  EXPECT_TRUE(Eventually([&] { return peer_.received_octets.load() == 10000; }));
  stacks_->Call([&] { peer_.reads = false; });
  const size_t sent = 10000 + Fill(stream, Bytes(text).subspan(10000));
  ASSERT_LT(sent, text.size());
  stream.Close();
  EXPECT_FALSE(stream);
  stacks_->Call([&] {
    peer_.reads = true;
    peer_.connection.Resume();
  });
  EXPECT_TRUE(Eventually([&] { return peer_.peer_closed.load(); }));
  stacks_->Call([&] {
    EXPECT_TRUE(std::ranges::equal(peer_.received, Bytes(text).first(sent)));
    peer_.connection.Close();
  });
  EXPECT_TRUE(Eventually([&] { return peer_.closed.load(); }));
  EXPECT_EQ(peer_.reason, CloseReason::kNormal);
  EXPECT_TRUE(stacks_->WaitUntilEmpty());
}

TEST_F(PullMode, HalfClosesBothWays) {
  Begin(Small());
  Stream stream = Open();
  PeerSends(100);
  stacks_->Call([&] { peer_.connection.Shutdown(); });
  std::vector<uint8_t> text;
  EXPECT_TRUE(ReceiveAll(stream, text));
  EXPECT_EQ(text, Text(1, 100));
  EXPECT_TRUE(SendAll(stream, Text(2, 5000)));
  stream.Shutdown();
  EXPECT_EQ(stream.Send(text), 0u);
  EXPECT_TRUE(stream.WaitWritable(kPatience));
  EXPECT_TRUE(Eventually([&] { return peer_.peer_closed.load(); }));
  stacks_->Call([&] { EXPECT_EQ(peer_.received, Text(2, 5000)); });
  EXPECT_TRUE(Eventually([&] { return stream.closed().has_value(); }));
  EXPECT_EQ(stream.closed(), CloseReason::kNormal);
  std::array<uint8_t, 8> into;
  EXPECT_EQ(*stream.Receive(into, kPatience), 0u);
}

TEST_F(PullMode, AResetIsToldAfterWhatCameBeforeIt) {
  Begin(Small());
  Stream stream = Open();
  PeerSends(100);
  EXPECT_TRUE(stream.WaitReadable(kPatience));
  stacks_->Call([&] { peer_.connection.Abort(); });
  EXPECT_TRUE(Eventually([&] { return stream.closed().has_value(); }));
  EXPECT_EQ(stream.closed(), CloseReason::kReset);
  std::array<uint8_t, 200> into;
  EXPECT_EQ(*stream.Receive(into, kPatience), 100u);
  EXPECT_TRUE(absl::IsAborted(stream.Receive(into, kPatience).status()));
  EXPECT_EQ(stream.Send(into), 0u);
  EXPECT_TRUE(stream.WaitWritable(kPatience));
}

// SHLD-3
TEST_F(PullMode, CloseBeforeEverythingIsReadResets) {
  Begin(Small());
  Stream stream = Open();
  PeerSends(100);
  EXPECT_TRUE(stream.WaitReadable(kPatience));
  stream.Close();
  EXPECT_TRUE(Eventually([&] { return peer_.closed.load(); }));
  EXPECT_EQ(peer_.reason, CloseReason::kReset);
  EXPECT_TRUE(stacks_->WaitUntilEmpty());
}

TEST_F(PullMode, AbortResets) {
  Begin(Small());
  Stream stream = Open();
  stream.Abort();
  EXPECT_FALSE(stream);
  EXPECT_TRUE(Eventually([&] { return peer_.closed.load(); }));
  EXPECT_EQ(peer_.reason, CloseReason::kReset);
  EXPECT_TRUE(stacks_->WaitUntilEmpty());
}

TEST_F(PullMode, ADestroyedStreamCloses) {
  Begin(Small());
  { const Stream stream = Open(); }
  EXPECT_TRUE(Eventually([&] { return peer_.peer_closed.load(); }));
}

TEST_F(PullMode, AStreamIsHandedOnByMoving) {
  Begin(Small());
  Stream stream = Open();
  std::thread other([moved = std::move(stream)]() mutable { Echo(std::move(moved)); });
  EXPECT_FALSE(stream);  // NOLINT: what moved leaves is promised
  PeerSends(5000);
  EXPECT_TRUE(Eventually([&] { return peer_.received_octets.load() == 5000; }));
  stacks_->Call([&] { peer_.connection.Shutdown(); });
  other.join();
}

TEST_F(PullMode, WhatGoesBeyondTheBacklogOpensWhenSomebodyAccepts) {
  runtime::PullSizes sizes = Small();
  sizes.backlog = 8;
  Begin(sizes);
  Connect(11);
  EXPECT_TRUE(Eventually([&] { return Count(Counter::kTcpEstablished) == 8; }));
  Turns(300);
  EXPECT_EQ(Count(Counter::kTcpEstablished), 8u);
  std::vector<Stream> streams;
  for (int i = 0; i < 11; ++i) {
    absl::StatusOr<Stream> stream = listener_.Accept(kPatience);
    ASSERT_TRUE(stream.ok());
    streams.push_back(*std::move(stream));
  }
  EXPECT_EQ(Count(Counter::kTcpEstablished), 11u);
  EXPECT_EQ(peer_.resets.load(), 0u);
}

TEST_F(PullMode, WhatGoesBeyondTheBacklogIsResetIfTheListenerSaysSo) {
  runtime::PullSizes sizes = Small();
  sizes.backlog = 8;
  options_.accept_overflow = AcceptOverflow::kReset;
  Begin(sizes);
  Connect(11);
  EXPECT_TRUE(Eventually([&] { return peer_.resets.load() == 3; }));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(listener_.Accept(kPatience).ok());
  EXPECT_TRUE(Eventually([&] { return Count(Counter::kPullAccepted) == 8; }));
  Connect();
  EXPECT_TRUE(listener_.Accept(kPatience).ok());
}

TEST_F(PullMode, AcceptGivesNoMoreThanMaxStreamsAtATime) {
  runtime::PullSizes sizes = Small();
  sizes.max_streams = 2;
  Begin(sizes);
  Connect(4);
  absl::StatusOr<Stream> first = listener_.Accept(kPatience);
  absl::StatusOr<Stream> second = listener_.Accept(kPatience);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(listener_.Accept(std::chrono::milliseconds(20)).status()));
  second->Close();
  EXPECT_TRUE(listener_.Accept(kPatience).ok());
  EXPECT_TRUE(listener_.Accept(kPatience).ok());
}

TEST_F(PullMode, WhatWasResetWhileItWaitedIsPassedOver) {
  Begin(Small());
  Connect();
  EXPECT_TRUE(Eventually([&] { return Count(Counter::kTcpEstablished) == 1; }));
  stacks_->Call([&] { peer_.connection.Abort(); });
  EXPECT_TRUE(stacks_->WaitUntilEmpty());
  Connect();
  Endpoint second;
  stacks_->Call([&] { second = peer_.connection.local(); });
  absl::StatusOr<Stream> stream = listener_.Accept(kPatience);
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(stream->remote(), second);
}

TEST_F(PullMode, WhatWaitsIsStillGivenOutWhenTheServerIsToldToStop) {
  runtime::PullSizes sizes = Small();
  sizes.max_streams = 2;
  Begin(sizes);
  Connect(3);
  EXPECT_TRUE(Eventually([&] { return Count(Counter::kTcpEstablished) == 3; }));
  stacks_->Drain();
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<Stream> stream = listener_.Accept(kPatience);
    ASSERT_TRUE(stream.ok()) << stream.status();
    Connect();  // refused: nobody listens
  }
  EXPECT_TRUE(absl::IsCancelled(listener_.Accept(kNoTimeout).status()));
  EXPECT_TRUE(absl::IsCancelled(listener_.Accept(Timeout(0)).status()));
}

TEST_F(PullMode, AServerThatStopsWakesWhoeverWaits) {
  Begin(Small(), {.send_buffer = 2048});
  Stream receives = Open();
  Stream sends = Open();
  stacks_->Call([&] { peer_.reads = false; });
  const std::vector<uint8_t> text = Text(2, 1 << 20);
  std::atomic<int> begun = 0;
  std::thread in_send([&] {
    begun.fetch_add(1);
    EXPECT_FALSE(SendAll(sends, text));
  });
  std::thread in_receive([&] {
    begun.fetch_add(1);
    std::array<uint8_t, 8> into;
    EXPECT_TRUE(absl::IsAborted(receives.Receive(into, kNoTimeout).status()));
    EXPECT_EQ(receives.closed(), CloseReason::kShutdown);
  });
  std::vector<std::thread> in_accept = StartEchoThreads(listener_, 4);
  EXPECT_TRUE(Eventually([&] { return begun.load() == 2; }));
  Turns(1000);
  stacks_->Stop();
  in_send.join();
  in_receive.join();
  for (std::thread& thread : in_accept) thread.join();
}

TEST_F(PullMode, StreamsMayOutliveTheServer) {
  Begin(Small());
  Stream stream = Open();
  PeerSends(100);
  EXPECT_TRUE(stream.WaitReadable(kPatience));
  Connect();  // waits for an Accept that does not come in time
  stacks_->Stop();
  stacks_.reset();
  std::array<uint8_t, 200> into;
  EXPECT_EQ(*stream.Receive(into, kNoTimeout), 100u);
  EXPECT_TRUE(absl::IsAborted(stream.Receive(into, kNoTimeout).status()));
  EXPECT_EQ(stream.closed(), CloseReason::kShutdown);
  EXPECT_EQ(stream.Send(into), 0u);
  EXPECT_TRUE(absl::IsCancelled(listener_.Accept(kNoTimeout).status()));
  listener_ = Listener();
  stream.Shutdown();
  stream.Close();
}

// --- many connections, many threads ---

class PullModeLoad : public testing::Test {
 protected:
  void Begin(Handler& client, const runtime::PullSizes& sizes) {
    TwoStacks::Options options;
    options.sizes = sizes;
    options.client = &client;
    stacks_ = std::make_unique<TwoStacks>(options);
  }
  std::unique_ptr<TwoStacks> stacks_;
};

TEST_F(PullModeLoad, EightThreadsEchoEveryConnectionOctetByOctet) {
  EchoClients clients(WEIR_PULL_CONNECTIONS, 64, 6000);
  Begin(clients, Small());
  std::vector<std::thread> threads = StartEchoThreads(stacks_->listener(), kThreads);
  stacks_->Call([&] { clients.Begin([this] { return stacks_->Connect(); }); });
  EXPECT_TRUE(Eventually([&] { return clients.finished(); })) << clients.ended() << " ended";
  EXPECT_EQ(clients.good(), uint32_t{WEIR_PULL_CONNECTIONS});
  EXPECT_TRUE(stacks_->WaitUntilEmpty());
  stacks_->Drain();
  for (std::thread& thread : threads) thread.join();
  stacks_->Stop();
  EXPECT_EQ(stacks_->server_counters()[Counter::kPullAccepted], uint64_t{WEIR_PULL_CONNECTIONS});
}

// Each thread aborts while text comes in, at another place each time; nothing stays behind.
TEST_F(PullModeLoad, AbortWhileTextArrivesLeavesNothingBehind) {
  constexpr uint32_t kConnections = WEIR_PULL_CONNECTIONS / 10;
  EchoClients clients(kConnections, 32, 60000);
  Begin(clients, Small());
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([listener = stacks_->listener(), i] {
      std::array<uint8_t, 512> part;
      for (unsigned round = i;; ++round) {
        absl::StatusOr<Stream> stream = listener.Accept(kNoTimeout);
        if (!stream.ok()) return;
        for (unsigned k = 0; k < round % 7; ++k) {
          const auto count = stream->Receive(part, kPatience);
          if (!count.ok() || *count == 0) break;
          if (!SendAll(*stream, Bytes(part).first(*count))) break;
        }
        if (round % 3 != 0) stream->Abort();  // else it closes, with text unread
      }
    });
  }
  stacks_->Call([&] { clients.Begin([this] { return stacks_->Connect(); }); });
  EXPECT_TRUE(Eventually([&] { return clients.finished(); })) << clients.ended() << " ended";
  EXPECT_TRUE(stacks_->WaitUntilEmpty());
  stacks_->Drain();
  for (std::thread& thread : threads) thread.join();
}

// With threads in every call, from one moment to the next.
TEST_F(PullModeLoad, AServerMayStopInTheMiddleOfIt) {
  EchoClients clients(UINT32_MAX, 64, 6000);
  Begin(clients, Small());
  std::vector<std::thread> threads = StartEchoThreads(stacks_->listener(), kThreads);
  stacks_->Call([&] { clients.Begin([this] { return stacks_->Connect(); }); });
  EXPECT_TRUE(Eventually([&] { return clients.good() > 50; }));
  stacks_->Stop();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace weir::pull_test
