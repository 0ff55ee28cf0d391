// The shared object for packetdrill's --so_filename: its table of calls over the stack in virtual
// time. To be loaded by LD_PRELOAD as well: see the exported close() and getsockopt() at the end.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "packetdrill/calls.h"
#include "packetdrill/plugin_abi.h"
#include "packetdrill/settings.h"

namespace weir::packetdrill {
namespace {

// Null before init and after free; packetdrill's death by exit() leaves it as it is.
Calls* plugin = nullptr;

ssize_t WithErrno(ssize_t result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

// One call about one socket, under the lock. `call` gets the socket; it is looked up anew for each
// attempt, since another thread may close it between them.
template <class F>
ssize_t OnSocket(int fd, bool may_block, F call) {
  auto lock = plugin->Lock();
  Sockets& sockets = plugin->sockets();
  const Socket* s = sockets.Find(fd);
  if (s == nullptr) return WithErrno(-EBADF);
  const bool blocking = may_block && (s->status_flags & O_NONBLOCK) == 0;
  const Calls::Attempt attempt = [&sockets, &call, fd]() -> ssize_t {
    Socket* found = sockets.Find(fd);
    return found == nullptr ? -EBADF : static_cast<ssize_t>(call(sockets, *found));
  };
  return WithErrno(plugin->Run(lock, blocking, attempt));
}

template <class F>
int OnSocketNow(int fd, F call) {
  return static_cast<int>(OnSocket(fd, false, call));
}

size_t SizeOf(const iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
}

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
  return OnSocketNow(fd, [](Sockets& all, Socket& s) { return all.Close(s); });
}

int Shutdown(void*, int fd, int how) {
  return OnSocketNow(fd, [=](Sockets& all, Socket& s) { return all.Shutdown(s, how); });
}

// --- data ---

ssize_t Recv(void*, int fd, void* out, size_t size, int flags) {
  if ((flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL)) != 0) return WithErrno(-EOPNOTSUPP);
  return OnSocket(fd, (flags & MSG_DONTWAIT) == 0, [=](Sockets& all, Socket& s) {
    return all.Read(s, static_cast<uint8_t*>(out), size);
  });
}

ssize_t Read(void* context, int fd, void* out, size_t size) {
  return Recv(context, fd, out, size, 0);
}

ssize_t RecvFrom(void* context, int fd, void* out, size_t size, int flags, sockaddr*, socklen_t*) {
  return Recv(context, fd, out, size, flags);  // a stream leaves the address alone
}

ssize_t ReadParts(int fd, const iovec* parts, int count, int flags) {
  if (count < 0 || count > IOV_MAX) return WithErrno(-EINVAL);
  if (parts == nullptr) return WithErrno(-EFAULT);
  std::vector<uint8_t> octets(SizeOf(parts, count));
  const ssize_t result = Recv(nullptr, fd, octets.data(), octets.size(), flags);
  size_t at = 0, rest = static_cast<size_t>(std::max<ssize_t>(result, 0));
  for (int i = 0; rest != 0; ++i) {
    const size_t n = std::min(rest, parts[i].iov_len);
    if (n != 0) std::memcpy(parts[i].iov_base, octets.data() + at, n);
    at += n;
    rest -= n;
  }
  return result;
}

ssize_t Readv(void*, int fd, const iovec* parts, int count) {
  return ReadParts(fd, parts, count, 0);
}

ssize_t RecvMsg(void*, int fd, msghdr* message, int flags) {
  if (message == nullptr) return WithErrno(-EFAULT);
  const ssize_t result =
      ReadParts(fd, message->msg_iov, static_cast<int>(message->msg_iovlen), flags);
  message->msg_controllen = 0;
  message->msg_flags = 0;
  return result;
}

ssize_t Send(void*, int fd, const void* text, size_t size, int flags) {
  if ((flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL)) != 0) return WithErrno(-EOPNOTSUPP);
  size_t done = 0;
  const bool may_block = (flags & MSG_DONTWAIT) == 0;
  const ssize_t result = OnSocket(fd, may_block, [&](Sockets& all, Socket& s) -> ssize_t {
    const Bytes rest(static_cast<const uint8_t*>(text) + done, size - done);
    const ssize_t n = all.Write(s, rest);
    if (n < 0) return n;
    done += static_cast<size_t>(n);
    return done == size ? n : -EAGAIN;
  });
  // What was taken before the wait or the error came counts.
  return result < 0 && done == 0 ? result : static_cast<ssize_t>(done);
}

ssize_t Write(void* context, int fd, const void* text, size_t size) {
  return Send(context, fd, text, size, 0);
}

ssize_t SendTo(void* context, int fd, const void* text, size_t size, int flags, const sockaddr*,
               socklen_t) {
  return Send(context, fd, text, size, flags);
}

ssize_t WriteParts(int fd, const iovec* parts, int count, int flags) {
  if (count < 0 || count > IOV_MAX) return WithErrno(-EINVAL);
  if (parts == nullptr) return WithErrno(-EFAULT);
  std::vector<uint8_t> octets;
  octets.reserve(SizeOf(parts, count));
  for (int i = 0; i < count; ++i) {
    if (parts[i].iov_base == nullptr && parts[i].iov_len != 0) return WithErrno(-EFAULT);
    const auto* from = static_cast<const uint8_t*>(parts[i].iov_base);
    octets.insert(octets.end(), from, from + parts[i].iov_len);
  }
  return Send(nullptr, fd, octets.data(), octets.size(), flags);
}

ssize_t Writev(void*, int fd, const iovec* parts, int count) {
  return WriteParts(fd, parts, count, 0);
}

ssize_t SendMsg(void*, int fd, const msghdr* message, int flags) {
  if (message == nullptr) return WithErrno(-EFAULT);
  if (message->msg_controllen != 0) return WithErrno(-EOPNOTSUPP);
  return WriteParts(fd, message->msg_iov, static_cast<int>(message->msg_iovlen), flags);
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
  std::optional<Duration> timeout;
  if (timeout_ms >= 0) timeout = Milliseconds(timeout_ms);
  const ssize_t ready = plugin->Run(lock, timeout_ms != 0, attempt, timeout);
  return ready == -EAGAIN ? 0 : static_cast<int>(ready);
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

int EpollCreate(void*, int) { return static_cast<int>(WithErrno(-ENOSYS)); }
int EpollCtl(void*, int, int, int, epoll_event*) { return static_cast<int>(WithErrno(-ENOSYS)); }
int EpollWait(void*, int, epoll_event*, int, int) { return static_cast<int>(WithErrno(-ENOSYS)); }
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
  *ops = {nullptr,     Free,       SocketCall, Bind,       Listen,        Accept, Connect,
          Read,        Readv,      Recv,       RecvFrom,   RecvMsg,       Write,  Writev,
          Send,        SendTo,     SendMsg,    Fcntl,      Ioctl,         Close,  Shutdown,
          GetSockOpt,  SetSockOpt, Poll,       NetdevSend, NetdevReceive, Usleep, GetTimeOfDay,
          EpollCreate, EpollCtl,   EpollWait,  Pipe,       Splice};
}

// packetdrill closes what a script left open by libc's close, and asks libc's getsockopt for the
// values of a %{ }% block. Preloaded, these two come first and take what is ours.
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

}  // extern "C"
