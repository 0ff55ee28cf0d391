// Worker: its loop on a pair of rings, with a peer that speaks ARP and ICMP at the other end.
#include "runtime/worker.h"

#include <array>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "packet/pool_mempool.h"
#include "port/ring_pair.h"
#include "port/rss.h"
#include "port/tsc.h"
#include "unit/port/granting_flows.h"
#include "unit/port/test_eal.h"

namespace weir::runtime {
namespace {

constexpr uint8_t kKey[port::kRssKeySizeMax] = {0x6d};
constexpr uint8_t kPeerMac[6] = {2, 0, 0, 0, 0, 0x77};
const IpAddress kOurs = *IpAddress::Parse("198.18.0.2");
const IpAddress kPeer = *IpAddress::Parse("198.18.0.1");

class Discard : public Handler {
  void OnData(Connection, Bytes) override {}
};

// A worker on one end of a pair of rings; the test holds the other end. A turn is bounded by the
// test's patience only, never by a verdict about time.
class WorkerTest : public testing::Test {
 protected:
  // `syn_queue`: the device has a second receive queue, for SYNs.
  explicit WorkerTest(bool syn_queue = false) {
    port::EnsureEal();
    if (syn_queue) flows_.emplace();
    static int instance = 0;
    name_ = "worker" + std::to_string(++instance);
    pool_ = std::make_unique<PacketPool>(name_, 1023, 2048, -1);
    EXPECT_TRUE(pool_->ok()) << pool_->error();
    const size_t queues = syn_queue ? 2 : 1;
    auto pair = port::CreateRingPair(name_, static_cast<unsigned>(queues), 256);
    EXPECT_TRUE(pair.ok()) << pair.status();
    device_ = Open(pair->first, 1, syn_queue);
    peer_ = Open(pair->second, queues, false);
    auto mailbox = Mailbox::Create(name_, 16);
    EXPECT_TRUE(mailbox.ok()) << mailbox.status();
    mailbox_ = *std::move(mailbox);
  }
  ~WorkerTest() override {
    Finish();
    TakeAll();  // the rings outlive the devices
    device_.reset();
    peer_.reset();
    worker_.reset();
    EXPECT_EQ(PacketsInUse(*pool_), 0u);
  }

