// The loop on one end of a pair of rings: what stops it, what bounds it, what it answers, and a
// whole run against a target on the other end.
#include <rte_ethdev.h>

#include <atomic>
#include <memory>
#include <thread>

#include "flood/run.h"
#include "gtest/gtest.h"
#include "packet/pool_mempool.h"
#include "port/ring_pair.h"
#include "unit/port/test_eal.h"
#include "wire/arp.h"

namespace weir::flood {
namespace {

constexpr uint8_t kKey[52] = {0x6d};
constexpr double kManySeconds = 600;  // reached only if something does not stop

IpAddress A(const char* text) { return *IpAddress::Parse(text); }

class FloodLoop : public testing::Test {
 protected:
  static void SetUpTestSuite() { port::EnsureEal(); }
  FloodLoop() {
    static int number = 0;
    const std::string name = "flood" + std::to_string(number++);
    pool_ = std::make_unique<PacketPool>("a_" + name, 4095, 2048, -1);
    target_pool_ = std::make_unique<PacketPool>("b_" + name, 4095, 2048, -1);
    EXPECT_TRUE(pool_->ok() && target_pool_->ok());
    const auto pair = port::CreateRingPair(name, 1, 1024);
    EXPECT_TRUE(pair.ok());
    device_ = Open(pair->first, *pool_, 1);
    target_ = Open(pair->second, *target_pool_, 2);
  }

  static std::unique_ptr<port::Device> Open(const std::string& name, PacketPool& pool,
                                            uint8_t mac) {
    port::DeviceOptions options;
    options.name = options.device = name;
    options.mac = port::MacOctets{2, 0, 0, 0, 0, mac};
    options.rss_key = kKey;
    PacketPool* pools[] = {&pool};
    auto device = port::Device::Open(options, pools);
    EXPECT_TRUE(device.ok()) << device.status();
    return *std::move(device);
  }

  static stack::StackConfig ConfigOf(const port::Device& device, const char* address) {
    stack::StackConfig config;
    ip::InterfaceConfig interface;
    interface.port = device.id();
    interface.mac = {device.mac()};
    interface.addresses = {{A(address), 24}};
    interface.gateway4 = A("198.18.0.1");
    config.ip.interfaces = {interface};
    config.tcp.max_connections = 1024;
    return config;
  }

  // A loop with nothing but a flood.
  void UseFlood(Mode mode, double rate_cap = 1e6, double seconds = kManySeconds) {
    stack_.emplace(ConfigOf(*device_, "198.18.0.1"), *pool_, counters_, Time{});
    legit_.emplace(LegitClient::Options{target_endpoint_, {A("198.18.0.1")}}, *stack_, time_,
                   results_);
    flows_.emplace(EstablishedFlows::Options{target_endpoint_, {A("198.18.0.1")}}, *stack_, time_,
                   results_);
    Loop::Options options;
    options.rate_cap = rate_cap;
    options.end_ns = time_.Now() + static_cast<int64_t>(seconds * 1e9);
    loop_.emplace(options, *device_, *pool_, *stack_, *legit_, *flows_, time_, results_,
                  target_endpoint_.address, stop_);
    flood_.emplace(std::vector<Mode>{mode},
                   Scene{{device_->mac()},
                         {target_->mac()},
                         target_endpoint_,
                         Sources(*Prefix::Parse("198.19.0.0/16")),
                         {}},
                   4, 1);
    loop_->Use(&*flood_);
  }

  std::vector<Packet> Arrived() {
    std::vector<Packet> all;
    for (;;) {
      std::vector<Packet> some(64);
      some.resize(target_->Receive(0, some));
      if (some.empty()) return all;
      for (Packet& packet : some) all.push_back(std::move(packet));
    }
  }

