// Settings of one shard's IP layer, as plain values; the runtime fills them from weir.toml, tests
// by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::ip {

// An address of ours and how many of its leading bits are the on-link prefix (IPv4: 0..32).
struct Prefix {
  IpAddress address;
  uint8_t bits = 0;
};

// One port as IP sees it.
struct InterfaceConfig {
  uint16_t port = 0;  // the device's number: what Packet::port() says
  wire::MacAddress mac;
  uint16_t mtu = 1500;  // largest IP packet
  uint16_t vlan = 0;    // 0 = untagged
  std::vector<Prefix> addresses;
  std::optional<IpAddress> gateway4;
  std::optional<IpAddress> gateway6;
  bool dad = true;  // duplicate address detection before an IPv6 address is used (RFC 4862 5.4)
};

struct IpConfig {
  std::vector<InterfaceConfig> interfaces;  // one for each port at most
  uint32_t neighbours = 1024;               // entries of the neighbour table, 4..65000
  uint32_t waiting_packets = 256;  // packets that may wait for a neighbour's address, altogether
  // RFC 4861 10: REACHABLE_TIME, RETRANS_TIMER, MAX_UNICAST_SOLICIT and MAX_MULTICAST_SOLICIT,
  // DELAY_FIRST_PROBE_TIME. They serve ARP as well.
  Duration reachable = Seconds(30);
  Duration probe_interval = Seconds(1);
  uint32_t probes = 3;
  Duration first_probe_delay = Seconds(5);
  uint32_t path_mtus = 1024;                  // destinations whose path MTU is remembered
  Duration path_mtu_lifetime = Seconds(600);  // RFC 1191 6.3
  uint16_t path_mtu_floor_v4 = 552;  // what every IPv4 path is taken to carry, whatever is claimed
  uint32_t icmp_rate_per_s = 1000;   // echo replies and errors
  bool echo_reply = true;
  bool icmp_errors = true;  // say so when a packet for us finds no taker
  // Keys the table's hash and draws jitter: secret in production, fixed in tests.
  uint64_t seed = 0;
  // Of several shards with the same addresses, the one that speaks for them: DAD, MLD,
  // announcements, answers to ARP requests and neighbour solicitations. The others hear the same
  // frames and keep silent.
  bool owner = true;
};

}  // namespace weir::ip
