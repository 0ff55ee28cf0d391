// One key after another.
#include "runtime/stack_config.h"

#include <algorithm>

#include "base/prng.h"

namespace weir::runtime {
namespace {

// Ethernet header, two VLAN tags, and the check sequence that some devices leave.
constexpr uint32_t kLinkOctets = 14 + 2 * 4 + 4;
constexpr uint32_t kRoomMin = 2048;

// The n-th number of a shard's own.
uint64_t ShardSecret(const Secrets& secrets, unsigned shard, uint64_t n) {
  const uint64_t words[] = {secrets.shards, shard, n};
  return SipHash24(secrets.isn, words, 3);
}

ip::InterfaceConfig MakeInterface(const PortConfig& port, const IpConfig& ip,
                                  const PortFacts& facts) {
  ip::InterfaceConfig interface;
  interface.port = facts.id;
  interface.mac = facts.mac;
  interface.mtu = static_cast<uint16_t>(port.mtu);
  interface.vlan = static_cast<uint16_t>(port.vlan);
  for (const InterfaceAddress& a : port.addresses) {
    interface.addresses.push_back({a.address, a.prefix_bits});
  }
  interface.gateway4 = port.gateway4;
  interface.gateway6 = port.gateway6;
  interface.dad = ip.dad;
  return interface;
}

ip::IpConfig MakeIp(const Config& config, const Secrets& secrets, std::span<const PortFacts> ports,
                    unsigned shard) {
  ip::IpConfig ip;
  for (size_t i = 0; i < ports.size(); ++i) {
    ip.interfaces.push_back(MakeInterface(config.ports[i], config.ip, ports[i]));
  }
  ip.neighbours = std::min(config.memory.neighbours, 65000u);  // named by 16 bits
  ip.reachable = Seconds(config.ip.arp_reachable_s);
  ip.probe_interval = Milliseconds(config.ip.neighbour_probe_ms);
  ip.probes = config.ip.neighbour_probes;
  ip.path_mtus = config.memory.path_mtus;
  ip.path_mtu_lifetime = Seconds(config.ip.path_mtu_lifetime_s);
  ip.path_mtu_floor_v4 = static_cast<uint16_t>(config.ip.path_mtu_min);
  ip.icmp_rate_per_s = config.ip.icmp_rate_per_s;
  ip.echo_reply = config.ip.echo_reply;
  ip.icmp_errors = config.ip.icmp_errors;
  ip.seed = ShardSecret(secrets, shard, 0);
  ip.owner = shard == 0;
  return ip;
}

void SetMemory(const Config& config, tcp::TcpConfig& tcp) {
  // A connection in TIME-WAIT still holds a control block.
  tcp.max_connections = config.memory.max_connections;
  tcp.max_half_open = config.memory.max_half_open;
  tcp.max_time_wait = config.memory.max_time_wait;
  tcp.max_flights = config.memory.max_flights;
  tcp.kept_buffers = config.memory.text_buffers + config.memory.max_pinned_buffers;
  tcp.text_buffers = config.memory.text_buffers;
  tcp.max_orphans = config.memory.max_orphans;
  tcp.shed_high = config.memory.shed_high;
  tcp.shed_low = config.memory.shed_low;
  tcp.shed_idle = config.memory.shed_idle == ShedIdle::kOldest;
  tcp.receive_buffer = config.tcp.receive_buffer;
  tcp.send_buffer = config.tcp.send_buffer;
  tcp.out_of_order_segments = config.tcp.out_of_order_segments;
  tcp.syn_backlog = config.tcp.syn_backlog;
  tcp.syn_cookies = config.tcp.syn_cookies;
  tcp.syn_ack_retransmits_per_second = config.tcp.syn_ack_retransmits_per_s;
  tcp.backlog = config.tcp.backlog;
  tcp.accept_overflow = config.tcp.accept_overflow;
  tcp.accepts_per_turn = config.tcp.accepts_per_turn;
  tcp.defer_accept_ms = config.tcp.defer_accept_ms;
  tcp.cookies_shared = !config.tcp.syn_cookie_secret_file.empty();
  tcp.max_per_listener = config.tcp.max_per_listener;
  tcp.max_per_prefix = config.tcp.max_per_prefix;
  tcp.prefix_v4 = static_cast<uint8_t>(config.tcp.prefix_v4);
  tcp.prefix_v6 = static_cast<uint8_t>(config.tcp.prefix_v6);
  tcp.fast_open = config.tcp.fast_open;
  tcp.fast_open_pending = config.tcp.fast_open_pending;
}

void SetTimers(const TcpConfig& from, tcp::TcpConfig& tcp) {
  tcp.rto_initial_ms = from.rto_initial_ms;
  tcp.rto_min_ms = from.rto_min_ms;
  tcp.rto_max_ms = from.rto_max_ms;
  tcp.retries1 = static_cast<uint8_t>(from.retries1);
  tcp.retries2 = static_cast<uint8_t>(from.retries2);
  tcp.orphan_retries = static_cast<uint8_t>(from.orphan_retries);
  tcp.user_timeout_ms = from.user_timeout_ms;
  tcp.syn_retries = static_cast<uint8_t>(from.syn_retries);
  tcp.synack_retries = static_cast<uint8_t>(from.synack_retries);
  tcp.delayed_ack_ms = from.delayed_ack_ms;
  tcp.time_wait_ms = from.time_wait_ms;
  tcp.fin_wait2_ms = from.fin_wait2_ms;
  tcp.close_wait_ms = from.close_wait_ms;
  tcp.idle_timeout_ms = from.idle_timeout_ms;
  tcp.first_text_ms = from.first_text_ms;
  tcp.min_rate = from.min_rate;
  tcp.min_request_rate = from.min_request_rate;
  tcp.min_rate_interval_ms = from.min_rate_interval_ms;
  tcp.keepalive_idle_ms = from.keepalive_idle_s * 1000;
  tcp.keepalive_interval_ms = from.keepalive_interval_s * 1000;
  tcp.keepalive_probes = static_cast<uint8_t>(from.keepalive_probes);
  tcp.challenge_ack_interval_ms = from.challenge_ack_interval_ms;
}

tcp::MtuProbing MakeMtuProbing(MtuProbing probing) {
  switch (probing) {
    case MtuProbing::kOff:
      break;
    case MtuProbing::kBlackHole:
      return tcp::MtuProbing::kBlackHole;
    case MtuProbing::kOn:
      return tcp::MtuProbing::kOn;
  }
  return tcp::MtuProbing::kOff;
}

tcp::TcpConfig MakeTcp(const Config& config, const Secrets& secrets, unsigned shard) {
  tcp::TcpConfig tcp;
  tcp.keys.table = {ShardSecret(secrets, shard, 1), ShardSecret(secrets, shard, 2)};
  tcp.keys.isn = secrets.isn;
  tcp.keys.timestamp = secrets.timestamp;
  tcp.keys.cookie = secrets.cookie;
  SetMemory(config, tcp);
  SetTimers(config.tcp, tcp);
  tcp.no_delay = config.tcp.nodelay;
  tcp.keep_alive = config.tcp.keepalive;
  tcp.mss = static_cast<uint16_t>(config.tcp.mss);
  if (config.tcp.window_scale) tcp.window_scale = static_cast<int>(*config.tcp.window_scale);
  tcp.timestamps = config.tcp.timestamps;
  tcp.mtu_probing = MakeMtuProbing(config.tcp.mtu_probing);
  tcp.initial_window_segments = config.tcp.initial_window_segments;
  tcp.slow_start_segments = config.tcp.slow_start_segments;
  tcp.resets_per_second = config.ip.rst_rate_per_s;
  tcp.ttl = static_cast<uint8_t>(config.tcp.ttl);
  tcp.dscp = static_cast<uint8_t>(config.tcp.dscp);
  return tcp;
}

}  // namespace

stack::StackConfig MakeStackConfig(const Config& config, const Secrets& secrets,
                                   std::span<const PortFacts> ports, unsigned shard,
                                   const FlowSteering* steering) {
  stack::StackConfig stack;
  stack.worker_index = shard;
  stack.ip = MakeIp(config, secrets, ports, shard);
  stack.tcp = MakeTcp(config, secrets, shard);
  if (steering != nullptr) {
    stack.tcp.owns_flow = [steering, shard](const Endpoint& local, const Endpoint& remote) {
      return steering->Owner({remote.address, local.address, remote.port, local.port}) == shard;
    };
  }
  for (const PortFacts& port : ports) {
    if (stack.offloads.size() <= port.id) stack.offloads.resize(port.id + 1u);
    stack.offloads[port.id] = {port.tx_tcp_checksum, port.tx_tcp_checksum};
  }
  // One burst from each port, two where SYNs have a queue, and one from the other workers.
  const auto syn_queues = std::count_if(ports.begin(), ports.end(),
                                        [](const PortFacts& port) { return port.syn_queues; });
  stack.burst_max = config.workers.burst * (static_cast<uint32_t>(ports.size() + syn_queues) + 1);
  return stack;
}

uint32_t PoolCapacity(const Config& config) {
  return config.memory.receive_buffers + config.memory.text_buffers;
}

uint32_t PoolRoom(const Config& config) {
  uint32_t room = kRoomMin;
  for (const PortConfig& port : config.ports) room = std::max(room, port.mtu + kLinkOctets);
  return (room + 63) / 64 * 64;
}

}  // namespace weir::runtime
