// Configuration of one shard's TCP engine, as plain values; the runtime fills it from weir.toml,
// tests by hand. Defaults are those of weir.toml.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/siphash.h"
#include "base/wipe.h"
#include "tcp/settings.h"
#include "weir/address.h"
#include "weir/listener.h"

namespace weir::tcp {

// Secrets of a process; random per start in production, fixed in tests. Wiped in the end.
struct TcpKeys {
  ~TcpKeys() { Wipe(this, sizeof *this); }

  SipKey table;      // flow table: differs per shard
  SipKey isn;        // initial sequence numbers, RFC 9293 3.4.1: the same on all shards
  SipKey timestamp;  // timestamp offsets, RFC 7323 5.4: the same on all shards
  SipKey cookie;     // SYN cookies: the same on all shards
};

// One of the shard's own addresses; its index in TcpConfig::addresses names it everywhere in tcp.
struct LocalAddress {
  IpAddress address;
  uint16_t mtu = 1500;  // of the interface, IP header included
};

// A shard's own, and the settings that listeners and active opens begin with.
// Packetization layer path MTU discovery (RFC 4821): segment sizes found by trying.
enum class MtuProbing : uint8_t {
  kOff,
  kBlackHole,  // only where full-sized segments vanish and nobody says why
  kOn,         // always, from a small size on
};

struct TcpConfig : Settings {
  TcpKeys keys;
  std::vector<LocalAddress> addresses;

  // Whether what arrives from `remote` for `local` arrives on this shard: active opens choose their
  // ports by it. Empty: all of it.
  std::function<bool(const Endpoint& local, const Endpoint& remote)> owns_flow;

  // Memory, all reserved at construction.
  uint32_t max_connections = 65536;   // control blocks
  uint32_t max_half_open = 16384;     // entries of the SYN cache
  uint32_t max_time_wait = 65536;     // connections remembered in TIME-WAIT
  uint32_t max_flights = 16384;       // connections with text in flight, unread or out of order
  uint32_t kept_buffers = 16384;      // packet buffers that connections may keep past a turn
  uint32_t text_buffers = 12288;      // those of them that text to send may take: reception goes on
  uint32_t segments_per_turn = 1024;  // segments one turn may send
  uint32_t max_orphans = 16384;       // connections that live on after Close, TIME-WAIT aside

  // From so many percent of the control blocks, flights or kept buffers on something gives way,
  // until less than `shed_low` percent are in use; 0 = never.
  uint32_t shed_high = 95;
  uint32_t shed_low = 90;
  bool shed_idle = false;  // also connections, those that were still for longest

  // Defaults of listeners.
  uint32_t syn_backlog = 1024;  // half-open connections
  SynCookies syn_cookies = SynCookies::kAuto;
  uint32_t backlog = 1024;  // connections not accepted yet
  AcceptOverflow accept_overflow = AcceptOverflow::kDrop;
  uint32_t defer_accept_ms = 0;
  uint32_t max_per_listener = 0;  // connections; 0 = no limit but memory
  uint32_t max_per_prefix = 0;    // those from one source prefix; 0 = no limit
  uint8_t prefix_v4 = 24;         // bits
  uint8_t prefix_v6 = 64;
  // Connections of a listener that fast open has begun and no handshake has confirmed.
  uint32_t fast_open_pending = 256;

  uint32_t accepts_per_turn = 256;                 // OnOpen calls
  uint32_t syn_ack_retransmits_per_second = 1000;  // of all listeners
  // Other servers with the same addresses have our keys for cookies and timestamps, and a time that
  // is less than SynCookieCodec::kEpochMs away from ours: their cookies are as good as ours.
  bool cookies_shared = false;
  int window_scale = -1;  // 0..14; -1 = the smallest that covers the receive buffer
  bool timestamps = true;
  uint32_t initial_window_segments = 10;  // RFC 6928
  uint32_t slow_start_segments = 8;       // by which one ACK opens cwnd at most; ADR 0007
  MtuProbing mtu_probing = MtuProbing::kOff;
  uint32_t out_of_order_segments = 256;  // per connection
  uint32_t challenge_ack_interval_ms = 500;
  uint32_t resets_per_second = 1000;  // RSTs that belong to no connection
};

}  // namespace weir::tcp
