// The socket options that weir has; every other one is ENOPROTOOPT.
#include <netinet/in.h>

#include <algorithm>
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

constexpr int Key(int level, int name) { return level << 16 | name; }

template <class T>
int Answer(const T& setting, void* value, socklen_t* size) {
  *size = std::min<socklen_t>(*size, sizeof(setting));
  std::memcpy(value, &setting, *size);
  return 0;
}

}  // namespace

uint32_t Sockets::BufferOf(const Socket& s, int name) const {
  const tcp::TcpConfig& defaults = wire_.engine().config();
  return name == SO_SNDBUF ? s.send_buffer.value_or(defaults.send_buffer)
                           : s.receive_buffer.value_or(defaults.receive_buffer);
}

int Sockets::GetOption(Socket& s, int level, int name, void* value, socklen_t* size) {
  if (value == nullptr || size == nullptr) return -EFAULT;
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
    case Key(SOL_SOCKET, SO_LINGER):
      return Answer(linger{s.reset_on_close ? 1 : 0, 0}, value, size);
    case Key(SOL_SOCKET, SO_ERROR):
      return Answer(std::exchange(s.error, 0), value, size);
    case Key(SOL_SOCKET, SO_ZEROCOPY):
      return Answer(s.zero_copy ? 1 : 0, value, size);
    case Key(SOL_SOCKET, SO_SNDBUF):
    case Key(SOL_SOCKET, SO_RCVBUF):
      return Answer(2 * static_cast<int>(BufferOf(s, name)), value, size);  // as Linux counts
    case Key(IPPROTO_TCP, kTcpInq):
      return Answer(s.inq ? 1 : 0, value, size);
    case Key(SOL_SOCKET, SO_KEEPALIVE):
      return Answer(s.keep_alive ? 1 : 0, value, size);
    case Key(SOL_SOCKET, SO_ACCEPTCONN):
      return Answer(s.listener ? 1 : 0, value, size);
    case Key(IPPROTO_TCP, kTcpNoDelay):
      return Answer(s.no_delay ? 1 : 0, value, size);
    case Key(IPPROTO_TCP, kTcpMaxSegment):
      return Answer(int{s.connection.Info().mss}, value, size);
    default:
      return -ENOPROTOOPT;
  }
}

int Sockets::SetOption(Socket& s, int level, int name, const void* value, socklen_t size) {
  if (value == nullptr) return -EFAULT;
  if (size < static_cast<socklen_t>(sizeof(int))) return -EINVAL;
  int number = 0;
  std::memcpy(&number, value, sizeof(number));
  switch (Key(level, name)) {
    case Key(SOL_SOCKET, SO_REUSEADDR):
      return 0;  // a port is free as soon as its listener is closed
    case Key(SOL_SOCKET, SO_LINGER): {
      linger setting{};
      if (size < static_cast<socklen_t>(sizeof(setting))) return -EINVAL;
      std::memcpy(&setting, value, sizeof(setting));
      // To wait in close() is not something weir does.
      if (setting.l_onoff != 0 && setting.l_linger != 0) return -ENOPROTOOPT;
      s.reset_on_close = setting.l_onoff != 0;
      return 0;
    }
    case Key(SOL_SOCKET, SO_SNDBUF):
    case Key(SOL_SOCKET, SO_RCVBUF): {
      const auto size_asked = static_cast<uint32_t>(std::max(number, 2048));
      auto& buffer = name == SO_SNDBUF ? s.send_buffer : s.receive_buffer;
      if (!s.listener && !s.connecting && !s.open) {
        buffer = size_asked;
        return 0;
      }
      // Buffers are given when a listener or connection begins; then only what is there already can
      // be granted.
      return size_asked <= BufferOf(s, name) ? 0 : -ENOPROTOOPT;
    }
    case Key(SOL_SOCKET, SO_ZEROCOPY):
      s.zero_copy = number != 0;
      return 0;
    case Key(IPPROTO_TCP, kTcpInq):
      s.inq = number != 0;
      return 0;
    case Key(SOL_SOCKET, SO_KEEPALIVE):
      s.keep_alive = number != 0;
      s.connection.SetKeepAlive(s.keep_alive);
      break;
    case Key(IPPROTO_TCP, kTcpNoDelay):
      s.no_delay = number != 0;
      s.connection.SetNoDelay(s.no_delay);
      break;
    default:
      return -ENOPROTOOPT;
  }
  wire_.Settle();
  return 0;
}

}  // namespace weir::packetdrill
