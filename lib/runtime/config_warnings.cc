// Finds values that contradict each other without being impossible together.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/config_draft.h"

namespace weir::runtime {
namespace {

constexpr uint32_t kHeaders = 40;  // IPv4 and TCP without options

// The text that one packet brings at most.
uint32_t SegmentMax(const Config& config) {
  uint32_t mtu = config.ports.empty() ? PortConfig{}.mtu : 0;
  for (const PortConfig& port : config.ports) mtu = std::max(mtu, port.mtu);
  return config.tcp.mss != 0 ? config.tcp.mss : mtu - kHeaders;
}

void WarnOfHandshakes(Draft& draft) {
  const TcpConfig& tcp = draft.config.tcp;
  const MemoryConfig& memory = draft.config.memory;
  const bool always = tcp.syn_cookies == SynCookies::kAlways;
  if (!always && tcp.syn_backlog > memory.max_half_open) {
    draft.Warn({"tcp.syn_backlog", "memory.max_half_open"},
               absl::StrCat("syn_backlog (", tcp.syn_backlog, ") is above max_half_open (",
                            memory.max_half_open,
                            "): the oldest handshakes are given up before it is full"));
  }
  if (always && tcp.fast_open) {
    draft.Warn({"tcp.fast_open", "tcp.syn_cookies"},
               "syn_cookies = \"always\" remembers no SYN: fast_open opens nothing");
  }
  if (tcp.syn_cookies == SynCookies::kOff && !tcp.fast_open &&
      !tcp.syn_cookie_secret_file.empty()) {
    draft.Warn({"tcp.syn_cookie_secret_file", "tcp.syn_cookies"},
               "syn_cookies = \"off\" takes no cookies: the secret is of no use");
  }
}

void WarnOfLimits(Draft& draft) {
  const TcpConfig& tcp = draft.config.tcp;
  const uint32_t connections = draft.config.memory.max_connections;
  if (tcp.max_per_listener > connections) {
    draft.Warn({"tcp.max_per_listener", "memory.max_connections"},
               absl::StrCat("max_per_listener (", tcp.max_per_listener,
                            ") is above max_connections (", connections, "): it is never met"));
  }
  const bool listener_first =
      tcp.max_per_listener != 0 && tcp.max_per_listener <= tcp.max_per_prefix;
  if (listener_first) {
    draft.Warn(
        {"tcp.max_per_prefix", "tcp.max_per_listener"},
        absl::StrCat("max_per_prefix (", tcp.max_per_prefix, ") is not below max_per_listener (",
                     tcp.max_per_listener, "): one prefix may take all"));
  } else if (tcp.max_per_prefix > connections) {
    draft.Warn({"tcp.max_per_prefix", "memory.max_connections"},
               absl::StrCat("max_per_prefix (", tcp.max_per_prefix, ") is above max_connections (",
                            connections, "): it is never met"));
  }
}

void WarnOfTimes(Draft& draft) {
  const TcpConfig& tcp = draft.config.tcp;
  if (tcp.keepalive && tcp.idle_timeout_ms != 0 &&
      tcp.idle_timeout_ms <= uint64_t{tcp.keepalive_idle_s} * 1000) {
    draft.Warn({"tcp.idle_timeout_ms", "tcp.keepalive_idle_s", "tcp.keepalive"},
               absl::StrCat("idle_timeout_ms (", tcp.idle_timeout_ms,
                            ") is over before the first keep-alive probe (keepalive_idle_s = ",
                            tcp.keepalive_idle_s, ")"));
  }
  if (tcp.user_timeout_ms != 0 && tcp.user_timeout_ms <= tcp.rto_min_ms) {
    draft.Warn(
        {"tcp.user_timeout_ms", "tcp.rto_min_ms"},
        absl::StrCat("user_timeout_ms (", tcp.user_timeout_ms, ") is not above rto_min_ms (",
                     tcp.rto_min_ms, "): connections are given up before anything is sent again"));
  }
  if (tcp.user_timeout_ms != 0 && tcp.retries2 != TcpConfig{}.retries2) {
    draft.Warn({"tcp.retries2", "tcp.user_timeout_ms"},
               absl::StrCat("user_timeout_ms (", tcp.user_timeout_ms, ") takes its place"));
  }
}

void WarnOfMemory(Draft& draft) {
  const TcpConfig& tcp = draft.config.tcp;
  const MemoryConfig& memory = draft.config.memory;
  const uint64_t pinned_octets = uint64_t{memory.max_pinned_buffers} * SegmentMax(draft.config);
  if (tcp.receive_buffer > pinned_octets) {
    draft.Warn({"tcp.receive_buffer", "memory.max_pinned_buffers", "tcp.mss"},
               absl::StrCat("receive_buffer (", tcp.receive_buffer,
                            ") offers one peer more than max_pinned_buffers (",
                            memory.max_pinned_buffers, ") can hold, ", pinned_octets, " octets"));
  }
  const uint64_t rings = ReceiveRingFrames(draft.config);
  if (memory.receive_buffers - memory.max_pinned_buffers < rings) {
    draft.Warn({"memory.max_pinned_buffers", "memory.receive_buffers"},
               absl::StrCat("max_pinned_buffers (", memory.max_pinned_buffers, ") leaves ",
                            memory.receive_buffers - memory.max_pinned_buffers,
                            " of receive_buffers (", memory.receive_buffers, ") for rings of ",
                            rings, ": unread text may keep everything else from arriving"));
  }
  if (memory.shed_high == 0 && memory.shed_idle != ShedIdle::kOff) {
    draft.Warn({"memory.shed_idle", "memory.shed_high"},
               "shed_high = 0 sheds nothing, idle connections neither");
  }
}

}  // namespace

void FindWarnings(Draft& draft) {
  WarnOfHandshakes(draft);
  WarnOfLimits(draft);
  WarnOfTimes(draft);
  WarnOfMemory(draft);
}

}  // namespace weir::runtime
