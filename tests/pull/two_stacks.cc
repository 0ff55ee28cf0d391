// The wire between two stacks, and the loop that turns them.
#include "pull/two_stacks.h"

#include <array>

#include "base/check.h"

namespace weir::pull_test {
namespace {

constexpr uint32_t kPackets = 4096;
constexpr size_t kBurst = 256;
const IpAddress kServerAddress = IpAddress::V4(0xc6120002);  // 198.18.0.2
const IpAddress kClientAddress = IpAddress::V4(0xc6120001);

stack::StackConfig ConfigOf(bool server) {
  ip::InterfaceConfig interface;
  interface.mac =
      server ? wire::MacAddress{{2, 0, 0, 0, 0, 2}} : wire::MacAddress{{2, 0, 0, 0, 0, 1}};
  interface.addresses = {{server ? kServerAddress : kClientAddress, 24}};
  interface.dad = false;
  stack::StackConfig config;
  config.ip.interfaces = {interface};
  config.tcp.keys = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
  config.tcp.max_connections = 4096;
  config.tcp.max_flights = 1024;
  config.tcp.kept_buffers = 3072;
  config.tcp.text_buffers = 2048;
  config.tcp.syn_backlog = 1024;
  config.tcp.time_wait_ms = 1;  // so that tuples are free again
  config.burst_max = kBurst;
  return config;
}

}  // namespace

TwoStacks::TwoStacks(const Options& options)
    : options_(options),
      shared_(std::make_shared<runtime::PullListener>(options.sizes, 1)),
      server_pool_(kPackets),
      client_pool_(kPackets),
      wire_pool_(kPackets),
      handler_(std::make_unique<runtime::PullHandler>(shared_, 0, server_counters_)),
      server_(
          std::make_unique<stack::Stack>(ConfigOf(true), server_pool_, server_counters_, Now())),
      client_(
          std::make_unique<stack::Stack>(ConfigOf(false), client_pool_, client_counters_, Now())) {
  ListenOptions listen{.port = kPort,
                       .backlog = options.sizes.backlog,
                       .accept_overflow = options.accept_overflow,
                       .connection = options.connection};
  listen.connection.deliver_when_full = true;
  auto parameters = server_->tcp().WithDefaults(listen);
  WEIR_CHECK(parameters.ok());
  parameters->pull = true;
  const auto number = server_->tcp().Listen(*parameters, handler_.get());
  WEIR_CHECK(number);
  handler_->SetListener(server_->tcp(), *number);
  server_->Start(Now());
  client_->Start(Now());
  thread_ = std::thread([this] { Loop(); });
}

Time TwoStacks::Now() const {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
  return Time{(int64_t{1} << 32) + since.count()};
}

void TwoStacks::Loop() {
  while (!stop_.load()) {
    const size_t frames = TurnServer(Now()) + TurnClient(Now());
    turns_.fetch_add(1);
    if (called_.load()) {
      call_();
      called_.store(false);
    } else if (frames == 0) {
      std::this_thread::yield();
    }
  }
}

size_t TwoStacks::TurnServer(Time now) {
  const auto& around = options_.around_commands_and_turn;
  if (around) around(true);
  (void)handler_->RunCommands();
  const std::span<Packet> sent = server_->Turn(to_server_, now);
  if (around) around(false);
  to_server_.clear();
  return Carry(sent, wire_pool_, to_client_);
}

size_t TwoStacks::TurnClient(Time now) {
  const std::span<Packet> sent = client_->Turn(to_client_, now);
  to_client_.clear();
  return Carry(sent, wire_pool_, to_server_);
}

// Copies, as a wire does; what exceeds a burst is lost, as in a full ring.
size_t TwoStacks::Carry(std::span<Packet> sent, PacketPool& pool, std::vector<Packet>& to) {
  for (Packet& packet : sent) {
    std::array<uint8_t, 2048> octets;
    const size_t size = packet.CopyOut(0, octets);
    packet.Reset();
    if (to.size() < kBurst) to.push_back(PacketOf(pool, {octets.data(), size}));
  }
  return sent.size();
}

void TwoStacks::Call(const std::function<void()>& call) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) return call();
  call_ = call;
  called_.store(true);
  while (called_.load()) std::this_thread::yield();
}

Connection TwoStacks::Connect(const ConnectionOptions& options) {
  const auto opened = client_->Connect({.remote = {kServerAddress, kPort}, .connection = options},
                                       *options_.client);
  return opened.ok() ? *opened : Connection();
}

void TwoStacks::Drain() {
  Call([this] {
    server_->Drain();
    handler_->Drain();
  });
}

void TwoStacks::AbortAll() {
  Call([this] { server_->AbortAll(); });
}

void TwoStacks::Stop() {
  if (!thread_.joinable()) return;
  stop_.store(true);
  thread_.join();
  shared_->Stop();
}

bool TwoStacks::WaitUntilEmpty() {
  return Eventually([this] {
    tcp::Usage usage;
    Call([&] { usage = server_usage(); });
    return usage.connections == usage.time_wait && usage.kept_buffers == 0;
  });
}

}  // namespace weir::pull_test