  // Handlers outlive the stack, and packets do not outlive pools.
  std::unique_ptr<PacketPool> pool_, target_pool_;
  std::unique_ptr<port::Device> device_, target_;
  const Endpoint target_endpoint_{A("198.18.0.2"), 7};
  TscTime time_;
  Results results_;
  Counters counters_;
  std::atomic<bool> stop_ = false;
  std::optional<Flood> flood_;
  std::optional<LegitClient> legit_;
  std::optional<EstablishedFlows> flows_;
  std::optional<stack::Stack> stack_;
  std::optional<Loop> loop_;
};

TEST_F(FloodLoop, SendsWhatItIsToldTo) {
  UseFlood(Mode::kSyn);
  const Step& step = loop_->Run("flood", 10000, 0, 0.05, false);
  const size_t arrived = Arrived().size();
  EXPECT_GT(arrived, 0u);
  EXPECT_EQ(arrived, step.flood.taken);
  EXPECT_EQ(step.flood.taken, step.flood.frames);
  EXPECT_EQ(step.flood.octets, 74 * arrived);
  EXPECT_LE(step.flood.frames + step.flood.skipped, 10000 * step.seconds + 1);
}

TEST_F(FloodLoop, NeverExceedsItsCap) {
  UseFlood(Mode::kSyn, 1000);
  const Step& step = loop_->Run("flood", 1e6, 0, 0.1, false);
  EXPECT_LE(step.flood.frames, 1000 * step.seconds + 1);
}

TEST_F(FloodLoop, SendsNothingOnceItWasToldToStop) {
  UseFlood(Mode::kSyn);
  stop_ = true;
  const Step& step = loop_->Run("flood", 1e6, 0, kManySeconds, false);
  EXPECT_EQ(step.flood.frames, 0u);
  EXPECT_EQ(loop_->stopped(), StopReason::kSignal);
  EXPECT_TRUE(Arrived().empty());
}

TEST_F(FloodLoop, StopsInTheMidstOfAFlood) {
  UseFlood(Mode::kSyn);
  std::thread other([this] {
    std::vector<Packet> some(64);
    while (target_->Receive(0, some) == 0) continue;  // it floods
    stop_ = true;
  });
  const Step& step = loop_->Run("flood", 1e6, 0, kManySeconds, false);
  other.join();
  EXPECT_GT(step.flood.frames, 0u);
  EXPECT_EQ(loop_->stopped(), StopReason::kSignal);
  // And does not begin again.
  (void)Arrived();
  loop_->Run("flood", 1e6, 0, kManySeconds, false);
  EXPECT_TRUE(Arrived().empty());
}

TEST_F(FloodLoop, StopsWhenTheLinkGoes) {
  UseFlood(Mode::kSyn);
  ASSERT_EQ(rte_eth_dev_set_link_down(device_->id()), 0);
  const Step& step = loop_->Run("flood", 1e6, 0, kManySeconds, false);
  EXPECT_EQ(step.flood.frames, 0u);
  EXPECT_EQ(loop_->stopped(), StopReason::kLinkLost);
}

TEST_F(FloodLoop, StopsWhenItsTimeIsOver) {
  UseFlood(Mode::kSyn, 1e6, 0.05);
  const Step& step = loop_->Run("flood", 1000, 0, kManySeconds, false);
  EXPECT_LT(step.seconds, kManySeconds);
  EXPECT_EQ(loop_->stopped(), StopReason::kDuration);
}

TEST_F(FloodLoop, CountsWhatAFullRingDoesNotTake) {
  UseFlood(Mode::kSyn);
  const Step& step = loop_->Run("flood", 1e6, 0, 0.1, false);  // nobody empties it
  EXPECT_EQ(step.flood.taken, 1023u);
  EXPECT_GT(step.flood.frames, step.flood.taken);
  EXPECT_EQ(step.flood.octets, 74 * step.flood.taken);
}

TEST_F(FloodLoop, AnswersArpForHostsThatExistOnly) {
  UseFlood(Mode::kConnect);
  const Sources sources(*Prefix::Parse("198.19.0.0/16"));
  for (const IpAddress& who : {sources.Peer(0), sources.Neighbour(1)}) {
    Packet packet = AllocatePacket(*target_pool_);
    wire::ArpPacket arp;
    arp.sender_mac = {target_->mac()};
    arp.sender = target_endpoint_.address;
    arp.target = who;
    wire::WriteArp(packet.Append(14 + wire::kArpSize) + 14, arp);
    wire::WriteEthernet(packet.data(), wire::kBroadcastMac, arp.sender_mac, 0, wire::kEtherTypeArp);
    ASSERT_EQ(target_->Transmit(0, {&packet, 1}), 1);
  }
  const Step& step = loop_->Run("quiet", 0, 0, 0.02, false);
  EXPECT_EQ(step.flood.neighbour_requests, 2u);
  int replies = 0;
  for (const Packet& packet : Arrived()) {
    wire::Frame frame;
    wire::ParseFrame(packet.first(), {}, frame);
    wire::ArpPacket arp;
    if (frame.kind != wire::FrameKind::kArp ||
        !wire::ParseArp({packet.data() + 14, wire::kArpSize}, arp) ||
        arp.operation != wire::kArpReply) {
      continue;
    }
    ++replies;
    EXPECT_EQ(arp.sender, sources.Peer(0));
    EXPECT_EQ(arp.sender_mac, wire::MacAddress{device_->mac()});
    EXPECT_EQ(arp.target, target_endpoint_.address);
  }
  EXPECT_EQ(replies, 1);
}

// An echo server on the other end of the rings, on a thread of its own.
class Target {
 public:
  Target(port::Device& device, PacketPool& pool, const stack::StackConfig& config)
      : device_(device),
        stack_(config, pool, counters_, Time{}),
        clock_(port::TscHz(), port::TscCycles(), Time{}) {
    EXPECT_TRUE(stack_.tcp().Listen(*stack_.tcp().WithDefaults({.port = 7}), &echo_));
    stack_.Start(Time{});
    thread_ = std::thread([this] {
      while (!stop_.load()) Turn();
    });
  }
  ~Target() {
    stop_ = true;
    thread_.join();
    stack_.AbortAll();
    Turn();
  }

