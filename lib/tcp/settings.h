// Settings: how a connection behaves, every value filled in, and the profiles that connections with
// equal settings share.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "weir/connection_options.h"
#include "weir/handler.h"

namespace weir::tcp {

// weir/connection_options.h has ranges and meanings. Defaults are those of weir.toml.
struct Settings {
  uint32_t receive_buffer = 262144;  // octets
  uint32_t send_buffer = 262144;     // octets
  uint32_t user_timeout_ms = 0;      // 0: retries2 and keepalive_probes count
  uint32_t rto_initial_ms = 1000;
  uint32_t rto_min_ms = 200;
  uint32_t rto_max_ms = 120000;
  uint32_t delayed_ack_ms = 40;
  uint32_t time_wait_ms = 60000;
  uint32_t fin_wait2_ms = 60000;
  uint32_t close_wait_ms = 0;      // 0: no limit
  uint32_t linger_ms = kNoLinger;  // kNoLinger: no limit but orphan_retries
  uint32_t idle_timeout_ms = 0;    // 0: no limit, here and in the next three
  uint32_t first_text_ms = 0;
  uint32_t min_rate = 0;          // octets in an interval
  uint32_t min_request_rate = 0;  // octets in an interval
  uint32_t min_rate_interval_ms = 10000;
  uint32_t keepalive_idle_ms = 7200000;
  uint32_t keepalive_interval_ms = 75000;
  uint16_t mss = 0;  // what we announce; 0 = from the MTU
  uint8_t keepalive_probes = 9;
  uint8_t retries1 = 3;   // R1: retransmissions before the next hop comes into doubt
  uint8_t retries2 = 15;  // R2: retransmissions of text before giving up
  uint8_t orphan_retries = 8;
  uint8_t syn_retries = 6;
  uint8_t synack_retries = 5;
  uint8_t dscp = 0;
  uint8_t ttl = 64;
  bool no_delay = false;
  bool keep_alive = false;
  bool soft_errors = true;
  bool deliver_when_full = false;
  // Of a listener, or of an active open: what it begins with, no option of the connection.
  bool fast_open = false;

  static constexpr uint32_t kNoLinger = 0xffffffffu;

  friend bool operator==(const Settings&, const Settings&) = default;
};

// `base` with what `options` names. InvalidArgument: a value is out of range, or two that clash.
absl::StatusOr<Settings> WithOptions(const Settings& base, const ConnectionOptions& options);

// What connections have in common: those of one listener, or the active opens of one handler, with
// equal settings.
struct Profile {
  Settings settings;
  Handler* handler = nullptr;  // not owned; outlives the engine's last turn
  uint16_t listener = 0;       // Engine::kNoListener for active opens
  uint8_t window_scale = 0;    // offered; follows from the receive buffer
  uint16_t syn_window = 0;     // the same in a SYN, where it is never scaled (RFC 7323 2.2)
  uint16_t mss_limit = 0;      // of what is announced
  bool paced = false;          // there are limits for slow peers
  uint32_t users = 0;          // connections, and the listener itself while it is open
  uint16_t next = 0;           // of the same chain
};

// All profiles of a shard. Equal ones exist once, so that connections need two octets for all of
// their settings. Memory is reserved by the constructor.
class Profiles {
 public:
  static constexpr uint16_t kNone = 0xffffu;
  static constexpr size_t kCapacity = 8192;

  // `window_scale` is what the configuration fixes, or -1.
  explicit Profiles(int window_scale);

  // The profile with these values, made when there is none, with one user more; kNone when there
  // are too many.
  [[nodiscard]] uint16_t Take(const Settings& settings, Handler* handler, uint16_t listener);
  void AddUser(uint16_t index) { ++all_[index].users; }
  // True when that was the last user; the profile is gone then.
  bool DropUser(uint16_t index);

  const Profile& operator[](uint16_t index) const { return all_[index]; }
  size_t size() const { return in_use_; }

 private:
  static constexpr size_t kChains = 1024;

  static size_t ChainOf(const Settings& settings, const Handler* handler, uint16_t listener);
  uint8_t ScaleFor(uint32_t receive_buffer) const;

  int window_scale_;
  std::vector<Profile> all_;
  std::vector<uint16_t> chains_;  // first profile of each
  uint16_t free_ = kNone;
  size_t in_use_ = 0;
};

}  // namespace weir::tcp
