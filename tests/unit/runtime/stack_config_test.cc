// Every key of the configuration that concerns a shard arrives in its settings.
#include "runtime/stack_config.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

Config OnePort() {
  Config config;
  PortConfig port;
  port.name = "lan";
  port.device = "net_null0";
  port.addresses = {{*IpAddress::Parse("198.18.0.2"), 24}};
  config.ports = {port};
  return config;
}

Secrets SomeSecrets() {
  Secrets secrets{};
  secrets.isn = {1, 2};
  secrets.timestamp = {3, 4};
  secrets.shards = 5;
  return secrets;
}

stack::StackConfig Make(const Config& config, unsigned shard = 0) {
  const PortFacts facts[] = {{3, wire::MacAddress{{2, 0, 0, 0, 0, 1}}, true}};
  return MakeStackConfig(config, SomeSecrets(), facts, shard);
}

struct Row {
  const char* key;
  std::function<void(Config&)> set;
  std::function<int64_t(const stack::StackConfig&)> get;
  int64_t wanted;
};

// All values differ from the defaults and from one another.
const Row kRows[] = {
    {"tcp.receive_buffer", [](Config& c) { c.tcp.receive_buffer = 5001; },
     [](const auto& s) { return s.tcp.receive_buffer; }, 5001},
    {"tcp.send_buffer", [](Config& c) { c.tcp.send_buffer = 5002; },
     [](const auto& s) { return s.tcp.send_buffer; }, 5002},
    {"tcp.mss", [](Config& c) { c.tcp.mss = 1003; }, [](const auto& s) { return s.tcp.mss; }, 1003},
    {"tcp.window_scale", [](Config& c) { c.tcp.window_scale = 5; },
     [](const auto& s) { return s.tcp.window_scale; }, 5},
    {"tcp.timestamps", [](Config& c) { c.tcp.timestamps = false; },
     [](const auto& s) { return s.tcp.timestamps; }, 0},
    {"tcp.nodelay", [](Config& c) { c.tcp.nodelay = true; },
     [](const auto& s) { return s.tcp.no_delay; }, 1},
    {"tcp.initial_window_segments", [](Config& c) { c.tcp.initial_window_segments = 4; },
     [](const auto& s) { return s.tcp.initial_window_segments; }, 4},
    {"tcp.slow_start_segments", [](Config& c) { c.tcp.slow_start_segments = 3; },
     [](const auto& s) { return s.tcp.slow_start_segments; }, 3},
    {"tcp.rto_initial_ms", [](Config& c) { c.tcp.rto_initial_ms = 1007; },
     [](const auto& s) { return s.tcp.rto_initial_ms; }, 1007},
    {"tcp.rto_min_ms", [](Config& c) { c.tcp.rto_min_ms = 208; },
     [](const auto& s) { return s.tcp.rto_min_ms; }, 208},
    {"tcp.rto_max_ms", [](Config& c) { c.tcp.rto_max_ms = 120009; },
     [](const auto& s) { return s.tcp.rto_max_ms; }, 120009},
    {"tcp.retries1", [](Config& c) { c.tcp.retries1 = 9; },
     [](const auto& s) { return s.tcp.retries1; }, 9},
    {"tcp.retries2", [](Config& c) { c.tcp.retries2 = 10; },
     [](const auto& s) { return s.tcp.retries2; }, 10},
    {"tcp.orphan_retries", [](Config& c) { c.tcp.orphan_retries = 40; },
     [](const auto& s) { return s.tcp.orphan_retries; }, 40},
    {"tcp.user_timeout_ms", [](Config& c) { c.tcp.user_timeout_ms = 30041; },
     [](const auto& s) { return s.tcp.user_timeout_ms; }, 30041},
    {"tcp.close_wait_ms", [](Config& c) { c.tcp.close_wait_ms = 60042; },
     [](const auto& s) { return s.tcp.close_wait_ms; }, 60042},
    {"tcp.dscp", [](Config& c) { c.tcp.dscp = 43; }, [](const auto& s) { return s.tcp.dscp; }, 43},
    {"memory.max_orphans", [](Config& c) { c.memory.max_orphans = 1044; },
     [](const auto& s) { return s.tcp.max_orphans; }, 1044},
    {"tcp.idle_timeout_ms", [](Config& c) { c.tcp.idle_timeout_ms = 50045; },
     [](const auto& s) { return s.tcp.idle_timeout_ms; }, 50045},
    {"tcp.first_text_ms", [](Config& c) { c.tcp.first_text_ms = 50046; },
     [](const auto& s) { return s.tcp.first_text_ms; }, 50046},
    {"tcp.min_rate", [](Config& c) { c.tcp.min_rate = 47; },
     [](const auto& s) { return s.tcp.min_rate; }, 47},
    {"tcp.min_request_rate", [](Config& c) { c.tcp.min_request_rate = 48; },
     [](const auto& s) { return s.tcp.min_request_rate; }, 48},
    {"tcp.min_rate_interval_ms", [](Config& c) { c.tcp.min_rate_interval_ms = 50049; },
     [](const auto& s) { return s.tcp.min_rate_interval_ms; }, 50049},
    {"memory.shed_high", [](Config& c) { c.memory.shed_high = 97; },
     [](const auto& s) { return s.tcp.shed_high; }, 97},
    {"memory.shed_low", [](Config& c) { c.memory.shed_low = 51; },
     [](const auto& s) { return s.tcp.shed_low; }, 51},
    {"memory.shed_idle", [](Config& c) { c.memory.shed_idle = ShedIdle::kOldest; },
     [](const auto& s) { return s.tcp.shed_idle; }, 1},
    {"tcp.syn_retries", [](Config& c) { c.tcp.syn_retries = 11; },
     [](const auto& s) { return s.tcp.syn_retries; }, 11},
    {"tcp.synack_retries", [](Config& c) { c.tcp.synack_retries = 12; },
     [](const auto& s) { return s.tcp.synack_retries; }, 12},
    {"tcp.delayed_ack_ms", [](Config& c) { c.tcp.delayed_ack_ms = 13; },
     [](const auto& s) { return s.tcp.delayed_ack_ms; }, 13},
    {"tcp.time_wait_ms", [](Config& c) { c.tcp.time_wait_ms = 60014; },
     [](const auto& s) { return s.tcp.time_wait_ms; }, 60014},
    {"tcp.fin_wait2_ms", [](Config& c) { c.tcp.fin_wait2_ms = 60015; },
     [](const auto& s) { return s.tcp.fin_wait2_ms; }, 60015},
    {"tcp.keepalive", [](Config& c) { c.tcp.keepalive = true; },
     [](const auto& s) { return s.tcp.keep_alive; }, 1},
    {"tcp.keepalive_idle_s", [](Config& c) { c.tcp.keepalive_idle_s = 16; },
     [](const auto& s) { return s.tcp.keepalive_idle_ms; }, 16000},
    {"tcp.keepalive_interval_s", [](Config& c) { c.tcp.keepalive_interval_s = 17; },
     [](const auto& s) { return s.tcp.keepalive_interval_ms; }, 17000},
    {"tcp.keepalive_probes", [](Config& c) { c.tcp.keepalive_probes = 18; },
     [](const auto& s) { return s.tcp.keepalive_probes; }, 18},
    {"tcp.syn_backlog", [](Config& c) { c.tcp.syn_backlog = 1019; },
     [](const auto& s) { return s.tcp.syn_backlog; }, 1019},
    {"tcp.syn_cookies", [](Config& c) { c.tcp.syn_cookies = SynCookies::kAlways; },
     [](const auto& s) { return static_cast<int64_t>(s.tcp.syn_cookies); }, 2},
    {"tcp.syn_ack_retransmits_per_s", [](Config& c) { c.tcp.syn_ack_retransmits_per_s = 11; },
     [](const auto& s) { return s.tcp.syn_ack_retransmits_per_second; }, 11},
    {"tcp.backlog", [](Config& c) { c.tcp.backlog = 12; },
     [](const auto& s) { return s.tcp.backlog; }, 12},
    {"tcp.accept_overflow", [](Config& c) { c.tcp.accept_overflow = AcceptOverflow::kReset; },
     [](const auto& s) { return static_cast<int64_t>(s.tcp.accept_overflow); }, 1},
    {"tcp.accepts_per_turn", [](Config& c) { c.tcp.accepts_per_turn = 13; },
     [](const auto& s) { return s.tcp.accepts_per_turn; }, 13},
    {"tcp.defer_accept_ms", [](Config& c) { c.tcp.defer_accept_ms = 14; },
     [](const auto& s) { return s.tcp.defer_accept_ms; }, 14},
    {"tcp.syn_cookie_secret_file", [](Config& c) { c.tcp.syn_cookie_secret_file = "/secret"; },
     [](const auto& s) { return s.tcp.cookies_shared; }, 1},
    {"tcp.max_per_listener", [](Config& c) { c.tcp.max_per_listener = 15; },
     [](const auto& s) { return s.tcp.max_per_listener; }, 15},
    {"tcp.max_per_prefix", [](Config& c) { c.tcp.max_per_prefix = 16; },
     [](const auto& s) { return s.tcp.max_per_prefix; }, 16},
    {"tcp.prefix_v4", [](Config& c) { c.tcp.prefix_v4 = 17; },
     [](const auto& s) { return s.tcp.prefix_v4; }, 17},
    {"tcp.prefix_v6", [](Config& c) { c.tcp.prefix_v6 = 48; },
     [](const auto& s) { return s.tcp.prefix_v6; }, 48},
    {"tcp.fast_open", [](Config& c) { c.tcp.fast_open = true; },
     [](const auto& s) { return s.tcp.fast_open; }, 1},
    {"tcp.fast_open_pending", [](Config& c) { c.tcp.fast_open_pending = 15; },
     [](const auto& s) { return s.tcp.fast_open_pending; }, 15},
    {"tcp.out_of_order_segments", [](Config& c) { c.tcp.out_of_order_segments = 20; },
     [](const auto& s) { return s.tcp.out_of_order_segments; }, 20},
    {"tcp.ttl", [](Config& c) { c.tcp.ttl = 21; }, [](const auto& s) { return s.tcp.ttl; }, 21},
    {"tcp.challenge_ack_interval_ms", [](Config& c) { c.tcp.challenge_ack_interval_ms = 522; },
     [](const auto& s) { return s.tcp.challenge_ack_interval_ms; }, 522},
    {"ip.rst_rate_per_s", [](Config& c) { c.ip.rst_rate_per_s = 23; },
     [](const auto& s) { return s.tcp.resets_per_second; }, 23},
    {"ip.arp_reachable_s", [](Config& c) { c.ip.arp_reachable_s = 24; },
     [](const auto& s) { return s.ip.reachable.us; }, 24000000},
    {"ip.neighbour_probe_ms", [](Config& c) { c.ip.neighbour_probe_ms = 1025; },
     [](const auto& s) { return s.ip.probe_interval.us; }, 1025000},
    {"ip.neighbour_probes", [](Config& c) { c.ip.neighbour_probes = 6; },
     [](const auto& s) { return s.ip.probes; }, 6},
    {"ip.path_mtu_lifetime_s", [](Config& c) { c.ip.path_mtu_lifetime_s = 634; },
     [](const auto& s) { return s.ip.path_mtu_lifetime.us; }, 634000000},
    {"ip.path_mtu_min", [](Config& c) { c.ip.path_mtu_min = 635; },
     [](const auto& s) { return s.ip.path_mtu_floor_v4; }, 635},
    {"ip.icmp_rate_per_s", [](Config& c) { c.ip.icmp_rate_per_s = 27; },
     [](const auto& s) { return s.ip.icmp_rate_per_s; }, 27},
    {"ip.dad", [](Config& c) { c.ip.dad = false; },
     [](const auto& s) { return s.ip.interfaces[0].dad; }, 0},
    {"ip.echo_reply", [](Config& c) { c.ip.echo_reply = false; },
     [](const auto& s) { return s.ip.echo_reply; }, 0},
    {"ip.icmp_errors", [](Config& c) { c.ip.icmp_errors = false; },
     [](const auto& s) { return s.ip.icmp_errors; }, 0},
    {"tcp.mtu_probing", [](Config& c) { c.tcp.mtu_probing = MtuProbing::kBlackHole; },
     [](const auto& s) { return static_cast<int64_t>(s.tcp.mtu_probing); }, 1},
    {"memory.max_connections", [](Config& c) { c.memory.max_connections = 70000; },
     [](const auto& s) { return s.tcp.max_connections; }, 70000},
    {"memory.max_half_open", [](Config& c) { c.memory.max_half_open = 101; },
     [](const auto& s) { return s.tcp.max_half_open; }, 101},
    {"memory.max_time_wait", [](Config& c) { c.memory.max_time_wait = 100; },
     [](const auto& s) { return s.tcp.max_time_wait; }, 100},
    {"memory.max_flights", [](Config& c) { c.memory.max_flights = 8129; },
     [](const auto& s) { return s.tcp.max_flights; }, 8129},
    {"memory.text_buffers", [](Config& c) { c.memory.text_buffers = 1000; },
     [](const auto& s) { return s.tcp.text_buffers; }, 1000},
    {"memory.max_pinned_buffers", [](Config& c) { c.memory.max_pinned_buffers = 100; },
     [](const auto& s) { return s.tcp.kept_buffers; }, 32768 + 100},
    {"memory.neighbours", [](Config& c) { c.memory.neighbours = 1030; },
     [](const auto& s) { return s.ip.neighbours; }, 1030},
    {"memory.path_mtus", [](Config& c) { c.memory.path_mtus = 1036; },
     [](const auto& s) { return s.ip.path_mtus; }, 1036},
    {"workers.burst", [](Config& c) { c.workers.burst = 31; },
     [](const auto& s) { return s.burst_max; }, 62},
    {"port.mtu", [](Config& c) { c.ports[0].mtu = 1432; },
     [](const auto& s) { return s.ip.interfaces[0].mtu; }, 1432},
    {"port.vlan", [](Config& c) { c.ports[0].vlan = 33; },
     [](const auto& s) { return s.ip.interfaces[0].vlan; }, 33},
    {"port.gateway4", [](Config& c) { c.ports[0].gateway4 = IpAddress::V4(0xc6120022); },
     [](const auto& s) { return s.ip.interfaces[0].gateway4.value_or(IpAddress()).v4(); },
     0xc6120022},
    {"port.gateway6",
     [](Config& c) { c.ports[0].gateway6 = IpAddress::Parse("2001:2::23").value(); },
     [](const auto& s) {
       return static_cast<int64_t>(s.ip.interfaces[0].gateway6.value_or(IpAddress()).low());
     },
     0x23},
    {"port.addresses",
     [](Config& c) {
       c.ports[0].addresses = {{IpAddress::V4(0xc6120036), 25}};
     },
     [](const auto& s) {
       const ip::Prefix& prefix = s.ip.interfaces[0].addresses.at(0);
       return int64_t{prefix.address.v4()} * 256 + prefix.bits;
     },
     int64_t{0xc6120036} * 256 + 25},
};

