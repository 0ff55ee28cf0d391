// What weir can be told: one validated value, read from a TOML file and overridden by flags.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weir/address.h"
#include "weir/listener.h"

// Every key is described in docs/configuration.md and in the annotated sample config/weir.toml.
// Names end in their unit (_ms, _s, _us, _mb, _per_s); sizes without one are counts, and buffers of
// text are octets. Only what has been checked leaves this header's functions: ranges hold,
// addresses are usable, nothing clashes.
namespace weir::runtime {

enum class HugePages : uint8_t { kAuto, kOff, kOn };
enum class Idle : uint8_t { kSpin, kPause, kSleep };
enum class Steering : uint8_t { kAuto, kDevice, kSoftware };
enum class SynQueue : uint8_t { kAuto, kOff, kOn };
enum class Congestion : uint8_t { kNewReno };
enum class MtuProbing : uint8_t { kOff, kBlackHole, kOn };
enum class ShedIdle : uint8_t { kOff, kOldest };

// [eal]
struct EalConfig {
  std::vector<std::string> args;  // handed to rte_eal_init after weir's own
  HugePages huge_pages = HugePages::kAuto;
  uint32_t memory_mb = 512;          // for the EAL's heap: packet buffers and rings of all workers
  std::string file_prefix = "weir";  // two processes on one machine need two
  friend bool operator==(const EalConfig&, const EalConfig&) = default;
};

// One address of a port with the length of its on-link prefix.
struct InterfaceAddress {
  IpAddress address;
  uint8_t prefix_bits = 0;  // 1..32 or 1..128

