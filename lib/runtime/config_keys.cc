// Every key with its place, range, unit and meaning; longer than other files because it is a table.
#include "runtime/config_keys.h"

#include "runtime/config_words.h"

namespace weir::runtime {
namespace {

constexpr uint32_t kProcessors = 128;  // RTE_MAX_LCORE of the distributions' builds
constexpr uint32_t kConnectionsMax = 1u << 27;
constexpr uint32_t kBuffersMax = 1u << 24;  // 32 GB of packet buffers
constexpr uint32_t kTextMax = 1u << 30;     // RFC 7323 2.3: the largest window
constexpr uint32_t kHourMs = 3600 * 1000;
constexpr uint32_t kWeekMs = 7 * 24 * kHourMs;

std::vector<Key> EalKeys(EalConfig& eal) {
  return {
      {"args", TextList{&eal.args, CheckEalArguments, "a list of strings"}, "",
       "Extra arguments for DPDK's environment (EAL), after weir's own; those that weir sets "
       "itself "
       "are refused."},
      {"huge_pages", &eal.huge_pages, "",
       "Whether packet buffers live in huge pages: auto takes them where the machine has any."},
      {"memory_mb", Number{&eal.memory_mb, 64, 1u << 20}, "MB",
       "Memory that DPDK reserves at start for the packet buffers and rings of all workers."},
      {"file_prefix",
       Text{&eal.file_prefix, NormalizeFilePrefix, "1 to 32 letters, digits, '_', '-' or '.'"}, "",
       "Names this process among DPDK processes of one machine; each needs its own."},
  };
}

std::vector<Key> WorkersKeys(WorkersConfig& workers) {
  return {
      {"count", Number{&workers.count, 1, kProcessors}, "",
       "How many workers; each takes one processor, one queue of each port and one shard of the "
       "connections. Give this or cores."},
      {"cores", NumberList{&workers.cores, 0, kProcessors - 1}, "",
       "The processors to run on, one worker each; empty takes the first count that are allowed."},
      {"idle", &workers.idle, "",
       "What a worker without packets does: spin (least latency), pause (spin, but gently for its "
       "sibling processor) or sleep (leaves the processor to others)."},
      {"sleep_us", Number{&workers.sleep_us, 10, 10000}, "us",
       "The longest sleep of idle = \"sleep\": what it can add to latency."},
      {"burst", Number{&workers.burst, 1, 512}, "packets",
       "The most packets taken from a queue in one turn."},
      {"steering", &workers.steering, "",
       "Who puts a flow on its worker: the device (RSS), software (by ring between workers), or "
       "auto "
       "(the device where it can)."},
      {"syn_share_percent", Number{&workers.syn_share_percent, 1, 100}, "% of burst",
       "The most packets taken from a queue for SYNs (port.syn_queue) in a turn in which the other "
       "queue was full."},
  };
}

std::vector<Key> MemoryKeys(MemoryConfig& memory) {
  return {
      {"max_connections", Number{&memory.max_connections, 16, kConnectionsMax}, "",
       "Connections a worker can hold; their control blocks and table are reserved at start."},
      {"max_flights", Number{&memory.max_flights, 16, kConnectionsMax}, "",
       "Connections of a worker that can have text unacknowledged, unread or out of order at "
       "once."},
      {"receive_buffers", Number{&memory.receive_buffers, 128, kBuffersMax}, "",
       "Packet buffers of a worker for receiving and for headers sent; must exceed what the "
       "receive rings hold."},
      {"text_buffers", Number{&memory.text_buffers, 16, kBuffersMax}, "",
       "Buffers of a worker for text the application has sent and the peer has not acknowledged."},
      {"max_pinned_buffers", Number{&memory.max_pinned_buffers, 16, kBuffersMax}, "",
       "Receive buffers of a worker that unread or out-of-order text may hold; beyond it such text "
       "is "
       "dropped and sent again by the peer."},
      {"max_half_open", Number{&memory.max_half_open, 16, 1u << 24}, "",
       "Half-open connections of a worker, of all its listeners together, in 64 octets each; when "
       "all are taken the oldest goes that its cookie can bring back."},
      {"max_time_wait", Number{&memory.max_time_wait, 16, kConnectionsMax}, "",
       "TIME-WAIT records of a worker; when all are taken the oldest goes."},
      {"max_orphans", Number{&memory.max_orphans, 16, kConnectionsMax}, "",
       "Connections of a worker that may still be closing after the application let go of them; "
       "beyond it they are reset."},
      {"neighbours", Number{&memory.neighbours, 16, 1u << 20}, "",
       "Neighbours (ARP and ND) a worker remembers; when all are taken the least recently used "
       "goes."},
      {"path_mtus", Number{&memory.path_mtus, 16, 1u << 20}, "",
       "Destinations a worker remembers a path MTU for; beyond it some are discovered again."},
      {"shed_high", Number{&memory.shed_high, 50, 100, "never"}, "percent",
       "When so much of max_connections, max_flights or the buffers for text is in use, new SYNs "
       "are dropped, then half-open connections given up."},
      {"shed_low", Number{&memory.shed_low, 10, 100}, "percent",
       "That ends below this; where only shed_high is given, 5 below that."},
      {"shed_idle", &memory.shed_idle, "",
       "Whether connections are reset then as well: oldest resets those on which nothing has moved "
       "for longest, 10 s at least."},
      {"lock", &memory.lock, "",
       "Whether all memory is brought in and locked at start, so that nothing waits for a page "
       "later, in a flood least of all."},
  };
}

std::vector<Key> TcpBufferKeys(TcpConfig& tcp) {
  return {
      {"receive_buffer", Number{&tcp.receive_buffer, 2048, kTextMax}, "octets",
       "The largest window a connection offers."},
      {"send_buffer", Number{&tcp.send_buffer, 2048, kTextMax}, "octets",
       "Text a connection takes from the application before the peer has acknowledged it."},
      {"mss", Number{&tcp.mss, 88, 8960, "from the MTU"}, "octets",
       "The largest segment announced to peers and sent (RFC 9293 3.7.1)."},
      {"window_scale", NumberOrAuto{&tcp.window_scale, 0, 14}, "bits",
       "Window scale offered (RFC 7323); auto is the least that covers receive_buffer."},
      {"timestamps", &tcp.timestamps, "",
       "Whether timestamps are used with peers that offer them "
       "(RFC 7323)."},
      {"nodelay", &tcp.nodelay, "",
       "Whether new connections send small segments at once, without Nagle's algorithm."},
      {"initial_window_segments", Number{&tcp.initial_window_segments, 1, 10}, "segments",
       "The initial congestion window (RFC 6928: at most 10)."},
      {"slow_start_segments", Number{&tcp.slow_start_segments, 1, 255}, "segments",
       "By how much one acknowledgement opens the congestion window at most in slow start (RFC "
       "5681: "
       "1, RFC 3465: 2, RFC 9406: 8)."},
      {"out_of_order_segments", Number{&tcp.out_of_order_segments, 1, 65535}, "segments",
       "Out-of-order segments a connection keeps for reassembly."},
      {"congestion", &tcp.congestion, "", "The congestion control algorithm (RFC 5681, RFC 6582)."},
      {"mtu_probing", &tcp.mtu_probing, "",
       "Whether segment sizes are found by trying (RFC 4821): black-hole does so where full-sized "
       "segments vanish and no router says why, on always."},
  };
}

std::vector<Key> TcpTimerKeys(TcpConfig& tcp) {
  return {
      {"rto_initial_ms", Number{&tcp.rto_initial_ms, 10, 60000}, "ms",
       "Retransmission timeout before the first round trip is measured (RFC 6298 2.1)."},
      {"rto_min_ms", Number{&tcp.rto_min_ms, 1, 60000}, "ms",
       "The least retransmission timeout (RFC 6298 2.4 says 1000; stacks in use have 200)."},
      {"rto_max_ms", Number{&tcp.rto_max_ms, 1000, kHourMs}, "ms",
       "The largest retransmission timeout (RFC 6298 2.5: at least 60000)."},
      {"retries1", Number{&tcp.retries1, 1, 255}, "",
       "Retransmissions after which IP is told that the path may be dead (R1, RFC 9293 3.8.3)."},
      {"retries2", Number{&tcp.retries2, 1, 255}, "",
       "Retransmissions after which the connection is given up (R2, RFC 9293 3.8.3)."},
      {"orphan_retries", Number{&tcp.orphan_retries, 0, 255}, "",
       "The same for a connection that the application has closed."},
      {"user_timeout_ms", Number{&tcp.user_timeout_ms, 1, 0x7fffffff, "no such limit"}, "ms",
       "How long text may wait for its acknowledgment, also before a closed window, until the "
       "connection is given up; takes the place of retries2 and keepalive_probes."},
      {"syn_retries", Number{&tcp.syn_retries, 0, 127}, "",
       "Retransmissions of a SYN before an active open fails."},
      {"synack_retries", Number{&tcp.synack_retries, 0, 62}, "",
       "Retransmissions of a SYN-ACK before a half-open connection is forgotten."},
      {"delayed_ack_ms", Number{&tcp.delayed_ack_ms, 1, 499}, "ms",
       "The longest an acknowledgment waits for company (RFC 9293 3.8.6.3: below 500)."},
      {"time_wait_ms", Number{&tcp.time_wait_ms, 1, kHourMs}, "ms",
       "How long TIME-WAIT lasts (RFC 9293: 2 MSL, that is 240000; stacks in use have 60000)."},
      {"fin_wait2_ms", Number{&tcp.fin_wait2_ms, 1000, kHourMs}, "ms",
       "How long a connection that the application has closed waits for the peer's FIN."},
      {"close_wait_ms", Number{&tcp.close_wait_ms, 1000, 604800000, "no limit"}, "ms",
       "How long the application may leave a connection that the peer has closed (CLOSE-WAIT) "
       "without sending or closing; then it is reset."},
      {"idle_timeout_ms", Number{&tcp.idle_timeout_ms, 1000, kWeekMs, "no limit"}, "ms",
       "A connection on which no octet of text has moved for so long is reset."},
      {"first_text_ms", Number{&tcp.first_text_ms, 100, kHourMs, "no limit"}, "ms",
       "A connection on which the peer has sent no text for so long after it opened is reset."},
      {"min_rate", Number{&tcp.min_rate, 1, kTextMax, "no limit"}, "octets",
       "While text waits for the peer, it must acknowledge so many in each interval, or all that "
       "there is, or is reset."},
      {"min_request_rate", Number{&tcp.min_request_rate, 1, kTextMax, "no limit"}, "octets",
       "While a peer is sending and has had no answer yet, so many must come in an interval, or it "
       "is reset."},
      {"min_rate_interval_ms", Number{&tcp.min_rate_interval_ms, 1000, kHourMs}, "ms",
       "The interval of min_rate and min_request_rate."},
      {"keepalive", &tcp.keepalive, "",
       "Whether new connections probe an idle peer (RFC 9293 3.8.4: off by default)."},
      {"keepalive_idle_s", Number{&tcp.keepalive_idle_s, 1, 604800}, "s",
       "Idle time before the first keep-alive probe."},
      {"keepalive_interval_s", Number{&tcp.keepalive_interval_s, 1, 32767}, "s",
       "Time between keep-alive probes."},
      {"keepalive_probes", Number{&tcp.keepalive_probes, 1, 127}, "",
       "Unanswered keep-alive probes after which the connection is given up."},
  };
}

std::vector<Key> TcpGuardKeys(TcpConfig& tcp) {
  return {
      {"syn_backlog", Number{&tcp.syn_backlog, 16, 1u << 20}, "",
       "Half-open connections a listener remembers on each worker."},
      {"syn_cookies", &tcp.syn_cookies, "",
       "Handshakes beyond syn_backlog: off drops them, auto answers them by cookies (RFC 4987); "
       "always answers all handshakes so and remembers none."},
      {"syn_ack_retransmits_per_s", Number{&tcp.syn_ack_retransmits_per_s, 0, 1000000}, "",
       "SYN-ACKs that a worker sends again in a second, whoever they are for."},
      {"backlog", Number{&tcp.backlog, 1, 1u << 20}, "",
       "Open connections of a listener on each worker that the application has not accepted yet; "
       "while they are so many, SYNs are dropped."},
      {"accept_overflow", &tcp.accept_overflow, "",
       "Handshakes that complete beyond backlog: drop leaves them half-open until there is room, "
       "reset tells the peer."},
      {"accepts_per_turn", Number{&tcp.accepts_per_turn, 1, 65536}, "",
       "Connections that a worker gives to the application in one turn."},
      {"defer_accept_ms", Number{&tcp.defer_accept_ms, 0, 3600000}, "ms",
       "So long an open connection waits for the peer's first text before the application hears of "
       "it; 0 does not wait."},
      {"syn_cookie_secret_file",
       Text{&tcp.syn_cookie_secret_file, NormalizePath, "the path of a file or \"\""}, "",
       "A file with the secret that servers behind one address share, so that each takes the "
       "cookies of the others; \"\" draws one at each start."},
      {"max_per_listener", Number{&tcp.max_per_listener, 1, kConnectionsMax, "no limit"}, "",
       "Connections that a listener may have on each worker; beyond it SYNs are dropped."},
      {"max_per_prefix", Number{&tcp.max_per_prefix, 1, kConnectionsMax, "no limit"}, "",
       "Those of them that may come from one source prefix. Many hosts may share an address."},
      {"prefix_v4", Number{&tcp.prefix_v4, 8, 32}, "bits",
       "How much of an IPv4 address is the source prefix."},
      {"prefix_v6", Number{&tcp.prefix_v6, 16, 128}, "bits",
       "How much of an IPv6 address is the source prefix."},
      {"fast_open", &tcp.fast_open, "",
       "Whether listeners take text that comes with a SYN (TCP Fast Open, RFC 7413): only for "
       "services to which a connection's first text may come twice."},
      {"fast_open_pending", Number{&tcp.fast_open_pending, 1, 1u << 20}, "",
       "Fast opens of a listener on each worker whose handshake is not over; beyond them clients "
       "open the ordinary way."},
      {"ttl", Number{&tcp.ttl, 1, 255}, "hops", "Time to live or hop limit of what is sent."},
      {"dscp", Number{&tcp.dscp, 0, 63}, "",
       "Differentiated services code point of what is sent (RFC 2474)."},
      {"challenge_ack_interval_ms", Number{&tcp.challenge_ack_interval_ms, 1, 60000}, "ms",
       "The least time between two challenge ACKs of one connection (RFC 5961 7)."},
  };
}

std::vector<Key> TcpKeys(TcpConfig& tcp) {
  std::vector<Key> keys = TcpBufferKeys(tcp);
  for (const Key& key : TcpTimerKeys(tcp)) keys.push_back(key);
  for (const Key& key : TcpGuardKeys(tcp)) keys.push_back(key);
  return keys;
}

std::vector<Key> IpKeys(IpConfig& ip) {
  return {
      {"arp_reachable_s", Number{&ip.arp_reachable_s, 1, 3600}, "s",
       "How long a neighbour's link address (ARP or ND) is used before it is asked for again."},
      {"neighbour_probe_ms", Number{&ip.neighbour_probe_ms, 10, 60000}, "ms",
       "Time between two requests for one neighbour."},
      {"neighbour_probes", Number{&ip.neighbour_probes, 1, 20}, "",
       "Unanswered requests after which a neighbour is unreachable."},
      {"path_mtu_lifetime_s", Number{&ip.path_mtu_lifetime_s, 300, 86400}, "s",
       "How long a path's MTU is remembered before a larger one is tried (RFC 1191 6.3)."},
      {"path_mtu_min", Number{&ip.path_mtu_min, 296, 1500}, "octets",
       "What every IPv4 path is taken to carry, whatever a message claims; for IPv6 it is 1280."},
      {"icmp_rate_per_s", Number{&ip.icmp_rate_per_s, 0, 1000000}, "per s",
       "ICMP and ICMPv6 messages a worker sends at most (RFC 4443 2.4 f); 0 sends none."},
      {"rst_rate_per_s", Number{&ip.rst_rate_per_s, 0, 1000000}, "per s",
       "Resets a worker sends at most to segments without a connection; 0 sends none."},
      {"dad", &ip.dad, "",
       "Whether IPv6 addresses are checked for duplicates before use (RFC 4862 5.4)."},
      {"echo_reply", &ip.echo_reply, "", "Whether pings are answered."},
      {"icmp_errors", &ip.icmp_errors, "",
       "Whether UDP datagrams and other protocols are answered by an ICMP error (RFC 1122 "
       "3.2.2.1)."},
  };
}

std::optional<Key> FindIn(const std::vector<Key>& keys, std::string_view name) {
  for (const Key& key : keys) {
    if (key.name == name) return key;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Section> Sections(Config& config) {
  return {
      {"eal", EalKeys(config.eal)},
      {"workers", WorkersKeys(config.workers)},
      {"memory", MemoryKeys(config.memory)},
      {"tcp", TcpKeys(config.tcp)},
      {"ip", IpKeys(config.ip)},
      {"drain",
       {{"timeout_ms", Number{&config.drain.timeout_ms, 0, kHourMs}, "ms",
         "How long connections may take to finish after SIGTERM or SIGINT before they are "
         "reset."}}},
      {"counters",
       {{"print_on_exit", &config.counters.print_on_exit, "",
         "Whether the counters are printed at the end (SIGUSR1 prints them at any time)."}}},
  };
}

std::vector<Key> PortKeys(PortConfig& port) {
  return {
      {"name",
       Text{&port.name, NormalizePortName, "a letter, then up to 31 letters, digits, '_' or '-'"},
       "", "What messages and counters call the port; port0, port1, ... where none is given."},
      {"device",
       Text{&port.device, NormalizeVirtualDevice,
            "a virtual device such as \"net_tap0,iface=weir0\""},
       "", "A virtual device as DPDK's --vdev describes it. Give this or pci."},
      {"pci", Text{&port.pci, NormalizePciAddress, "a PCI address such as \"0000:01:00.0\""}, "",
       "A physical device by its PCI address; only those named are touched. Give this or device."},
      {"addresses", &port.addresses, "",
       "The port's own addresses, each with the length of its on-link prefix."},
      {"gateway4", Gateway{&port.gateway4, true}, "",
       "The IPv4 router for everything that is not on link; \"\" is none."},
      {"gateway6", Gateway{&port.gateway6, false}, "",
       "The IPv6 router for everything that is not on link, on link or link-local; \"\" is none."},
      {"mtu", Number{&port.mtu, 576, 9000}, "octets",
       "The largest IP packet sent and received; IPv6 needs 1280 (RFC 8200 5)."},
      {"queues", Number{&port.queues, 1, kProcessors, "one for each worker"}, "",
       "Queue pairs; not fewer than workers."},
      {"rx_descriptors", Number{&port.rx_descriptors, 64, 32768, "", true}, "",
       "Length of each receive ring; devices may round it."},
      {"tx_descriptors", Number{&port.tx_descriptors, 64, 32768, "", true}, "",
       "Length of each transmit ring; devices may round it."},
      {"vlan", Number{&port.vlan, 1, 4094, "untagged"}, "",
       "The 802.1Q VLAN of everything sent and received."},
      {"mac", &port.mac, "",
       "A link address instead of the device's own; \"\" keeps the device's."},
      {"syn_queue", &port.syn_queue, "",
       "Whether SYNs get receive queues of their own, one more for each worker, so that a flood of "
       "them fills no ring that others need: auto where the device takes the rules (rte_flow), on "
       "does not start where it does not."},
  };
}

std::optional<Key> FindKey(Config& config, std::string_view full_name) {
  const size_t dot = full_name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view section_name = full_name.substr(0, dot);
  const std::string_view rest = full_name.substr(dot + 1);
  if (section_name == "port") {
    const size_t second = rest.find('.');
    const std::optional<size_t> port = FindPort(config, rest.substr(0, second));
    if (!port || second == std::string_view::npos) return std::nullopt;
    return FindIn(PortKeys(config.ports[*port]), rest.substr(second + 1));
  }
  for (const Section& section : Sections(config)) {
    if (section.name == section_name) return FindIn(section.keys, rest);
  }
  return std::nullopt;
}

std::optional<size_t> FindPort(const Config& config, std::string_view which) {
  for (size_t i = 0; i < config.ports.size(); ++i) {
    const std::string index = std::to_string(i);
    const std::string& name = config.ports[i].name;
    if (which == index || which == (name.empty() ? "port" + index : name)) return i;
  }
  return std::nullopt;
}

std::vector<std::string> AllKeyNames() {
  Config config;
  PortConfig port;
  std::vector<std::string> names;
  for (const Key& key : PortKeys(port)) names.push_back(std::string("port.") + key.name);
  for (const Section& section : Sections(config)) {
    for (const Key& key : section.keys) {
      names.push_back(std::string(section.name) + "." + key.name);
    }
  }
  return names;
}

std::string UnknownKey(std::string_view full_name) {
  // A port's place is no part of the comparison: "port.0.mut" is near "port.mtu".
  std::string name(full_name);
  std::string port;
  if (const size_t second = name.find('.', 5); name.starts_with("port.") && second != name.npos) {
    port = name.substr(0, second);
    name = "port" + name.substr(second);
  }
  const std::vector<std::string> known = AllKeyNames();
  // The right key in the wrong section, before any other guess.
  const std::string last = "." + name.substr(name.rfind('.') + 1);
  std::string nearest;
  for (const std::string& candidate : known) {
    if (nearest.empty() && candidate.ends_with(last)) nearest = candidate;
  }
  if (nearest.empty()) nearest = Nearest(name, known);
  if (nearest.empty()) return "unknown key; config/weir.toml shows all of them";
  if (nearest == full_name) {
    return "unknown key; a port goes by its place: " + nearest.replace(0, 4, "port.0");
  }
  if (!port.empty() && nearest.starts_with("port.")) nearest = port + nearest.substr(4);
  return "unknown key; did you mean " + nearest + "?";
}

}  // namespace weir::runtime
