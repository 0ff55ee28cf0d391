// The shared object for packetdrill's --so_filename: its table of calls over the stack in virtual
// time. To be loaded by LD_PRELOAD as well: see the exported close() and its neighbours at the end.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "packetdrill/plugin.h"
#include "packetdrill/plugin_abi.h"
#include "packetdrill/settings.h"

namespace weir::packetdrill {

Calls* plugin = nullptr;

namespace {

// --- life of a socket ---

int SocketCall(void*, int domain, int type, int protocol) {
  auto lock = plugin->Lock();
  return static_cast<int>(WithErrno(plugin->sockets().Open(domain, type, protocol)));
}

int Bind(void*, int fd, const sockaddr* address, socklen_t size) {
  return OnSocketNow(fd, [=](Sockets& all, Socket& s) { return all.Bind(s, address, size); });
}

int Listen(void*, int fd, int) {
  return OnSocketNow(fd, [](Sockets& all, Socket& s) { return all.Listen(s); });
}

int Accept(void*, int fd, sockaddr* address, socklen_t* size) {
  return static_cast<int>(
      OnSocket(fd, true, [=](Sockets& all, Socket& s) { return all.Accept(s, address, size); }));
}

int Connect(void*, int fd, const sockaddr* address, socklen_t size) {
  bool begun = false;
  {
    auto lock = plugin->Lock();
    if (const Socket* s = plugin->sockets().Find(fd)) begun = s->connecting;
  }
  const ssize_t result =
      OnSocket(fd, true, [=](Sockets& all, Socket& s) { return all.Connect(s, address, size); });
  if (result < 0 && errno == EAGAIN) errno = begun ? EALREADY : EINPROGRESS;
  return static_cast<int>(result);
}

int Close(void*, int fd) {
  {
    auto lock = plugin->Lock();
    if (plugin->epolls().Has(fd)) {
      plugin->epolls().Close(fd);
      return 0;
    }
  }
  return OnSocketNow(fd, [](Sockets& all, Socket& s) { return all.Close(s); });
}

int Shutdown(void*, int fd, int how) {
  return OnSocketNow(fd, [=](Sockets& all, Socket& s) { return all.Shutdown(s, how); });
}

// --- settings and states ---

int Fcntl(void*, int fd, int command, ...) {
  std::va_list arguments;
  va_start(arguments, command);
  const int argument = command == F_SETFL ? va_arg(arguments, int) : 0;
  va_end(arguments);
  return OnSocketNow(fd, [=](Sockets&, Socket& s) {
    if (command == F_GETFL) return O_RDWR | s.status_flags;
    if (command != F_SETFL) return -EINVAL;
    s.status_flags = argument & O_NONBLOCK;
    return 0;
  });
}

int Ioctl(void*, int fd, unsigned long request, ...) {
  std::va_list arguments;
  va_start(arguments, request);
  int* out = va_arg(arguments, int*);
  va_end(arguments);
  return OnSocketNow(fd, [=](Sockets& all, Socket& s) {
    if (request != FIONREAD && request != TIOCOUTQ) return -EINVAL;
    if (out == nullptr) return -EFAULT;
    if (s.listener) return -EINVAL;
    const ConnectionInfo info = s.connection.Info();
    *out = request == FIONREAD ? static_cast<int>(all.Unread(s))
                               : static_cast<int>(info.unacknowledged + info.unsent);
    return 0;
  });
}

int GetSockOpt(void*, int fd, int level, int name, void* value, socklen_t* size) {
  return OnSocketNow(
      fd, [=](Sockets& all, Socket& s) { return all.GetOption(s, level, name, value, size); });
}

int SetSockOpt(void*, int fd, int level, int name, const void* value, socklen_t size) {
  return OnSocketNow(
      fd, [=](Sockets& all, Socket& s) { return all.SetOption(s, level, name, value, size); });
}

std::optional<Duration> TimeoutOf(int ms) {
  if (ms < 0) return std::nullopt;  // for ever
  return Milliseconds(ms);
}

int Poll(void*, pollfd* all, nfds_t count, int timeout_ms) {
  auto lock = plugin->Lock();
  Sockets& sockets = plugin->sockets();
  const Calls::Attempt attempt = [&sockets, all, count]() -> ssize_t {
    ssize_t ready = 0;
    for (nfds_t i = 0; i < count; ++i) {
      const Socket* s = sockets.Find(all[i].fd);
      const int state = s != nullptr ? sockets.Poll(*s) : all[i].fd < 0 ? 0 : POLLNVAL;
      const int asked = all[i].events | POLLERR | POLLHUP | POLLNVAL;
      all[i].revents = static_cast<short>(state & asked);
      if (all[i].revents != 0) ++ready;
    }
    return ready == 0 ? -EAGAIN : ready;
  };
  const ssize_t ready = plugin->Run(lock, timeout_ms != 0, attempt, TimeoutOf(timeout_ms));
  return ready == -EAGAIN ? 0 : static_cast<int>(ready);
}

int EpollCreate(void*, int) {
  auto lock = plugin->Lock();
  return static_cast<int>(WithErrno(plugin->epolls().Create()));
}

int EpollControl(void*, int epoll, int operation, int fd, epoll_event* event) {
  auto lock = plugin->Lock();
  return static_cast<int>(WithErrno(plugin->epolls().Control(epoll, operation, fd, event)));
}

int EpollWait(void*, int epoll, epoll_event* events, int max, int timeout_ms) {
  auto lock = plugin->Lock();
  const Calls::Attempt attempt = [=]() -> ssize_t {
    return plugin->epolls().Take(epoll, events, max);
  };
  const ssize_t ready = plugin->Run(lock, timeout_ms != 0, attempt, TimeoutOf(timeout_ms));
  return ready == -EAGAIN ? 0 : static_cast<int>(WithErrno(ready));
}

// --- packets and time ---

int NetdevSend(void*, const void* packet, size_t size) {
  auto lock = plugin->Lock();
  plugin->Inject(lock, {static_cast<const uint8_t*>(packet), size});
  return 0;
}

int NetdevReceive(void*, void* packet, size_t* size, long long* time_us) {
  auto lock = plugin->Lock();
  const auto sent = plugin->NextSent(lock);
  *size = 0;
  if (!sent) return 0;
  *size = sent->octets.size();
  std::memcpy(packet, sent->octets.data(), sent->octets.size());
  *time_us = sent->at.us;
  return 0;
}

int Usleep(void*, useconds_t us) {
  auto lock = plugin->Lock();
  plugin->Sleep(lock, Microseconds(us));
  return 0;
}

int GetTimeOfDay(void*, timeval* out, struct timezone*) {
  auto lock = plugin->Lock();
  const Time now = plugin->ReadClock(lock);
  out->tv_sec = now.us / 1'000'000;
  out->tv_usec = now.us % 1'000'000;
  return 0;
}

// --- what weir's sockets cannot do ---

int Pipe(void*, int[2]) { return static_cast<int>(WithErrno(-ENOSYS)); }
int Splice(void*, int, loff_t*, int, loff_t*, size_t, unsigned) {
  return static_cast<int>(WithErrno(-ENOSYS));
}

void Free(void*) { delete std::exchange(plugin, nullptr); }

bool IsOurs(int fd) {
  if (plugin == nullptr) return false;
  auto lock = plugin->Lock();
  return plugin->sockets().Find(fd) != nullptr;
}

}  // namespace
}  // namespace weir::packetdrill