  std::string ToString() const;  // "198.18.0.2/24"
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

using MacAddress = std::array<uint8_t, 6>;

// [[port]]
struct PortConfig {
  std::string name;                         // unique; "port0", "port1", ... where none is given
  std::string device;                       // a --vdev string; empty if and only if `pci` is not
  std::string pci;                          // "0000:01:00.0", always with its domain, lower case
  std::vector<InterfaceAddress> addresses;  // at least one
  std::optional<IpAddress> gateway4;
  std::optional<IpAddress> gateway6;
  uint32_t mtu = 1500;
  uint32_t queues = 0;  // 0: one per worker
  uint32_t rx_descriptors = 1024;
  uint32_t tx_descriptors = 1024;
  uint32_t vlan = 0;  // 0: untagged
  SynQueue syn_queue = SynQueue::kAuto;
  std::optional<MacAddress> mac;
  friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

// [workers]
struct WorkersConfig {
  uint32_t count = 1;           // when `cores` is given, its size
  std::vector<uint32_t> cores;  // processor numbers; empty: the first `count` that may be used
  Idle idle = Idle::kPause;
  uint32_t sleep_us = 500;  // the longest sleep of idle = "sleep"
  uint32_t burst = 32;
  Steering steering = Steering::kAuto;
  uint32_t syn_share_percent = 25;
  friend bool operator==(const WorkersConfig&, const WorkersConfig&) = default;
};

// [memory], each per worker
struct MemoryConfig {
  uint32_t max_connections = 65536;
  uint32_t max_flights = 8192;
  uint32_t receive_buffers = 16384;
  uint32_t text_buffers = 32768;
  uint32_t max_pinned_buffers = 8192;
  uint32_t max_half_open = 16384;
  uint32_t max_time_wait = 65536;
  uint32_t max_orphans = 16384;
  uint32_t neighbours = 1024;
  uint32_t path_mtus = 1024;
  uint32_t shed_high = 95;  // 0: never
  uint32_t shed_low = 90;
  ShedIdle shed_idle = ShedIdle::kOff;
  bool lock = false;
  friend bool operator==(const MemoryConfig&, const MemoryConfig&) = default;
};

// [tcp]
struct TcpConfig {
  uint32_t receive_buffer = 262144;
  uint32_t send_buffer = 262144;
  uint32_t mss = 0;                      // 0: from the MTU
  std::optional<uint32_t> window_scale;  // nothing: the least that covers receive_buffer
  bool timestamps = true;
  bool nodelay = false;
  uint32_t initial_window_segments = 10;
  uint32_t slow_start_segments = 8;
  uint32_t rto_initial_ms = 1000;
  uint32_t rto_min_ms = 200;
  uint32_t rto_max_ms = 120000;
  uint32_t retries1 = 3;
  uint32_t retries2 = 15;
  uint32_t orphan_retries = 8;
  uint32_t user_timeout_ms = 0;  // 0: none
  uint32_t syn_retries = 6;
  uint32_t synack_retries = 5;
  uint32_t delayed_ack_ms = 40;
  uint32_t time_wait_ms = 60000;
  uint32_t fin_wait2_ms = 60000;
  uint32_t close_wait_ms = 0;     // 0: no limit
  uint32_t idle_timeout_ms = 0;   // 0: no limit
  uint32_t first_text_ms = 0;     // 0: no limit
  uint32_t min_rate = 0;          // 0: no limit
  uint32_t min_request_rate = 0;  // 0: no limit
  uint32_t min_rate_interval_ms = 10000;
  bool keepalive = false;
  uint32_t keepalive_idle_s = 7200;
  uint32_t keepalive_interval_s = 75;
  uint32_t keepalive_probes = 9;
  uint32_t syn_backlog = 1024;
  SynCookies syn_cookies = SynCookies::kAuto;
  uint32_t syn_ack_retransmits_per_s = 1000;
  uint32_t backlog = 1024;
  AcceptOverflow accept_overflow = AcceptOverflow::kDrop;
  uint32_t accepts_per_turn = 256;
  uint32_t defer_accept_ms = 0;
  std::string syn_cookie_secret_file;  // empty: a secret of this process alone
  uint32_t max_per_listener = 0;       // 0: no limit
  uint32_t max_per_prefix = 0;         // 0: no limit
  uint32_t prefix_v4 = 24;
  uint32_t prefix_v6 = 64;
  bool fast_open = false;
  uint32_t fast_open_pending = 256;
  uint32_t out_of_order_segments = 256;
  uint32_t ttl = 64;
  uint32_t dscp = 0;
  uint32_t challenge_ack_interval_ms = 500;
  Congestion congestion = Congestion::kNewReno;
  MtuProbing mtu_probing = MtuProbing::kOff;
  friend bool operator==(const TcpConfig&, const TcpConfig&) = default;
};

// [ip]
struct IpConfig {
  uint32_t arp_reachable_s = 30;
  uint32_t neighbour_probe_ms = 1000;
  uint32_t neighbour_probes = 3;
  uint32_t path_mtu_lifetime_s = 600;
  uint32_t path_mtu_min = 552;
  uint32_t icmp_rate_per_s = 1000;
  uint32_t rst_rate_per_s = 1000;
  bool dad = true;
  bool echo_reply = true;
  bool icmp_errors = true;
  friend bool operator==(const IpConfig&, const IpConfig&) = default;
};

// [drain]
struct DrainConfig {
  uint32_t timeout_ms = 10000;
  friend bool operator==(const DrainConfig&, const DrainConfig&) = default;
};

// [counters]
struct CountersConfig {
  bool print_on_exit = true;
  friend bool operator==(const CountersConfig&, const CountersConfig&) = default;
};

struct Config {
  EalConfig eal;
  std::vector<PortConfig> ports;
  WorkersConfig workers;
  MemoryConfig memory;
  TcpConfig tcp;
  IpConfig ip;
  DrainConfig drain;
  CountersConfig counters;
  friend bool operator==(const Config&, const Config&) = default;
};

// Each of these reports every mistake it finds, one to a line, as one InvalidArgumentError:
//   FILE:LINE: KEY = VALUE: what is wrong; what would be right
//   --flag=VALUE: what is wrong; what would be right

// Reads TOML text; `file_name` is only for messages. A text without ports is accepted, and files
// that it names are not looked at.
absl::StatusOr<Config> ParseConfig(std::string_view toml_text, std::string_view file_name);

// Reads a file. NotFound or another code where it cannot be read.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// Overrides `config` by the flags in force (--set, --workers, --device, ...); on an error `config`
// is as it was.
absl::Status ApplyFlags(Config& config);

// The configuration as TOML with every key; reading it back gives an equal Config.
std::string PrintConfig(const Config& config);

// What a command line asked for.
struct CommandLine {
  Config config;
  // Text for standard output, after which the program ends with status 0 (--check, --help);
  // nothing: run.
  std::optional<std::string> print;
  // For standard error: values that contradict each other, though nothing forbids them.
  std::vector<std::string> warnings;
};

// Parses all flags of the program, weir's and the application's own absl flags alike, reads the
// file of --config if there is one and applies the overrides. On success argv holds the program's
// name and what followed "--". Never exits by itself: on an error the program prints the message
// and ends with kExitConfiguration, having touched no port. Call once, from main, before threads
// are started.
absl::StatusOr<CommandLine> LoadFromCommandLine(int& argc, char**& argv);

inline constexpr int kExitConfiguration = 2;

}  // namespace weir::runtime
