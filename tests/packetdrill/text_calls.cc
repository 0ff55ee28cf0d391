// Calls that move text: read, write and their relatives.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "packetdrill/plugin.h"

namespace weir::packetdrill {
namespace {

// A socket that has not asked for zero copy is copied from, and so is every other one here.
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_ZEROCOPY | MSG_MORE | MSG_FASTOPEN;

size_t SizeOf(const iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
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

ssize_t WriteParts(int fd, const iovec* parts, int count, int flags, const sockaddr* to,
                   socklen_t to_size) {
  if (count < 0 || count > IOV_MAX) return WithErrno(-EINVAL);
  if (parts == nullptr) return WithErrno(-EFAULT);
  std::vector<uint8_t> octets;
  octets.reserve(SizeOf(parts, count));
  for (int i = 0; i < count; ++i) {
    if (parts[i].iov_base == nullptr && parts[i].iov_len != 0) return WithErrno(-EFAULT);
    const auto* from = static_cast<const uint8_t*>(parts[i].iov_base);
    octets.insert(octets.end(), from, from + parts[i].iov_len);
  }
  return SendTo(nullptr, fd, octets.data(), octets.size(), flags, to, to_size);
}

// TCP_CM_INQ, how much is left to read, for a socket that asked for it and a caller with room.
socklen_t WriteInq(int fd, const msghdr& message) {
  auto lock = plugin->Lock();
  const Socket* s = plugin->sockets().Find(fd);
  const int left = CMSG_SPACE(sizeof(int));
  if (s == nullptr || !s->inq || message.msg_control == nullptr ||
      message.msg_controllen < static_cast<size_t>(left)) {
    return 0;
  }
  const Sockets& sockets = plugin->sockets();
  const size_t unread = sockets.Unread(*s);
  // One more read tells the end.
  const int inq = static_cast<int>(unread == 0 && sockets.PeerFinished(*s) ? 1 : unread);
  auto* control = static_cast<cmsghdr*>(message.msg_control);
  control->cmsg_level = IPPROTO_TCP;
  control->cmsg_type = kTcpInq;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(control), &inq, sizeof(inq));
  return static_cast<socklen_t>(left);
}

}  // namespace

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

ssize_t Readv(void*, int fd, const iovec* parts, int count) {
  return ReadParts(fd, parts, count, 0);
}

ssize_t RecvMsg(void*, int fd, msghdr* message, int flags) {
  if (message == nullptr) return WithErrno(-EFAULT);
  const ssize_t result =
      ReadParts(fd, message->msg_iov, static_cast<int>(message->msg_iovlen), flags);
  message->msg_controllen = result < 0 ? 0 : WriteInq(fd, *message);
  message->msg_flags = 0;
  return result;
}

ssize_t SendTo(void*, int fd, const void* text, size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  if ((flags & ~kSendFlags) != 0) return WithErrno(-EOPNOTSUPP);
  size_t done = 0;
  size_t opening = 0;  // given to a fast open that this call waits for
  const bool may_block = (flags & MSG_DONTWAIT) == 0;
  const ssize_t result = OnSocket(fd, may_block, [&](Sockets& all, Socket& s) -> ssize_t {
    if (opening == 0 && done == 0 && all.BeginsFastOpen(s, flags)) {
      const bool wait = may_block && (s.status_flags & O_NONBLOCK) == 0;
      const Bytes first(static_cast<const uint8_t*>(text), size);
      const ssize_t n = all.FastOpen(s, to, to_size, first, wait);
      if (n < 0) return n;
      (wait ? opening : done) = static_cast<size_t>(n);
      return wait ? -EAGAIN : n;
    }
    if (s.open && opening != 0) done = std::exchange(opening, 0);
    if (size != 0 && done == size) return static_cast<ssize_t>(done);
    const Bytes rest(static_cast<const uint8_t*>(text) + done, size - done);
    const ssize_t n = all.Write(s, rest, (flags & MSG_MORE) != 0);
    if (n < 0) return n;
    done += static_cast<size_t>(n);
    return done == size ? n : -EAGAIN;
  });
  // What was taken before the wait or the error came counts.
  return result < 0 && done == 0 ? result : static_cast<ssize_t>(done);
}

ssize_t Send(void* context, int fd, const void* text, size_t size, int flags) {
  return SendTo(context, fd, text, size, flags, nullptr, 0);
}

ssize_t Write(void* context, int fd, const void* text, size_t size) {
  return Send(context, fd, text, size, 0);
}

ssize_t Writev(void*, int fd, const iovec* parts, int count) {
  return WriteParts(fd, parts, count, 0, nullptr, 0);
}

ssize_t SendMsg(void*, int fd, const msghdr* message, int flags) {
  if (message == nullptr) return WithErrno(-EFAULT);
  if (message->msg_controllen != 0) return WithErrno(-EOPNOTSUPP);
  return WriteParts(fd, message->msg_iov, static_cast<int>(message->msg_iovlen), flags,
                    static_cast<const sockaddr*>(message->msg_name), message->msg_namelen);
}

ssize_t SendFile(int fd, int file, off_t* offset, size_t size) {
  std::vector<uint8_t> octets(size);
  const ssize_t got = offset == nullptr ? read(file, octets.data(), size)
                                        : pread(file, octets.data(), size, *offset);
  if (got <= 0) return got;
  const ssize_t sent = Send(nullptr, fd, octets.data(), static_cast<size_t>(got), 0);
  if (sent > 0 && offset != nullptr) *offset += sent;
  return sent;
}

}  // namespace weir::packetdrill
