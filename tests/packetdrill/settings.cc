// Reading --so_flags.
#include "packetdrill/settings.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace weir::packetdrill {
namespace {

std::optional<uint32_t> Number(std::string_view text) {
  uint32_t n = 0;
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  const int base = hexadecimal ? 16 : 10;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return n;
}

// `field` = number * scale, when that fits.
template <class T>
bool Assign(T& field, std::optional<uint32_t> number, uint32_t scale = 1) {
  if (!number) return false;
  const uint64_t value = uint64_t{*number} * scale;
  if (value > static_cast<uint64_t>(std::numeric_limits<T>::max())) return false;
  field = static_cast<T>(value);
  return true;
}

// tcp_syncookies' 0, 1 and 2.
bool AssignCookies(SynCookies& field, std::optional<uint32_t> number) {
  using enum SynCookies;
  constexpr std::array kModes{kOff, kAuto, kAlways};
  if (!number || *number >= kModes.size()) return false;
  field = kModes[*number];
  return true;
}

}  // namespace

std::string Settings::Read(std::string_view flags) {
  while (!flags.empty()) {
    const std::string_view item = flags.substr(0, flags.find(','));
    flags.remove_prefix(item.size() == flags.size() ? item.size() : item.size() + 1);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos || !Set(item.substr(0, equals), item.substr(equals + 1))) {
      return "--so_flags: \"" + std::string(item) + "\" means nothing to weir";
    }
  }
  return local.is_unspecified() ? "--so_flags: local=ADDRESS is missing" : "";
}

bool Settings::Set(std::string_view key, std::string_view value) {
  if (key == "local") {
    const auto address = IpAddress::Parse(value);
    if (address) local = *address;
    return address.has_value();
  }
  const auto number = Number(value);
  if (key == "mtu") return Assign(mtu, number);
  if (key == "initial_window") return Assign(tcp.initial_window_segments, number);
  if (key == "slow_start_segments") return Assign(tcp.slow_start_segments, number);
  if (key == "window_scale") return Assign(tcp.window_scale, number);
  if (key == "receive_buffer") return Assign(tcp.receive_buffer, number);
  if (key == "send_buffer") return Assign(tcp.send_buffer, number);
  if (key == "delayed_ack_ms") return Assign(tcp.delayed_ack_ms, number);
  if (key == "rto_min_ms") return Assign(tcp.rto_min_ms, number);
  if (key == "orphan_retries") return Assign(tcp.orphan_retries, number);
  if (key == "time_wait_ms") return Assign(tcp.time_wait_ms, number);
  if (key == "push") return Assign(push, number);
  if (key == "tcp_timestamps") return Assign(tcp.timestamps, number ? *number != 0 : number);
  if (key == "tcp_fastopen") return Assign(fast_open, number);
  if (key == "tcp_syncookies") return AssignCookies(tcp.syn_cookies, number);
  if (key == "tcp_syn_retries") return Assign(tcp.syn_retries, number);
  if (key == "tcp_synack_retries") return Assign(tcp.synack_retries, number);
  if (key == "tcp_retries2") return Assign(tcp.retries2, number);
  if (key == "tcp_fin_timeout") return Assign(tcp.fin_wait2_ms, number, 1000);
  if (key == "tcp_keepalive_time") return Assign(tcp.keepalive_idle_ms, number, 1000);
  if (key == "tcp_keepalive_intvl") return Assign(tcp.keepalive_interval_ms, number, 1000);
  if (key == "tcp_keepalive_probes") return Assign(tcp.keepalive_probes, number);
  if (key == "tcp_invalid_ratelimit") return Assign(tcp.challenge_ack_interval_ms, number);
  return false;
}

}  // namespace weir::packetdrill
