// Sockets over connections. A connection is paused but for the moment of a read, so that what the
// script has not read stays in the stack's receive buffer and counts against its window.
#include "packetdrill/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::packetdrill {
namespace {

int ErrorOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNormal:
      return 0;
    case CloseReason::kReset:
      return ECONNRESET;
    case CloseReason::kRefused:
      return ECONNREFUSED;
    case CloseReason::kTimedOut:
      return ETIMEDOUT;
    case CloseReason::kUnreachable:
      return EHOSTUNREACH;
    case CloseReason::kNoResources:
      return ENOBUFS;
    case CloseReason::kAborted:
    case CloseReason::kShutdown:
    case CloseReason::kTooSlow:
      return ECONNABORTED;
  }
  return EIO;
}

std::optional<Endpoint> EndpointOf(const sockaddr* address, socklen_t size) {
  if (address == nullptr || size < sizeof(sockaddr_in)) return {};
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    return Endpoint{IpAddress::V4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  if (address->sa_family != AF_INET6 || size < sizeof(sockaddr_in6)) return {};
  sockaddr_in6 in;
  std::memcpy(&in, address, sizeof(in));
  return Endpoint{IpAddress::FromV6Octets(in.sin6_addr.s6_addr), ntohs(in.sin6_port)};
}

void WriteAddress(int domain, const Endpoint& endpoint, sockaddr* out, socklen_t* size) {
  if (out == nullptr || size == nullptr) return;
  sockaddr_in6 in6{};
  sockaddr_in in4{};
  const void* from = &in6;
  socklen_t real = sizeof(in6);
  if (domain == AF_INET) {
    in4.sin_family = AF_INET;
    in4.sin_port = htons(endpoint.port);
    in4.sin_addr.s_addr = htonl(endpoint.address.v4());
    from = &in4;
    real = sizeof(in4);
  } else {
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(endpoint.port);
    std::memcpy(in6.sin6_addr.s6_addr, endpoint.address.octets().data(), 16);
  }
  std::memcpy(out, from, std::min(*size, real));
  *size = real;
}

int NewDescriptor() { return eventfd(0, EFD_CLOEXEC); }

}  // namespace

Socket::~Socket() {
  // Not close(): that is ours too.
  if (fd >= 0) syscall(SYS_close, fd);
}

int Sockets::Open(int domain, int type, int protocol) {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_INET && domain != AF_INET6) return -EAFNOSUPPORT;
  if (kind != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP)) return -EPROTONOSUPPORT;
  auto s = std::make_unique<Socket>();
  s->domain = domain;
  s->settings = wire_.engine().config();
  s->settings.deliver_when_full = true;  // the script reads and writes as it likes
  s->status_flags = (type & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
  s->fd = NewDescriptor();
  const int fd = s->fd;
  if (fd < 0) return -errno;
  sockets_[fd] = std::move(s);
  return fd;
}

Socket* Sockets::Find(int fd) {
  const auto found = sockets_.find(fd);
  return found == sockets_.end() ? nullptr : found->second.get();
}

int Sockets::Bind(Socket& s, const sockaddr* address, socklen_t size) {
  const auto endpoint = EndpointOf(address, size);
  if (!endpoint) return -EINVAL;
  s.bound = *endpoint;
  return 0;
}

int Sockets::Listen(Socket& s) {
  if (s.connecting || s.open) return -EINVAL;
  if (s.listener) return 0;
  ListenOptions options{.port = s.bound.port};
  if (!s.bound.address.is_unspecified()) options.address = s.bound.address;
  auto parameters = wire_.engine().WithDefaults(options);
  if (!parameters.ok()) return -EADDRNOTAVAIL;
  const uint32_t fast_open = wire_.settings().fast_open;
  parameters->settings = s.settings;
  parameters->settings.fast_open =
      (fast_open & Settings::kFastOpenServer) != 0 &&
      (s.fast_open_queue > 0 || (fast_open & Settings::kFastOpenEveryListener) != 0);
  if (s.fast_open_queue > 0) {
    parameters->fast_open_pending = static_cast<uint32_t>(s.fast_open_queue);
  }
  s.listener = wire_.engine().Listen(*parameters, this);
  return s.listener ? 0 : -EADDRINUSE;
}

Socket* Sockets::ListenerAt(const Endpoint& local) {
  for (auto& [fd, s] : sockets_) {
    if (s->listener && s->bound.port == local.port) return s.get();
  }
  return nullptr;
}

int Sockets::Accept(Socket& s, sockaddr* address, socklen_t* size) {
  if (!s.listener) return -EINVAL;
  if (s.accepted.empty()) return -EAGAIN;
  std::unique_ptr<Socket> child = std::move(s.accepted.front());
  s.accepted.pop_front();
  child->fd = NewDescriptor();
  const int fd = child->fd;
  if (fd < 0) return -errno;
  WriteAddress(child->domain, child->bound, address, size);
  sockets_[fd] = std::move(child);
  return fd;
}