extern "C" {

void packetdrill_interface_init(const char* flags, PacketdrillOps* ops) {
  using namespace weir::packetdrill;  // NOLINT: the table names them all
  Settings settings;
  const std::string error = settings.Read(flags == nullptr ? "" : flags);
  if (!error.empty()) {
    // There is no other way to say that it failed.
    std::fprintf(stderr, "weir: %s\n", error.c_str());
    std::exit(1);
  }
  plugin = new Calls(settings);
  *ops = {nullptr,     Free,         SocketCall, Bind,       Listen,        Accept, Connect,
          Read,        Readv,        Recv,       RecvFrom,   RecvMsg,       Write,  Writev,
          Send,        SendTo,       SendMsg,    Fcntl,      Ioctl,         Close,  Shutdown,
          GetSockOpt,  SetSockOpt,   Poll,       NetdevSend, NetdevReceive, Usleep, GetTimeOfDay,
          EpollCreate, EpollControl, EpollWait,  Pipe,       Splice};
}

// The cookie of TCP Fast Open for a client, in hexadecimal: scripts name one, and each host makes
// its own. 0 when it is written, with 17 octets.
int weir_fast_open_cookie(const char* client, char* out) {
  const auto address = weir::IpAddress::Parse(client);
  if (!address) return -1;
  const auto cookie = weir::packetdrill::VirtualWire::FastOpenCookieOf(*address);
  for (int i = 0; i < cookie.size; ++i) std::snprintf(out + 2 * i, 3, "%02x", cookie.octets[i]);
  return 0;
}

// packetdrill closes what a script left open by libc's close, asks libc's getsockopt for the values
// of a %{ }% block, and has no sendfile in its table. Preloaded, these come first and take what is
// ours.
int close(int fd) {
  if (weir::packetdrill::IsOurs(fd)) return weir::packetdrill::Close(nullptr, fd);
  return static_cast<int>(syscall(SYS_close, fd));
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  if (weir::packetdrill::IsOurs(fd)) {
    return weir::packetdrill::GetSockOpt(nullptr, fd, level, name, value, size);
  }
  return static_cast<int>(syscall(SYS_getsockopt, fd, level, name, value, size));
}

ssize_t sendfile(int fd, int file, off_t* offset, size_t size) noexcept {
  if (weir::packetdrill::IsOurs(fd)) return weir::packetdrill::SendFile(fd, file, offset, size);
  return syscall(SYS_sendfile, fd, file, offset, size);
}

}  // extern "C"
