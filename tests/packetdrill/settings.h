// What --so_flags says: the address of the stack and the settings of its TCP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tcp/config.h"
#include "weir/address.h"

namespace weir::packetdrill {

// One string of KEY=VALUE, separated by commas. Keys: local (an address, required), mtu,
// initial_window (segments), slow_start_segments, window_scale, receive_buffer, send_buffer,
// delayed_ack_ms, rto_min_ms, orphan_retries, time_wait_ms, push (0 or 1); and those of Linux's
// net.ipv4 sysctls that mean something to weir, under their names there (tcp_timestamps,
// tcp_keepalive_time, tcp_fastopen, ...).
struct Settings {
  IpAddress local;
  uint16_t mtu = 1500;
  tcp::TcpConfig tcp;
  // False: PSH is taken off what the stack sends, for scripts that expect another host's choice of
  // where to push and are about something else.
  bool push = true;
  // Bits of Linux's tcp_fastopen, by which a script turns on what weir's applications ask for.
  static constexpr uint32_t kFastOpenClient = 1;
  static constexpr uint32_t kFastOpenServer = 2;
  static constexpr uint32_t kFastOpenEveryListener = 0x400;  // not only those with TCP_FASTOPEN
  uint32_t fast_open = kFastOpenClient | kFastOpenServer;

  // Empty when all was understood, otherwise what was not.
  [[nodiscard]] std::string Read(std::string_view flags);

 private:
  bool Set(std::string_view key, std::string_view value);
};

}  // namespace weir::packetdrill