  std::unique_ptr<port::Device> Open(const std::string& device, size_t queues, bool syn_queue) {
    port::DeviceOptions options;
    options.name = options.device = device;
    options.fallback_mac = {2, 0, 0, 0, 0, 1};
    options.rss_key = kKey;
    options.syn_queues = syn_queue;
    const std::vector<PacketPool*> pools(queues, pool_.get());
    auto opened = port::Device::Open(options, pools);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  void Start(Idle idle, const std::vector<HandlerRequest>& handlers = {},
             Time (*shared_clock)() = nullptr) {
    stack::StackConfig stack;
    ip::InterfaceConfig interface;
    interface.port = device_->id();
    interface.mac = wire::MacAddress{device_->mac()};
    interface.addresses = {{kOurs, 24}};
    stack.ip.interfaces = {interface};
    stack.tcp.max_connections = 64;
    stack.tcp.max_flights = 16;
    WorkerOptions options;
    options.idle = idle;
    options.sleep_max = Microseconds(500);
    options.syn_burst = syn_burst_;
    options.origin = Time{int64_t{1} << 32};
    options.shared_clock = shared_clock;
    worker_ =
        std::make_unique<Worker>(options, stack, *pool_, std::vector<port::Device*>{device_.get()},
                                 Neighbourhood{}, std::move(mailbox_));
    for (const HandlerRequest& request : handlers) worker_->AddHandler(request);
    ASSERT_TRUE(port::LaunchWorker(
        0,
        [](void* worker) {
          static_cast<Worker*>(worker)->Run(port::TscHz());
          return 0;
        },
        worker_.get()));
    running_ = true;
  }
  void Finish() {
    if (!running_) return;
    worker_->Stop();
    port::JoinWorker(0);
    running_ = false;
  }

  template <class F>
  bool Eventually(F condition) {
    for (int i = 0; i < 20000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    return false;
  }

  void SendArpRequest(uint16_t queue = 0) {
    std::array<Packet, 1> out;
    out[0] = AllocatePacket(*pool_);
    uint8_t* f = out[0].Append(60);
    std::memset(f, 0, 60);
    std::memset(f, 0xff, 6);
    std::memcpy(f + 6, kPeerMac, 6);
    StoreBe16(f + 12, 0x0806);
    StoreBe16(f + 14, 1);
    StoreBe16(f + 16, 0x0800);
    f[18] = 6;
    f[19] = 4;
    StoreBe16(f + 20, 1);
    std::memcpy(f + 22, kPeerMac, 6);
    StoreBe32(f + 28, kPeer.v4());
    StoreBe32(f + 38, kOurs.v4());
    ASSERT_EQ(peer_->Transmit(queue, out), 1);
  }
  // True once an ARP reply to the peer has come.
  bool SeesArpReply() { return ArpReplies() > 0; }
  // How many have come since the last call, of the first 32 frames.
  unsigned ArpReplies() {
    std::array<Packet, 32> in;
    const uint16_t count = peer_->Receive(0, in);
    unsigned seen = 0;
    for (uint16_t i = 0; i < count; ++i) {
      const uint8_t* f = in[i].data();
      if (in[i].size() >= 42 && LoadBe16(f + 12) == 0x0806 && LoadBe16(f + 20) == 2 &&
          std::memcmp(f, kPeerMac, 6) == 0) {
        ++seen;
      }
    }
    return seen;
  }

  // True once the worker has asked who has `address`.
  bool SeesArpRequestFor(const IpAddress& address) {
    std::array<Packet, 32> in;
    const uint16_t count = peer_->Receive(0, in);
    bool seen = false;
    for (uint16_t i = 0; i < count; ++i) {
      const uint8_t* f = in[i].data();
      seen = seen || (in[i].size() >= 42 && LoadBe16(f + 12) == 0x0806 && LoadBe16(f + 20) == 1 &&
                      LoadBe32(f + 38) == address.v4());
    }
    return seen;
  }

  void TakeAll() {
    std::array<Packet, 32> in;
    while (peer_->Receive(0, in) > 0) {
      for (Packet& packet : in) packet.Reset();
    }
  }
  // As the worker itself sees it; 0 while its mailbox is full.
  uint64_t FramesReceived() {
    std::atomic<bool> done = false;
    uint64_t count = 0;
    const bool posted = worker_->Post([&] {
      count = worker_->counters()[Counter::kRxFrames];
      done.store(true);
    });
    while (posted && !done.load()) std::this_thread::yield();
    return count;
  }

  std::string name_;
  std::optional<port::GrantingFlows> flows_;
  uint32_t syn_burst_ = 8;
  std::unique_ptr<PacketPool> pool_;
  std::unique_ptr<port::Device> device_, peer_;
  std::unique_ptr<Mailbox> mailbox_;
  std::unique_ptr<Worker> worker_;
  bool running_ = false;
};

TEST_F(WorkerTest, AnswersWhateverItsIdlePolicy) {
  Start(Idle::kSleep);
  ASSERT_TRUE(Eventually([&] { return worker_->state() == Worker::State::kRunning; }));
  SendArpRequest();
  EXPECT_TRUE(Eventually([&] { return SeesArpReply(); }));
  Finish();
  EXPECT_GE(worker_->counters()[Counter::kRxFrames], 1u);
  EXPECT_GE(worker_->counters()[Counter::kTurnsWithWork], 1u);
  EXPECT_GE(worker_->counters()[Counter::kTurns], worker_->counters()[Counter::kTurnsWithWork]);
}

class WorkerWithSynQueue : public WorkerTest {
 protected:
  WorkerWithSynQueue() : WorkerTest(true) {}

  // Turns that it takes to answer three bursts of each queue.
  uint64_t TurnsForThreeBursts(uint32_t syn_burst) {
    constexpr unsigned kFrames = 3 * 32;
    for (unsigned i = 0; i < kFrames; ++i) SendArpRequest(0);
    for (unsigned i = 0; i < kFrames; ++i) SendArpRequest(1);
    syn_burst_ = syn_burst;
    Start(Idle::kPause);
    unsigned answered = 0;
    EXPECT_TRUE(Eventually([&] { return (answered += ArpReplies()) == 2 * kFrames; })) << answered;
    Finish();
    return worker_->counters()[Counter::kTurnsWithWork];
  }
};

TEST_F(WorkerWithSynQueue, ReadsIt) {
  ASSERT_TRUE(device_->grants().syn_queues);
  Start(Idle::kSleep);
  SendArpRequest(1);
  EXPECT_TRUE(Eventually([&] { return SeesArpReply(); }));
}

// 3 turns with a full burst and one frame of the other queue, and 3 for what is left there.
TEST_F(WorkerWithSynQueue, TakesAShareOfItWhileTheOtherQueueIsFull) {
  EXPECT_GE(TurnsForThreeBursts(1), 6u);
}

TEST_F(WorkerWithSynQueue, TakesAsMuchOfItAsTheShareSays) {
  EXPECT_LT(TurnsForThreeBursts(32), 6u);
}

TEST_F(WorkerTest, RunsWhatIsPostedOnItsOwnThread) {
  Start(Idle::kPause);
  std::atomic<bool> ran = false;
  std::thread::id where;
  ASSERT_TRUE(worker_->Post([&] {
    where = std::this_thread::get_id();
    ran.store(true);
  }));
  EXPECT_TRUE(Eventually([&] { return ran.load(); }));
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(WorkerTest, MakesItsHandlersItself) {
  std::thread::id where;
  HandlerRequest request;
  request.listen = ListenOptions{.port = 7};
  request.factory = [&where] {
    where = std::this_thread::get_id();
    return std::make_unique<Discard>();
  };
  Start(Idle::kPause, {request});
  ASSERT_TRUE(Eventually([&] { return worker_->state() == Worker::State::kRunning; }));
  EXPECT_NE(where, std::thread::id());
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(WorkerTest, AFactoryThatMakesNothingFailsTheWorker) {
  HandlerRequest request;
  request.listen = ListenOptions{.port = 7};
  request.factory = [] { return nullptr; };
  Start(Idle::kPause, {request});
  ASSERT_TRUE(Eventually([&] { return worker_->state() == Worker::State::kFailed; }));
  EXPECT_NE(worker_->failure().find("port 7"), std::string::npos);
}

// Says on which thread it was called back, and in what order.
class Client : public Handler {
 public:
  struct Heard {
    std::atomic<int> starts = 0, timers = 0;
    std::thread::id start_on;
  };
  explicit Client(Heard& heard) : heard_(heard) {}
  void OnStart(weir::Worker worker) override {
    heard_.start_on = std::this_thread::get_id();
    EXPECT_EQ(heard_.timers.load(), 0);
    worker.SetTimer(*this, 1);
    heard_.starts.fetch_add(1);
  }
  void OnWorkerTimer(weir::Worker) override { heard_.timers.fetch_add(1); }
  void OnData(Connection, Bytes) override {}

 private:
  Heard& heard_;
};

TEST_F(WorkerTest, StartsAHandlerWithoutAListenerOnItsOwnThread) {
  Client::Heard heard;
  HandlerRequest request;
  request.factory = [&heard] { return std::make_unique<Client>(heard); };
  Start(Idle::kSleep, {request});
  EXPECT_TRUE(Eventually([&] { return heard.timers.load() == 1; }));
  Finish();
  EXPECT_EQ(heard.starts.load(), 1);
  EXPECT_NE(heard.start_on, std::this_thread::get_id());
}

// A clock that stands, at a time that a clock of 32 bits takes for one before the worker's origin.
Time SharedClock() { return Time{((int64_t{1} << 40) + 0xc0000000) * 1000}; }

TEST_F(WorkerTest, BeginsAtTheClockThatItSharesAndItsTimersRun) {
  Client::Heard heard;
  HandlerRequest request;
  request.factory = [&heard] { return std::make_unique<Client>(heard); };
  Start(Idle::kSleep, {request}, SharedClock);
  EXPECT_TRUE(Eventually([&] { return heard.timers.load() == 1; }));
  Finish();
  EXPECT_GE(worker_->stack().now(), SharedClock());
  EXPECT_LT(worker_->stack().now(), SharedClock() + Seconds(3600));
}

TEST_F(WorkerTest, SendsOutWhatServerConnectAskedFor) {
  HandlerRequest request;
  request.factory = [] { return std::make_unique<Discard>(); };
  request.connect = ConnectOptions{.remote = {kPeer, 80}};
  Start(Idle::kPause, {request});
  EXPECT_TRUE(Eventually([&] { return SeesArpRequestFor(kPeer); }));
  Finish();
  EXPECT_EQ(worker_->counters()[Counter::kTcpActiveOpens], 1u);
  worker_->stack().AbortAll();
  (void)worker_->stack().Turn({}, worker_->stack().now());
}

TEST_F(WorkerTest, AConnectThatCannotBeBegunFailsTheWorker) {
  HandlerRequest request;
  request.factory = [] { return std::make_unique<Discard>(); };
  request.connect = ConnectOptions{.remote = {*IpAddress::Parse("198.51.100.1"), 80}};
  Start(Idle::kPause, {request});
  ASSERT_TRUE(Eventually([&] { return worker_->state() == Worker::State::kFailed; }));
  EXPECT_NE(worker_->failure().find("connecting to 198.51.100.1:80: no route"), std::string::npos)
      << worker_->failure();
}

TEST_F(WorkerTest, AFullTransmitRingDropsAndDoesNotBlock) {
  Start(Idle::kPause);
  ASSERT_TRUE(Eventually([&] { return worker_->state() == Worker::State::kRunning; }));
  // Nobody takes the answers: the ring has 256 places.
  for (uint64_t wanted = 50; wanted <= 300; wanted += 50) {
    for (int i = 0; i < 50; ++i) SendArpRequest();
    ASSERT_TRUE(Eventually([&] { return FramesReceived() >= wanted; }));
  }
  Finish();
  EXPECT_GT(worker_->counters()[Counter::kDropTxRefused], 0u);
}

}  // namespace
}  // namespace weir::runtime