TEST(StackConfigTest, EveryKeyArrives) {
  for (const Row& row : kRows) {
    Config config = OnePort();
    EXPECT_NE(row.get(Make(config)), row.wanted) << row.key << ": the row cannot fail";
    row.set(config);
    EXPECT_EQ(row.get(Make(config)), row.wanted) << row.key;
  }
}

// One burst of other traffic, one of SYNs, one from the other workers.
TEST(StackConfigTest, APortWithAQueueForSynsBringsTwoBursts) {
  const PortFacts facts[] = {{.id = 0, .syn_queues = true}};
  EXPECT_EQ(MakeStackConfig(OnePort(), SomeSecrets(), facts, 0).burst_max, 3u * 32);
}

TEST(StackConfigTest, DefaultsAreThoseOfTheStackWhereItHasSome) {
  const stack::StackConfig made = Make(OnePort());
  const tcp::TcpConfig tcp;
  EXPECT_EQ(made.tcp.receive_buffer, tcp.receive_buffer);
  EXPECT_EQ(made.tcp.rto_initial_ms, tcp.rto_initial_ms);
  EXPECT_EQ(made.tcp.rto_min_ms, tcp.rto_min_ms);
  EXPECT_EQ(made.tcp.delayed_ack_ms, tcp.delayed_ack_ms);
  EXPECT_EQ(made.tcp.time_wait_ms, tcp.time_wait_ms);
  EXPECT_EQ(made.tcp.keepalive_idle_ms, tcp.keepalive_idle_ms);
  EXPECT_EQ(made.tcp.window_scale, tcp.window_scale);
}