int Sockets::Connect(Socket& s, const sockaddr* address, socklen_t size) {
  if (s.open) return s.connecting ? (s.connecting = false, 0) : -EISCONN;
  if (s.connecting && !s.closed) return -EAGAIN;
  if (s.closed) return s.error != 0 ? TakeError(s) : -ECONNABORTED;
  if (s.waits) return -EISCONN;
  const auto remote = EndpointOf(address, size);
  if (!remote) return -EAFNOSUPPORT;
  s.settings.fast_open = s.fast_open_connect;
  if (s.fast_open_connect && SynRoom(s, *remote) != 0) {
    s.waits = remote;
    return 0;
  }
  const int error = SendSyn(s, *remote, {});
  return error != 0 ? error : -EAGAIN;
}

int Sockets::SendSyn(Socket& s, const Endpoint& remote, Bytes text) {
  const int local = wire_.stack().ip().SourceFor(remote.address);
  if (local < 0) return -ENETUNREACH;
  const auto opened =
      wire_.engine().Connect(static_cast<uint8_t>(local), s.bound.port, remote, s.settings, this);
  if (!opened.ok()) return -EADDRNOTAVAIL;
  s.connection = *opened;
  s.connection.set_user(reinterpret_cast<uintptr_t>(&s));
  s.connecting = true;
  if (s.connection.Send(text) != text.size()) return -ENOBUFS;
  wire_.Settle();
  if (wire_.sent().empty()) return -ENETUNREACH;
  s.syn_text = wire_.sent().back().text_size;
  return 0;
}

// How much text the first SYN to this server takes, which only the SYN itself tells: one is sent
// full of zeros and taken off the wire again. Room for all options that a segment may have is left
// over, as Linux does; weir leaves no more than there are.
size_t Sockets::SynRoom(Socket& s, const Endpoint& remote) {
  constexpr size_t kOptionsMax = 40;
  const std::vector<uint8_t> zeros(wire_.settings().mtu);
  if (SendSyn(s, remote, zeros) != 0) return 0;
  const VirtualWire::Sent& syn = wire_.sent().back();
  const size_t used = syn.text_size + wire::TcpHeaderLength(syn.tcp.options) - wire::kTcpHeaderSize;
  const bool knows = syn.text_size != 0;
  s.connection.set_user(0);
  s.connection.Abort();
  wire_.Settle();
  wire_.sent().pop_back();
  s.connection = {};
  s.connecting = false;
  return knows && used > kOptionsMax ? used - kOptionsMax : 0;
}

bool Sockets::BeginsFastOpen(const Socket& s, int flags) const {
  return s.waits || ((flags & MSG_FASTOPEN) != 0 && !s.open && !s.closed);
}

ssize_t Sockets::FastOpen(Socket& s, const sockaddr* address, socklen_t size, Bytes text,
                          bool wait) {
  if ((wire_.settings().fast_open & Settings::kFastOpenClient) == 0) return -EOPNOTSUPP;
  if (s.connecting) return -EALREADY;
  const auto remote = s.waits ? s.waits : EndpointOf(address, size);
  if (!remote) return -EOPNOTSUPP;
  if (text.data() == nullptr && !text.empty()) return -EFAULT;
  s.waits.reset();
  s.settings.fast_open = true;
  const size_t first = std::min(SynRoom(s, *remote), text.size());
  if (const int error = SendSyn(s, *remote, text.first(first)); error != 0) return error;
  if (wait) {
    s.text_behind = s.connection.Send(text.subspan(first));
    return static_cast<ssize_t>(first + s.text_behind);
  }
  return s.syn_text == 0 ? -EINPROGRESS : static_cast<ssize_t>(s.syn_text);
}

int Sockets::TakeError(Socket& s) { return -std::exchange(s.error, 0); }

size_t Sockets::Unread(const Socket& s) const {
  return s.taken.size() + s.connection.Info().unread;
}

bool Sockets::PeerFinished(const Socket& s) const {
  if (s.peer_closed) return true;
  const TcpState state = s.connection.Info().state;
  return state == TcpState::kCloseWait || state == TcpState::kClosing ||
         state == TcpState::kLastAck || state == TcpState::kTimeWait;
}

uint64_t Sockets::Progress(const Socket& s) const {
  return s.read + Unread(s) + (PeerFinished(s) ? 1 : 0) + s.wakeups;
}

ssize_t Sockets::Read(Socket& s, uint8_t* out, size_t size) {
  if (s.waits) return -EAGAIN;
  if (s.listener || (!s.open && !s.connecting)) return -ENOTCONN;
  if (s.taken.size() < size && s.connection.Info().unread != 0) {
    s.wanted = size - s.taken.size();
    s.connection.Resume();
    wire_.Settle();
    s.connection.Pause();
  }
  const size_t n = std::min(size, s.taken.size());
  if (n != 0 && out == nullptr) return -EFAULT;
  if (n != 0) {
    std::copy_n(s.taken.begin(), n, out);
    s.taken.erase(s.taken.begin(), s.taken.begin() + static_cast<ptrdiff_t>(n));
    s.read += n;
    return static_cast<ssize_t>(n);
  }
  if (s.error != 0) return TakeError(s);
  return s.peer_closed || s.closed || s.shut_read || size == 0 ? 0 : -EAGAIN;
}