 private:
  struct Echo : Handler {
    void OnData(Connection c, Bytes text) override { (void)c.Send(text); }
  };
  void Turn() {
    std::vector<Packet> received(64);
    const uint16_t count = device_.Receive(0, received);
    std::span<Packet> out =
        stack_.Turn({received.data(), count}, clock_.Advance(port::TscCycles()));
    while (!out.empty()) {
      const uint16_t sent = device_.Transmit(0, out);
      if (sent == 0) return;
      out = out.subspan(sent);
    }
  }

  port::Device& device_;
  Counters counters_;
  Echo echo_;
  stack::Stack stack_;
  port::Clock clock_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

Options RunOptions() {
  Options options;
  options.device = "rings";
  options.target = *Endpoint::Parse("198.18.0.2:7");
  options.addresses = {{A("198.18.0.1"), 24}};
  options.sources = *Prefix::Parse("198.19.0.0/16");
  options.modes = {Mode::kSyn, Mode::kAck, Mode::kConnect};
  options.rates = {{3000, false}};
  options.rate_cap = 3000;
  options.duration_s = kManySeconds;
  options.step_s = options.baseline_s = options.recovery_s = 0.3;
  options.legit_rate = 100;
  options.request_size = 100;
  options.deadline_ms = 30000;
  options.established = 4;
  options.established_rate = 100;
  options.peers = 16;
  options.link_wait_s = 60;
  return options;
}

TEST_F(FloodLoop, WholeRunMeasuresAnEchoServer) {
  Target target(*target_, *target_pool_, ConfigOf(*target_, "198.18.0.2"));
  Results results;
  flood::Run run(RunOptions(), *device_, *pool_, 5, stop_);
  const absl::Status status = run.Execute(results);
  ASSERT_TRUE(status.ok()) << status;
  std::vector<std::string> phases;
  LegitCounts by_interval;
  for (const Interval& interval : results.intervals) {
    by_interval.attempts += interval.legit.attempts;
    by_interval.answered += interval.legit.answered;
  }
  LegitCounts by_step;
  for (const Step& step : results.steps) {
    phases.push_back(step.phase);
    by_step.attempts += step.legit.attempts;
    by_step.answered += step.legit.answered;
    EXPECT_EQ(step.legit.answered, step.legit.attempts) << step.phase;
    EXPECT_EQ(step.answer_ns.count(), step.legit.answered);
    EXPECT_EQ(step.legit.corrupt + step.established.corrupt, 0u);
    EXPECT_EQ(step.established.resets, 0u);
  }
  EXPECT_EQ(phases, (std::vector<std::string>{"baseline", "ceiling", "flood", "recovery"}));
  EXPECT_GT(by_step.attempts, 0u);
  EXPECT_EQ(by_interval.attempts, by_step.attempts);
  EXPECT_EQ(by_interval.answered, by_step.answered);
  const Step& flood = results.steps[2];
  EXPECT_GT(flood.flood.syn_acks, 0u);
  EXPECT_GT(flood.flood.handshakes, 0u);
  EXPECT_GT(flood.established.answers, 0u);
  EXPECT_EQ(flood.flood.forged, 0u);
  EXPECT_GE(results.recovery_s, 0);
}

TEST_F(FloodLoop, RunAgainstAClosedPortSaysSo) {
  Target target(*target_, *target_pool_, ConfigOf(*target_, "198.18.0.2"));
  Options options = RunOptions();
  options.target.port = 8;
  options.link_wait_s = 1;
  Results results;
  flood::Run run(options, *device_, *pool_, 5, stop_);
  EXPECT_EQ(run.Execute(results).message(), "198.18.0.2:8 refuses connections");
}

TEST_F(FloodLoop, RunWithoutATargetSaysSo) {
  Options options = RunOptions();
  options.link_wait_s = 0.1;
  Results results;
  flood::Run run(options, *device_, *pool_, 5, stop_);
  const absl::Status status = run.Execute(results);
  EXPECT_EQ(status.message(), "198.18.0.2:7 did not answer");
}

}  // namespace
}  // namespace weir::flood
