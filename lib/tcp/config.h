// Settings of one shard's TCP engine, as plain values; the runtime fills them from weir.toml, tests
// by hand. Defaults are those of weir.toml.
#pragma once

#include <cstdint>
#include <vector>

#include "base/siphash.h"
#include "weir/address.h"

namespace weir::tcp {

// Secrets of a process; random per start in production, fixed in tests.
struct TcpKeys {
  SipKey table;      // flow table: differs per shard
  SipKey isn;        // initial sequence numbers, RFC 9293 3.4.1: the same on all shards
  SipKey timestamp;  // timestamp offsets, RFC 7323 5.4: the same on all shards
};

// One of the shard's own addresses; its index in TcpConfig::addresses names it everywhere in tcp.
struct LocalAddress {
  IpAddress address;
  uint16_t mtu = 1500;  // of the interface, IP header included
};

struct TcpConfig {
  TcpKeys keys;
  std::vector<LocalAddress> addresses;

  // Memory, all reserved at construction.
  uint32_t max_connections = 65536;   // control blocks, TIME-WAIT included
  uint32_t max_flights = 16384;       // connections with text in flight, unread or out of order
  uint32_t kept_buffers = 16384;      // packet buffers that connections may keep past a turn
  uint32_t segments_per_turn = 1024;  // segments one turn may send

  // Defaults of listeners and active opens.
  uint32_t receive_buffer = 262144;  // octets
  uint32_t send_buffer = 262144;     // octets
  bool no_delay = false;
  bool keep_alive = false;
  uint32_t syn_backlog = 1024;  // connections in SYN-RECEIVED, per listener

  uint16_t mss = 0;       // what we announce; 0 = from the MTU
  int window_scale = -1;  // 0..14; -1 = the smallest that covers receive_buffer
  bool timestamps = true;
  uint32_t initial_window_segments = 10;  // RFC 6928
  uint32_t rto_initial_ms = 1000;
  uint32_t rto_min_ms = 200;
  uint32_t rto_max_ms = 120000;
  uint8_t retries1 = 3;   // R1: retransmissions before the next hop comes into doubt
  uint8_t retries2 = 15;  // R2: retransmissions of text before giving up
  uint8_t syn_retries = 6;
  uint8_t synack_retries = 5;
  uint32_t delayed_ack_ms = 40;
  uint32_t time_wait_ms = 60000;
  uint32_t fin_wait2_ms = 60000;  // only when the application has let go
  uint32_t keepalive_idle_ms = 7200000;
  uint32_t keepalive_interval_ms = 75000;
  uint8_t keepalive_probes = 9;
  uint32_t out_of_order_segments = 256;  // per connection
  uint32_t challenge_ack_interval_ms = 500;
  uint32_t resets_per_second = 1000;  // RSTs that belong to no connection
  uint8_t ttl = 64;
};

}  // namespace weir::tcp
