// Filling in and sharing of settings.
#include "tcp/settings.h"

#include <algorithm>

#include "wire/tcp.h"

namespace weir::tcp {
namespace {

template <class T, class U>
void Set(T& value, const std::optional<U>& option) {
  if (option) value = static_cast<T>(*option);
}

}  // namespace

absl::StatusOr<Settings> WithOptions(const Settings& base, const ConnectionOptions& o) {
  if (absl::Status status = CheckRanges(o); !status.ok()) return status;
  Settings s = base;
  Set(s.receive_buffer, o.receive_buffer);
  Set(s.send_buffer, o.send_buffer);
  Set(s.mss, o.mss);
  Set(s.no_delay, o.no_delay);
  Set(s.dscp, o.dscp);
  Set(s.ttl, o.ttl);
  Set(s.keep_alive, o.keep_alive);
  Set(s.keepalive_idle_ms, o.keepalive_idle_ms);
  Set(s.keepalive_interval_ms, o.keepalive_interval_ms);
  Set(s.keepalive_probes, o.keepalive_probes);
  Set(s.user_timeout_ms, o.user_timeout_ms);
  Set(s.retries1, o.retries1);
  Set(s.retries2, o.retries2);
  Set(s.orphan_retries, o.orphan_retries);
  Set(s.syn_retries, o.syn_retries);
  Set(s.synack_retries, o.synack_retries);
  Set(s.rto_initial_ms, o.rto_initial_ms);
  Set(s.rto_min_ms, o.rto_min_ms);
  Set(s.rto_max_ms, o.rto_max_ms);
  Set(s.delayed_ack_ms, o.delayed_ack_ms);
  Set(s.time_wait_ms, o.time_wait_ms);
  Set(s.fin_wait2_ms, o.fin_wait2_ms);
  Set(s.close_wait_ms, o.close_wait_ms);
  Set(s.linger_ms, o.linger_ms);
  Set(s.idle_timeout_ms, o.idle_timeout_ms);
  Set(s.first_text_ms, o.first_text_ms);
  Set(s.min_rate, o.min_rate);
  Set(s.min_request_rate, o.min_request_rate);
  Set(s.min_rate_interval_ms, o.min_rate_interval_ms);
  Set(s.soft_errors, o.soft_errors);
  Set(s.deliver_when_full, o.deliver_when_full);
  if (s.rto_min_ms > s.rto_max_ms) {
    return absl::InvalidArgumentError("rto_min_ms = " + std::to_string(s.rto_min_ms) +
                                      ": above rto_max_ms, " + std::to_string(s.rto_max_ms));
  }
  if (s.rto_initial_ms > s.rto_max_ms) {
    return absl::InvalidArgumentError("rto_initial_ms = " + std::to_string(s.rto_initial_ms) +
                                      ": above rto_max_ms, " + std::to_string(s.rto_max_ms));
  }
  return s;
}

Profiles::Profiles(int window_scale) : window_scale_(window_scale), chains_(kChains, kNone) {
  all_.reserve(kCapacity);
}

// Any function of the values would do; those that applications set for single connections spread
// them.
size_t Profiles::ChainOf(const Settings& s, const Handler* handler, uint16_t listener) {
  uint64_t sum = reinterpret_cast<uintptr_t>(handler) + listener;
  for (const uint64_t value :
       {uint64_t{s.user_timeout_ms}, uint64_t{s.keepalive_idle_ms}, uint64_t{s.linger_ms},
        uint64_t{s.send_buffer}, uint64_t{s.receive_buffer}, uint64_t{s.idle_timeout_ms},
        uint64_t{s.first_text_ms}, uint64_t{s.min_rate} << 32 | s.min_request_rate,
        uint64_t{s.dscp} << 16 | uint64_t{s.ttl} << 8 | uint64_t{s.no_delay} << 1 | s.keep_alive}) {
    sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
  }
  return sum >> 54;
}

// The smallest shift that lets a 16-bit field announce the whole buffer.
uint8_t Profiles::ScaleFor(uint32_t receive_buffer) const {
  if (window_scale_ >= 0) {
    return static_cast<uint8_t>(std::min<int>(window_scale_, wire::kTcpWindowScaleMax));
  }
  uint8_t scale = 0;
  while (scale < wire::kTcpWindowScaleMax && (0xffffu << scale) < receive_buffer) ++scale;
  return scale;
}

uint16_t Profiles::Take(const Settings& settings, Handler* handler, uint16_t listener) {
  uint16_t& first = chains_[ChainOf(settings, handler, listener)];
  for (uint16_t i = first; i != kNone; i = all_[i].next) {
    Profile& p = all_[i];
    if (p.handler == handler && p.listener == listener && p.settings == settings) {
      ++p.users;
      return i;
    }
  }
  uint16_t index = free_;
  if (index != kNone) {
    free_ = all_[index].next;
  } else if (all_.size() < kCapacity) {
    index = static_cast<uint16_t>(all_.size());
    all_.emplace_back();
  } else {
    return kNone;
  }
  const bool paced = (settings.idle_timeout_ms | settings.first_text_ms | settings.min_rate |
                      settings.min_request_rate) != 0;
  all_[index] = {.settings = settings,
                 .handler = handler,
                 .listener = listener,
                 .window_scale = ScaleFor(settings.receive_buffer),
                 .syn_window = static_cast<uint16_t>(std::min(0xffffu, settings.receive_buffer)),
                 .mss_limit = settings.mss == 0 ? uint16_t{0xffff} : settings.mss,
                 .paced = paced,
                 .users = 1,
                 .next = first};
  first = index;
  ++in_use_;
  return index;
}

bool Profiles::DropUser(uint16_t index) {
  Profile& p = all_[index];
  if (--p.users != 0) return false;
  uint16_t* link = &chains_[ChainOf(p.settings, p.handler, p.listener)];
  while (*link != index) link = &all_[*link].next;
  *link = p.next;
  p.next = free_;
  free_ = index;
  --in_use_;
  return true;
}

}  // namespace weir::tcp
