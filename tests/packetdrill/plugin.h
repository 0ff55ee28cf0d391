// What the calls of the table have in common: the one plug-in, and how a call finds its socket.
#pragma once

#include <fcntl.h>

#include <cerrno>

#include "packetdrill/calls.h"

namespace weir::packetdrill {

// Null before init and after free; packetdrill's death by exit() leaves it as it is.
extern Calls* plugin;

inline ssize_t WithErrno(ssize_t result) {
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

// text_calls.cc: members of the table.
ssize_t Read(void*, int fd, void* out, size_t size);
ssize_t Readv(void*, int fd, const iovec* parts, int count);
ssize_t Recv(void*, int fd, void* out, size_t size, int flags);
ssize_t RecvFrom(void*, int fd, void* out, size_t size, int flags, sockaddr*, socklen_t*);
ssize_t RecvMsg(void*, int fd, msghdr* message, int flags);
ssize_t Write(void*, int fd, const void* text, size_t size);
ssize_t Writev(void*, int fd, const iovec* parts, int count);
ssize_t Send(void*, int fd, const void* text, size_t size, int flags);
ssize_t SendTo(void*, int fd, const void* text, size_t size, int flags, const sockaddr*, socklen_t);
ssize_t SendMsg(void*, int fd, const msghdr* message, int flags);
// Not of the table: see the exported sendfile().
ssize_t SendFile(int fd, int file, off_t* offset, size_t size);

}  // namespace weir::packetdrill