TEST(StackConfigTest, DevicesLendTheirNumberAddressAndChecksums) {
  const stack::StackConfig made = Make(OnePort());
  EXPECT_EQ(made.ip.interfaces[0].port, 3);
  EXPECT_EQ(made.ip.interfaces[0].mac.octets[0], 2);
  ASSERT_EQ(made.offloads.size(), 4u);
  EXPECT_TRUE(made.offloads[3].tcp_checksum_v4);
  EXPECT_TRUE(made.offloads[3].tcp_checksum_v6);
  EXPECT_FALSE(made.offloads[0].tcp_checksum_v4);
}

TEST(StackConfigTest, ShardsShareWhatPeersSeeAndNothingElse) {
  const stack::StackConfig a = Make(OnePort(), 0), b = Make(OnePort(), 1);
  EXPECT_EQ(a.tcp.keys.isn.k0, b.tcp.keys.isn.k0);
  EXPECT_EQ(a.tcp.keys.timestamp.k1, b.tcp.keys.timestamp.k1);
  EXPECT_NE(a.tcp.keys.table.k0, b.tcp.keys.table.k0);
  EXPECT_NE(a.ip.seed, b.ip.seed);
  EXPECT_TRUE(a.ip.owner);
  EXPECT_FALSE(b.ip.owner);
}