ssize_t Sockets::Write(Socket& s, Bytes text, bool more) {
  if (s.error != 0) return TakeError(s);
  if (s.shut_write || s.closed || s.listener || (!s.open && !s.connecting)) return -EPIPE;
  if (text.empty()) return 0;
  if (text.data() == nullptr) return -EFAULT;
  if (more && !s.more) s.connection.SetCork(true);
  const size_t n = s.open ? s.connection.Send(text) : 0;
  if (s.more && !more) s.connection.SetCork(s.cork);
  s.more = more;
  wire_.Settle();
  return n == 0 ? -EAGAIN : static_cast<ssize_t>(n);
}

int Sockets::Shutdown(Socket& s, int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  if (!s.open || s.closed) return -ENOTCONN;
  if (how != SHUT_WR) s.shut_read = true;
  if (how != SHUT_RD) {
    s.shut_write = true;
    s.connection.Shutdown();
  }
  wire_.Settle();
  return 0;
}

int Sockets::Close(Socket& s) {
  if (s.listener) wire_.engine().CloseListener(*s.listener);
  for (auto& child : s.accepted) {
    child->connection.set_user(0);
    child->connection.Abort();
  }
  s.connection.set_user(0);
  // Unread text that we have taken is as lost as what the connection still holds.
  if (!s.taken.empty()) {
    s.connection.Abort();
  } else {
    s.connection.Close();
  }
  sockets_.erase(s.fd);
  wire_.Settle();
  return 0;
}

short Sockets::Poll(const Socket& s) const {
  if (s.listener) return s.accepted.empty() ? 0 : POLLIN | POLLRDNORM;
  if (s.waits) return POLLOUT | POLLWRNORM;
  int events = 0;
  const bool fin = PeerFinished(s);
  if (s.error != 0) events |= POLLERR;
  if (s.closed || (!s.open && !s.connecting)) events |= POLLHUP;
  if (fin || s.closed || s.shut_read) events |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (Unread(s) != 0) events |= POLLIN | POLLRDNORM;
  if (s.closed || s.shut_write || s.connection.send_room() != 0) {
    if (s.open || s.closed) events |= POLLOUT | POLLWRNORM;
  }
  if (fin && s.shut_write) events |= POLLHUP;
  return static_cast<short>(events);
}

// --- what the stack tells ---

namespace {
Socket* SocketOf(Connection c) {
  // What set_user was given.
  return reinterpret_cast<Socket*>(static_cast<uintptr_t>(c.user()));
}
}  // namespace

void Sockets::OnOpen(Connection c) {
  c.Pause();
  const ConnectionInfo info = c.Info();
  if (Socket* s = SocketOf(c)) {
    s->open = true;
    s->syn_text_taken = s->syn_text != 0 && info.unacknowledged + info.unsent == s->text_behind;
    ++s->wakeups;
    return;
  }
  Socket* listener = ListenerAt(c.local());
  if (listener == nullptr) return c.Abort();
  auto s = std::make_unique<Socket>();
  s->domain = listener->domain;
  s->bound = c.remote();  // accept() tells it; after that nobody asks
  s->connection = c;
  s->open = true;
  s->settings = listener->settings;
  s->zero_copy = listener->zero_copy;
  s->syn_text_taken = info.state == TcpState::kSynReceived && info.unread != 0;
  ++listener->wakeups;
  c.set_user(reinterpret_cast<uintptr_t>(s.get()));
  listener->accepted.push_back(std::move(s));
}

void Sockets::OnData(Connection c, Bytes text) {
  Socket* s = SocketOf(c);
  if (s == nullptr) return;
  const Bytes part = text.first(std::min(s->wanted, text.size()));
  s->taken.insert(s->taken.end(), part.begin(), part.end());
  s->wanted -= part.size();
  if (s->wanted == 0) c.Pause(text.size() - part.size());
}

void Sockets::OnWritable(Connection c) {
  if (Socket* s = SocketOf(c)) ++s->wakeups;
}

void Sockets::OnPeerClosed(Connection c) {
  if (Socket* s = SocketOf(c)) s->peer_closed = true;
}

void Sockets::OnClosed(Connection c, CloseReason reason) {
  Socket* s = SocketOf(c);
  if (s == nullptr) return;
  s->closed = true;
  ++s->wakeups;
  s->error = ErrorOf(reason);
  // As on Linux: an RST after the peer's FIN is a broken pipe.
  if (s->peer_closed && s->error == ECONNRESET) s->error = EPIPE;
}

}  // namespace weir::packetdrill
