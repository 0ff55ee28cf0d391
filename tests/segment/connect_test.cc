// Opening through weir::Worker: every refusal, source addresses, source ports, TIME-WAIT, and the
// callbacks of a worker.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "segment/rig.h"

namespace weir::segment {
namespace {

using absl::StatusCode;

constexpr uint16_t kOwnPort = 50000;

class Connecting : public RigTest {
 protected:
  Options Base() const {
    Options options = RigTest::Base();
    options.iss_near_wrap = false;  // that of a passive open's tuple
    return options;
  }
  Endpoint Peer() const { return {PeerAddress(GetParam()), kPeerPort}; }
  Worker WorkerOf(Rig& rig) const { return Worker(&rig.stack()); }
  absl::StatusOr<Connection> Connect(Rig& rig, const ConnectOptions& options) const {
    return WorkerOf(rig).Connect(options, rig.handler());
  }
  StatusCode Code(Rig& rig, const ConnectOptions& options) const {
    return Connect(rig, options).status().code();
  }
  // One connection from kOwnPort that we have closed first: in TIME-WAIT.
  void CloseOneActively(Rig& rig, bool timestamps) const {
    const uint32_t echo = rig.Connect(kOwnPort).options.ts_value;
    Seg syn_ack = SynAck(0).Acks(1).Mss(1460);
    if (timestamps) syn_ack.Ts(7, echo);
    rig.In(syn_ack);
    rig.Out(Ack(1).Acks(1));
    rig.c().Close();
    rig.Turn();
    rig.Out(Fin(1).Acks(1));
    Seg fin = Fin(1).Acks(2);
    if (timestamps) fin.Ts(8, echo);
    rig.In(fin);
    rig.Out(Ack(2).Acks(2));
    rig.ExpectClosed(CloseReason::kNormal);
  }
};

// --- what is refused ---

TEST_P(Connecting, ToWhomNobodyCanConnectIsInvalid) {
  Rig rig(Base());
  const char* const v4[] = {"0.0.0.0",   "255.255.255.255", "198.18.0.255",
                            "224.0.0.1", "239.255.255.255", "127.0.0.1"};
  const char* const v6[] = {"::", "::1", "ff02::1", "ff0e::1"};
  for (const char* address :
       GetParam() ? std::span<const char* const>(v4) : std::span<const char* const>(v6)) {
    const auto status = Connect(rig, {.remote = {Address(address), 80}}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << address;  // MUST-46
    EXPECT_NE(status.message().find(address), std::string::npos) << status;
  }
  EXPECT_EQ(Code(rig, {.remote = {PeerAddress(GetParam()), 0}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(Code(rig, {.remote = {StackAddress(GetParam()), 80}}), StatusCode::kInvalidArgument)
      << "ourselves";
  rig.Turn();
  rig.Quiet();
  rig.ExpectEmpty();
}

TEST_P(Connecting, FromAnAddressThatIsNotOursIsInvalid) {
  Rig rig(Base());
  ConnectOptions options{.remote = Peer()};
  options.source = PeerAddress(GetParam());
  EXPECT_EQ(Code(rig, options), StatusCode::kInvalidArgument);
  options.source = StackAddress(!GetParam());
  EXPECT_EQ(Code(rig, options), StatusCode::kInvalidArgument) << "another family";
  options.source = StackAddress(GetParam());
  EXPECT_EQ(Code(rig, options), StatusCode::kOk);
}

TEST_P(Connecting, AnOptionOutOfRangeIsInvalid) {
  Rig rig(Base());
  ConnectOptions options{.remote = Peer()};
  options.connection.send_buffer = 1;
  EXPECT_EQ(Code(rig, options), StatusCode::kInvalidArgument);
}

TEST_P(Connecting, WithoutARouteIsUnavailable) {
  Rig rig(Base());
  const Endpoint far{Address(GetParam() ? "203.0.113.1" : "2001:db8::1"), 80};
  const auto status = Connect(rig, {.remote = far}).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(status.message().empty()) << "it would be allocated";
  EXPECT_EQ(Code(rig, {.remote = far, .source = StackAddress(GetParam())}),
            StatusCode::kUnavailable);
}

TEST_P(Connecting, WithoutAControlBlockIsExhausted) {
  Options options = Base();
  options.tcp.max_connections = 2;
  Rig rig(options);
  EXPECT_EQ(Code(rig, {.remote = Peer()}), StatusCode::kOk);
  EXPECT_EQ(Code(rig, {.remote = Peer()}), StatusCode::kOk);
  EXPECT_EQ(Code(rig, {.remote = Peer()}), StatusCode::kResourceExhausted);
}

TEST_P(Connecting, TwiceTheSameAlreadyExists) {
  Rig rig(Base());
  EXPECT_EQ(Code(rig, {.remote = Peer(), .source_port = kOwnPort}), StatusCode::kOk);
  EXPECT_EQ(Code(rig, {.remote = Peer(), .source_port = kOwnPort}), StatusCode::kAlreadyExists);
  EXPECT_EQ(Code(rig, {.remote = Peer(), .source_port = kOwnPort + 1}), StatusCode::kOk);
}

TEST_P(Connecting, AfterTheEndIsRefused) {
  Rig rig(Base());
  EXPECT_FALSE(WorkerOf(rig).draining());
  rig.stack().Drain();
  EXPECT_TRUE(WorkerOf(rig).draining());
  EXPECT_EQ(Code(rig, {.remote = Peer()}), StatusCode::kOk) << "what was begun may go on";
  rig.stack().AbortAll();
  EXPECT_EQ(Code(rig, {.remote = Peer()}), StatusCode::kFailedPrecondition);
  rig.Turn();
  rig.ExpectEmpty();
}

TEST(AWorkerThatIsNone, ConnectsNowhere) {
  Rig rig;
  Worker none;
  EXPECT_EQ(none.Connect({.remote = {PeerAddress(true), 80}}, rig.handler()).status().code(),
            StatusCode::kFailedPrecondition);
  none.SetTimer(rig.handler(), 1);
  EXPECT_EQ(none.index(), 0u);
  EXPECT_EQ(Connection().worker(), none);
}

// Duplicate address detection takes its time (RFC 4862 5.4.1), and nothing may be sent before.
TEST(AnAddressThatIsBeingChecked, IsNotAvailableYet) {
  ip::InterfaceConfig interface;
  interface.mac = wire::MacAddress{{2, 0, 0, 0, 0, 1}};
  interface.addresses = {{StackAddress(false), 64}};
  stack::StackConfig config;
  config.ip.interfaces = {interface};
  config.tcp.max_connections = 16;
  HeapPool pool(64);
  Counters counters;
  Time now{1};
  stack::Stack stack(config, pool, counters, now);
  stack.Start(now);
  RecordingHandler handler;
  const ConnectOptions options{.remote = {PeerAddress(false), 80}};
  EXPECT_EQ(stack.Connect(options, handler).status().code(), StatusCode::kUnavailable);
  for (int i = 0; i < 40; ++i) {
    now = now + Milliseconds(100);
    (void)stack.Turn({}, now);
  }
  EXPECT_TRUE(stack.Connect(options, handler).ok());
  (void)stack.Turn({}, now);
  stack.AbortAll();
  (void)stack.Turn({}, now);
}

// --- what happens to one that was begun ---

TEST_P(Connecting, OpensAndTellsTheHandler) {
  Rig rig(Base());
  const auto opened = Connect(rig, {.remote = Peer(), .source_port = kOwnPort});
  ASSERT_TRUE(opened.ok());
  Connection c = *opened;
  c.set_user(77);
  EXPECT_EQ(c.remote(), Peer());
  EXPECT_EQ(c.local(), (Endpoint{StackAddress(GetParam()), kOwnPort}));
  EXPECT_EQ(c.worker(), WorkerOf(rig));
  rig.NewConnection(kPeerPort);
  rig.Turn();
  rig.Out(Syn(0));
  rig.In(SynAck(0).Acks(1).Mss(1460).To(kOwnPort));
  rig.Out(Ack(1).Acks(1));
  ASSERT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.handler().opened[0], c);
  EXPECT_EQ(rig.handler().opened[0].user(), 77u);
}

TEST_P(Connecting, ReportsARefusalWithoutAnOpen) {
  Rig rig(Base());
  ASSERT_TRUE(Connect(rig, {.remote = Peer(), .source_port = kOwnPort}).ok());
  rig.NewConnection(kPeerPort);
  rig.Turn();
  rig.Out(Syn(0));
  rig.In(RstAck(0).Acks(1).To(kOwnPort));
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.handler().closed, std::vector<CloseReason>{CloseReason::kRefused});
  rig.ExpectEmpty();
}

TEST_P(Connecting, ItsTimerRunsBeforeItIsOpen) {
  Rig rig(Base());
  Connection c = *Connect(rig, {.remote = Peer(), .source_port = kOwnPort});
  c.SetTimer(300);
  rig.handler().on_timer = [](Connection timed) { timed.Abort(); };
  rig.NewConnection(kPeerPort);
  rig.Turn();
  rig.Out(Syn(0));
  rig.Advance(Milliseconds(299));
  EXPECT_TRUE(c.alive());
  rig.Advance(Milliseconds(2));
  EXPECT_EQ(rig.handler().closed, std::vector<CloseReason>{CloseReason::kAborted});
  rig.Quiet();  // RFC 9293 3.10.5: nobody knows of it in SYN-SENT
  rig.ExpectEmpty();
}

TEST_P(Connecting, MayBeDoneInAnyCallback) {
  Rig rig(Base());
  std::vector<Connection> begun;
  const auto connect = [&](Connection c) {
    const auto opened = c.worker().Connect({.remote = Peer()}, rig.handler());
    ASSERT_TRUE(opened.ok()) << opened.status();
    begun.push_back(*opened);
  };
  rig.handler().on_open = connect;
  rig.handler().on_data = [&](Connection c, Bytes) { connect(c); };
  rig.handler().on_closed = [&](Connection c, CloseReason) { connect(c); };
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.Any().flags, wire::kTcpSyn);
  rig.In(Data(1, 10).Acks(1));
  EXPECT_EQ(rig.Any().flags, wire::kTcpSyn);
  rig.handler().on_open = nullptr;
  rig.In(Rst(11));
  EXPECT_EQ(rig.Any().flags, wire::kTcpSyn);
  EXPECT_EQ(begun.size(), 3u);
  for (Connection c : begun) EXPECT_TRUE(c.alive());
  rig.Discard();
}

// --- source ports (RFC 6056) ---

TEST_P(Connecting, PortsAreThoseWhoseAnswersComeBackToThisWorker) {
  Options options = Base();
  options.tcp.owns_flow = [](const Endpoint& local, const Endpoint& remote) {
    return (local.port + remote.port) % 4 == 1;
  };
  Rig rig(options);
  for (int i = 0; i < 50; ++i) {
    const auto c = Connect(rig, {.remote = Peer()});
    ASSERT_TRUE(c.ok());
    EXPECT_EQ((c->local().port + kPeerPort) % 4, 1);
  }
  const ConnectOptions elsewhere{.remote = Peer(), .source_port = 50002};
  EXPECT_EQ(Code(rig, elsewhere), StatusCode::kInvalidArgument);
}

TEST_P(Connecting, PortsOfListenersAreLeftAlone) {
  constexpr uint16_t kFree = 40123;
  Options options = Base();
  options.tcp.owns_flow = [](const Endpoint& local, const Endpoint&) {
    return local.port == kFree || local.port == kFree + 1;
  };
  options.listen.port = kFree + 1;
  Rig rig(options);
  std::vector<uint16_t> ports;
  for (int i = 0; i < 60; ++i) {
    if (const auto c = Connect(rig, {.remote = Peer()}); c.ok()) ports.push_back(c->local().port);
  }
  EXPECT_EQ(ports, std::vector<uint16_t>{kFree});
}

TEST_P(Connecting, LooksThroughABoundedPartOfThePortsAndGoesOnFromThere) {
  size_t looked_at = 0;
  std::set<uint16_t> seen;
  Options options = Base();
  options.tcp.owns_flow = [&](const Endpoint& local, const Endpoint&) {
    ++looked_at;
    seen.insert(local.port);
    return local.port == 45678;
  };
  Rig rig(options);
  int calls = 0;
  for (bool found = false; !found && calls < 28; ++calls) {
    looked_at = 0;
    const auto c = Connect(rig, {.remote = Peer()});
    found = c.ok();
    EXPECT_EQ(c.status().code(), found ? StatusCode::kOk : StatusCode::kResourceExhausted);
    EXPECT_LE(looked_at, 1024u);
  }
  EXPECT_TRUE(seen.contains(45678)) << "28 calls see all 28232 ports";
  EXPECT_EQ(rig.counter(Counter::kTcpNoPort), static_cast<uint64_t>(calls - 1));
}

TEST_P(Connecting, PortsBeginElsewhereForEachDestination) {
  Rig rig(Base());
  std::set<uint16_t> first;
  for (uint16_t port = 1; port <= 20; ++port) {
    first.insert(Connect(rig, {.remote = {PeerAddress(GetParam()), port}})->local().port);
  }
  EXPECT_GE(first.size(), 18u);
}

// --- TIME-WAIT ---

TEST_P(Connecting, AgainOutOfTimeWaitNeedsTimestampsAndASecond) {
  Rig rig(Base());
  CloseOneActively(rig, true);
  const ConnectOptions again{.remote = Peer(), .source_port = kOwnPort};
  rig.Advance(Milliseconds(990));
  EXPECT_EQ(Code(rig, again), StatusCode::kAlreadyExists);
  rig.Advance(Milliseconds(20));
  const auto c = Connect(rig, again);
  ASSERT_TRUE(c.ok()) << c.status();
  rig.Turn();
  const Seg syn = rig.Any();
  EXPECT_EQ(syn.flags, wire::kTcpSyn);
  // RFC 6191, and RFC 9293 3.4.1: above everything the old connection has sent.
  EXPECT_GT(static_cast<int32_t>(syn.seq), 2 + 65535);
  EXPECT_EQ(rig.counter(Counter::kTcpTimeWaitReused), 1u);
}

TEST_P(Connecting, AgainOutOfTimeWaitWithoutTimestampsWaitsItOut) {
  Rig rig(Base());
  CloseOneActively(rig, false);
  const ConnectOptions again{.remote = Peer(), .source_port = kOwnPort};
  rig.Advance(Milliseconds(59990));
  EXPECT_EQ(Code(rig, again), StatusCode::kAlreadyExists);
  rig.Advance(Milliseconds(20));
  EXPECT_EQ(Code(rig, again), StatusCode::kOk);
}

WEIR_BOTH_FAMILIES(Connecting);

// --- the callbacks of a worker ---

class Client : public Handler {
 public:
  std::vector<std::string> heard;
  std::vector<int64_t> timer_at;
  Worker worker;
  std::function<void(Worker)> on_timer;

  void OnStart(Worker w) override {
    worker = w;
    heard.push_back("start");
  }
  void OnWorkerTimer(Worker w) override {
    EXPECT_EQ(w, worker);
    heard.push_back("timer");
    timer_at.push_back(w.now_us());
    if (on_timer) on_timer(w);
  }
  void OnOpen(Connection) override { heard.push_back("open"); }
  void OnData(Connection, Bytes) override {}
};

Options With(Client& client) {
  Options options;
  options.handler = &client;
  return options;
}

TEST(WorkerCallbacks, StartComesBeforeEverythingAndOnce) {
  Client client;
  Rig rig(With(client));
  rig.stack().AddHandler(client);
  EXPECT_TRUE(client.heard.empty()) << "in a turn, not in the call";
  rig.Establish();
  rig.Turn();
  EXPECT_EQ(client.heard, (std::vector<std::string>{"start", "open"}));
  EXPECT_EQ(client.worker.index(), 0u);
}

TEST(WorkerCallbacks, TimerRunsOnceAtItsTime) {
  Client client;
  Rig rig(With(client));
  rig.stack().AddHandler(client);
  rig.Turn();
  const int64_t start = client.worker.now_us();
  client.worker.SetTimer(client, 1500);
  rig.Advance(Seconds(10));
  ASSERT_EQ(client.timer_at.size(), 1u);
  EXPECT_EQ(client.timer_at[0] - start, 1'500'000);
}

TEST(WorkerCallbacks, TimerIsReplacedAndCancelled) {
  Client client;
  Rig rig(With(client));
  rig.stack().AddHandler(client);
  rig.Turn();
  const int64_t start = client.worker.now_us();
  client.worker.SetTimer(client, 100);
  client.worker.SetTimer(client, 300);
  rig.Advance(Seconds(1));
  ASSERT_EQ(client.timer_at.size(), 1u);
  EXPECT_EQ(client.timer_at[0] - start, 300'000);
  client.worker.SetTimer(client, 100);
  client.worker.SetTimer(client, 0);
  rig.Advance(Seconds(1));
  EXPECT_EQ(client.timer_at.size(), 1u);
}

TEST(WorkerCallbacks, TimerMaySetItselfAgain) {
  Client client;
  Rig rig(With(client));
  rig.stack().AddHandler(client);
  client.on_timer = [&](Worker w) {
    if (client.timer_at.size() < 5) w.SetTimer(client, 10);
  };
  rig.Turn();
  client.worker.SetTimer(client, 10);
  rig.Advance(Seconds(1));
  ASSERT_EQ(client.timer_at.size(), 5u);
  EXPECT_EQ(client.timer_at[4] - client.timer_at[0], 40'000);
}

TEST(WorkerCallbacks, HandlersHaveATimerEach) {
  Client first, second;
  Rig rig(With(first));
  rig.stack().AddHandler(first);
  rig.Turn();
  second.worker = first.worker;
  first.worker.SetTimer(first, 200);
  first.worker.SetTimer(second, 100);  // made by no factory: no OnStart
  rig.Advance(Seconds(1));
  EXPECT_EQ(first.heard, (std::vector<std::string>{"start", "timer"}));
  EXPECT_EQ(second.heard, std::vector<std::string>{"timer"});
  EXPECT_EQ(first.timer_at[0] - second.timer_at[0], 100'000);
}

TEST(WorkerCallbacks, ConnectInATimerSendsTheSynInTheSameTurn) {
  Client client;
  Rig rig(With(client));
  rig.stack().AddHandler(client);
  client.on_timer = [&](Worker w) {
    EXPECT_TRUE(w.Connect({.remote = {PeerAddress(true), 80}}, client).ok());
  };
  rig.Turn();
  client.worker.SetTimer(client, 50);
  rig.Advance(Milliseconds(50));
  EXPECT_EQ(rig.Any().flags, wire::kTcpSyn);
}

}  // namespace
}  // namespace weir::segment