TEST(StackConfigTest, BuffersHoldTheLargestFrame) {
  Config config = OnePort();
  EXPECT_EQ(PoolRoom(config), 2048u);
  config.ports[0].mtu = 9000;
  EXPECT_GE(PoolRoom(config), 9000u + 18);
  EXPECT_EQ(PoolCapacity(config), config.memory.receive_buffers + config.memory.text_buffers);
}

// What one worker opens, its answers reach: each flow has one owner, and it is the steering's.
TEST(StackConfig, EachFlowIsOwnedByTheShardThatSteeringNames) {
  const std::vector<uint8_t> key(52, 0x6d);
  constexpr unsigned kShards = 3;
  const FlowSteering steering(key, kShards);
  const PortFacts facts[] = {{3, wire::MacAddress{{2, 0, 0, 0, 0, 1}}, true}};
  std::vector<stack::StackConfig> shards;
  for (unsigned i = 0; i < kShards; ++i) {
    shards.push_back(MakeStackConfig(OnePort(), SomeSecrets(), facts, i, &steering));
    EXPECT_EQ(shards[i].worker_index, i);
  }
  std::vector<int> owned(kShards);
  for (uint16_t port = 40000; port < 40300; ++port) {
    const Endpoint local{*IpAddress::Parse("198.18.0.2"), port};
    const Endpoint remote{*IpAddress::Parse("198.18.0.1"), 80};
    // As the answer arrives.
    const unsigned owner = steering.Owner({remote.address, local.address, 80, port});
    for (unsigned i = 0; i < kShards; ++i) {
      EXPECT_EQ(shards[i].tcp.owns_flow(local, remote), i == owner) << port;
    }
    ++owned[owner];
  }
  for (const int count : owned) EXPECT_GT(count, 50);
}

TEST(StackConfig, AloneAShardOwnsEverything) { EXPECT_FALSE(Make(OnePort()).tcp.owns_flow); }

}  // namespace
}  // namespace weir::runtime
