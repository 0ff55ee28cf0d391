// Ranges of ConnectionOptions.
#include "weir/connection_options.h"

#include <string>

namespace weir {
namespace {

constexpr uint32_t kBufferMin = 2048;
constexpr uint32_t kBufferMax = 1u << 30;  // RFC 7323 2.3: the largest window
constexpr uint32_t kMssMin = 88;
constexpr uint32_t kMssMax = 65495;  // what an IPv4 packet of 65535 octets holds
constexpr uint32_t kRateMax = 1u << 30;
constexpr uint32_t kLongestMs = 0x7fffffffu;  // Millis compare no further
constexpr uint32_t kHourMs = 3600 * 1000;
constexpr uint32_t kWeekMs = 7 * 24 * kHourMs;

struct Range {
  const char* name;
  std::optional<uint32_t> ConnectionOptions::*value;
  uint32_t min, max;
  bool zero = false;  // 0 is allowed, too
};

constexpr Range kRanges[] = {
    {"send_buffer", &ConnectionOptions::send_buffer, kBufferMin, kBufferMax},
    {"receive_buffer", &ConnectionOptions::receive_buffer, kBufferMin, kBufferMax},
    {"mss", &ConnectionOptions::mss, kMssMin, kMssMax, true},
    {"dscp", &ConnectionOptions::dscp, 0, 63},
    {"ttl", &ConnectionOptions::ttl, 1, 255},
    {"keepalive_idle_ms", &ConnectionOptions::keepalive_idle_ms, 1000, kWeekMs},
    {"keepalive_interval_ms", &ConnectionOptions::keepalive_interval_ms, 1000, 32767000},
    {"keepalive_probes", &ConnectionOptions::keepalive_probes, 1, 127},
    {"user_timeout_ms", &ConnectionOptions::user_timeout_ms, 0, kLongestMs},
    {"retries1", &ConnectionOptions::retries1, 1, 255},
    {"retries2", &ConnectionOptions::retries2, 1, 255},
    {"orphan_retries", &ConnectionOptions::orphan_retries, 0, 255},
    {"syn_retries", &ConnectionOptions::syn_retries, 0, 127},
    {"synack_retries", &ConnectionOptions::synack_retries, 0, 62},
    {"rto_initial_ms", &ConnectionOptions::rto_initial_ms, 10, 60000},
    {"rto_min_ms", &ConnectionOptions::rto_min_ms, 1, 60000},
    {"rto_max_ms", &ConnectionOptions::rto_max_ms, 1000, kHourMs},
    {"delayed_ack_ms", &ConnectionOptions::delayed_ack_ms, 1, 499},
    {"time_wait_ms", &ConnectionOptions::time_wait_ms, 1, kHourMs},
    {"fin_wait2_ms", &ConnectionOptions::fin_wait2_ms, 1000, kHourMs},
    {"close_wait_ms", &ConnectionOptions::close_wait_ms, 1000, kWeekMs, true},
    {"linger_ms", &ConnectionOptions::linger_ms, 0, kLongestMs},
    {"idle_timeout_ms", &ConnectionOptions::idle_timeout_ms, 1000, kWeekMs, true},
    {"first_text_ms", &ConnectionOptions::first_text_ms, 100, kHourMs, true},
    {"min_rate", &ConnectionOptions::min_rate, 0, kRateMax},
    {"min_request_rate", &ConnectionOptions::min_request_rate, 0, kRateMax},
    {"min_rate_interval_ms", &ConnectionOptions::min_rate_interval_ms, 1000, kHourMs},
};

}  // namespace

absl::Status CheckRanges(const ConnectionOptions& options) {
  for (const Range& range : kRanges) {
    const std::optional<uint32_t>& value = options.*range.value;
    if (!value || (*value >= range.min && *value <= range.max) || (range.zero && *value == 0)) {
      continue;
    }
    return absl::InvalidArgumentError(std::string(range.name) + " = " + std::to_string(*value) +
                                      ": must be " + (range.zero ? "0 or " : "") + "from " +
                                      std::to_string(range.min) + " to " +
                                      std::to_string(range.max));
  }
  return absl::OkStatus();
}

}  // namespace weir
