// The socket options that weir has; every other one is ENOPROTOOPT.
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "packetdrill/sockets.h"
#include "packetdrill/tcp_info.h"

namespace weir::packetdrill {
namespace {

// Numbers of <netinet/tcp.h>, which cannot be included together with <linux/tcp.h>.
constexpr int kTcpNoDelay = 1;
constexpr int kTcpMaxSegment = 2;
constexpr int kTcpCork = 3;
constexpr int kTcpKeepIdle = 4;
constexpr int kTcpKeepInterval = 5;
constexpr int kTcpKeepCount = 6;
constexpr int kTcpSynCount = 7;
constexpr int kTcpLinger2 = 8;
constexpr int kTcpUserTimeout = 18;

constexpr int kSmallestBuffer = 2048;

constexpr int Key(int level, int name) { return level << 16 | name; }

// An option that is one number of weir's, `scale` times as large.
struct NumberOption {
  int key;
  std::optional<uint32_t> ConnectionOptions::*field;
  uint32_t scale;
  uint32_t (*value)(const tcp::Settings&);
};

constexpr std::array kNumbers{
    NumberOption{Key(IPPROTO_TCP, kTcpMaxSegment), &ConnectionOptions::mss, 1,
                 [](const tcp::Settings& s) { return uint32_t{s.mss}; }},
    NumberOption{Key(IPPROTO_TCP, kTcpKeepIdle), &ConnectionOptions::keepalive_idle_ms, 1000,
                 [](const tcp::Settings& s) { return s.keepalive_idle_ms; }},
    NumberOption{Key(IPPROTO_TCP, kTcpKeepInterval), &ConnectionOptions::keepalive_interval_ms,
                 1000, [](const tcp::Settings& s) { return s.keepalive_interval_ms; }},
    NumberOption{Key(IPPROTO_TCP, kTcpKeepCount), &ConnectionOptions::keepalive_probes, 1,
                 [](const tcp::Settings& s) { return uint32_t{s.keepalive_probes}; }},
    NumberOption{Key(IPPROTO_TCP, kTcpSynCount), &ConnectionOptions::syn_retries, 1,
                 [](const tcp::Settings& s) { return uint32_t{s.syn_retries}; }},
    NumberOption{Key(IPPROTO_TCP, kTcpLinger2), &ConnectionOptions::fin_wait2_ms, 1000,
                 [](const tcp::Settings& s) { return s.fin_wait2_ms; }},
    NumberOption{Key(IPPROTO_TCP, kTcpUserTimeout), &ConnectionOptions::user_timeout_ms, 1,
                 [](const tcp::Settings& s) { return s.user_timeout_ms; }},
    NumberOption{Key(IPPROTO_IP, IP_TTL), &ConnectionOptions::ttl, 1,
                 [](const tcp::Settings& s) { return uint32_t{s.ttl}; }},
    NumberOption{Key(IPPROTO_IPV6, IPV6_UNICAST_HOPS), &ConnectionOptions::ttl, 1,
                 [](const tcp::Settings& s) { return uint32_t{s.ttl}; }},
};

const NumberOption* FindNumber(int level, int name) {
  for (const NumberOption& option : kNumbers) {
    if (option.key == Key(level, name)) return &option;
  }
  return nullptr;
}

template <class T>
int Answer(const T& setting, void* value, socklen_t* size) {
  *size = std::min<socklen_t>(*size, sizeof(setting));
  std::memcpy(value, &setting, *size);
  return 0;
}

// The octet of differentiated services is a number of one octet where the script says so.
std::optional<int> NumberOf(const void* value, socklen_t size) {
  int number = 0;
  if (size >= static_cast<socklen_t>(sizeof(number))) {
    std::memcpy(&number, value, sizeof(number));
  } else if (size == 1) {
    number = *static_cast<const uint8_t*>(value);
  } else {
    return std::nullopt;
  }
  return number;
}

}  // namespace

int Sockets::GetOption(Socket& s, int level, int name, void* value, socklen_t* size) {
  if (value == nullptr || size == nullptr) return -EFAULT;
  const tcp::Settings& settings = s.settings;
  switch (Key(level, name)) {
    case Key(IPPROTO_TCP, kTcpInfo):
      FillTcpInfo(s, value, size);
      return 0;
    case Key(IPPROTO_TCP, kTcpCcInfo):
      *size = 0;
      return 0;
    case Key(SOL_SOCKET, SO_MEMINFO):
      std::memset(value, 0, *size);
      return 0;
    case Key(SOL_SOCKET, SO_LINGER): {
      const bool on = settings.linger_ms != tcp::Settings::kNoLinger;
      return Answer(linger{on, on ? static_cast<int>(settings.linger_ms / 1000) : 0}, value, size);
    }
    case Key(SOL_SOCKET, SO_ERROR):
      return Answer(std::exchange(s.error, 0), value, size);
    case Key(SOL_SOCKET, SO_ZEROCOPY):
      return Answer(s.zero_copy ? 1 : 0, value, size);
    case Key(SOL_SOCKET, SO_KEEPALIVE):
      return Answer(settings.keep_alive ? 1 : 0, value, size);
    case Key(SOL_SOCKET, SO_ACCEPTCONN):
      return Answer(s.listener ? 1 : 0, value, size);
    case Key(SOL_SOCKET, SO_SNDBUF):
      return Answer(2 * static_cast<int>(settings.send_buffer), value, size);  // as Linux counts
    case Key(SOL_SOCKET, SO_RCVBUF):
      return Answer(2 * static_cast<int>(settings.receive_buffer), value, size);
    case Key(IPPROTO_TCP, kTcpInq):
      return Answer(s.inq ? 1 : 0, value, size);
    case Key(IPPROTO_TCP, kTcpNoDelay):
      return Answer(settings.no_delay ? 1 : 0, value, size);
    case Key(IPPROTO_TCP, kTcpCork):
      return Answer(s.cork ? 1 : 0, value, size);
    case Key(IPPROTO_IP, IP_TOS):
    case Key(IPPROTO_IPV6, IPV6_TCLASS):
      return Answer(settings.dscp << 2, value, size);
    case Key(IPPROTO_TCP, kTcpMaxSegment):
      if (s.open) return Answer(int{s.connection.Info().mss}, value, size);
      break;
    default:
      break;
  }
  const NumberOption* option = FindNumber(level, name);
  if (option == nullptr) return -ENOPROTOOPT;
  return Answer(static_cast<int>(option->value(settings) / option->scale), value, size);
}

int Sockets::SetOption(Socket& s, int level, int name, const void* value, socklen_t size) {
  if (value == nullptr) return -EFAULT;
  const std::optional<int> given = NumberOf(value, size);
  if (!given) return -EINVAL;
  const int number = *given;
  ConnectionOptions change;
  switch (Key(level, name)) {
    case Key(SOL_SOCKET, SO_REUSEADDR):
      return 0;  // a port is free as soon as its listener is closed
    case Key(SOL_SOCKET, SO_ZEROCOPY):
      s.zero_copy = number != 0;
      return 0;
    case Key(IPPROTO_TCP, kTcpInq):
      s.inq = number != 0;
      return 0;
    case Key(IPPROTO_TCP, kTcpFastOpen):
      if (number < 0) return -EINVAL;
      s.fast_open_queue = number;
      break;
    case Key(IPPROTO_TCP, kTcpFastOpenConnect):
      if ((wire_.settings().fast_open & Settings::kFastOpenClient) == 0) return -EOPNOTSUPP;
      s.fast_open_connect = number != 0;
      return 0;
    case Key(IPPROTO_TCP, kTcpCork):
      s.cork = number != 0;
      s.more = false;
      s.connection.SetCork(s.cork);
      wire_.Settle();
      return 0;
    case Key(SOL_SOCKET, SO_LINGER): {
      linger setting{};
      if (size < static_cast<socklen_t>(sizeof(setting))) return -EINVAL;
      std::memcpy(&setting, value, sizeof(setting));
      // Once set it cannot be forgotten again.
      if (setting.l_onoff == 0) {
        return s.settings.linger_ms == tcp::Settings::kNoLinger ? 0 : -ENOPROTOOPT;
      }
      change.linger_ms = 1000 * static_cast<uint32_t>(setting.l_linger);
      break;
    }
    case Key(SOL_SOCKET, SO_KEEPALIVE):
      change.keep_alive = number != 0;
      break;
    case Key(IPPROTO_TCP, kTcpNoDelay):
      change.no_delay = number != 0;
      break;
    case Key(IPPROTO_IP, IP_TOS):
    case Key(IPPROTO_IPV6, IPV6_TCLASS):
      if ((number & 3) != 0) return -ENOPROTOOPT;  // ECN
      change.dscp = static_cast<uint32_t>(number) >> 2;
      break;
    case Key(SOL_SOCKET, SO_SNDBUF):
      change.send_buffer = static_cast<uint32_t>(std::max(number, kSmallestBuffer));
      break;
    case Key(SOL_SOCKET, SO_RCVBUF):
      change.receive_buffer = static_cast<uint32_t>(std::max(number, kSmallestBuffer));
      break;
    default: {
      const NumberOption* option = FindNumber(level, name);
      if (option == nullptr) return -ENOPROTOOPT;
      if (number < 0) return -EINVAL;
      change.*option->field = static_cast<uint32_t>(number) * option->scale;
    }
  }
  return Configure(s, change);
}

int Sockets::Configure(Socket& s, const ConnectionOptions& change) {
  const absl::StatusOr<tcp::Settings> settings = tcp::WithOptions(s.settings, change);
  if (!settings.ok()) return -EINVAL;
  s.settings = *settings;
  if (s.listener) {  // connections to come are to have it
    wire_.engine().CloseListener(*std::exchange(s.listener, std::nullopt));
    return Listen(s);
  }
  if (s.connection.alive() && !s.connection.Configure(change).ok()) return -EINVAL;
  if (change.no_delay.value_or(false) && (s.cork || s.more)) {
    // As on Linux, no-delay sends what waits, even under a cork, which it leaves in place.
    s.more = false;
    s.connection.SetCork(false);
    wire_.Settle();
    s.connection.SetCork(s.cork);
  }
  wire_.Settle();
  return 0;
}

}  // namespace weir::packetdrill
