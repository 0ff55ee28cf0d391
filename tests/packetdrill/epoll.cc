// Epoll over Sockets::Poll and Sockets::Progress.
#include "packetdrill/epoll.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace weir::packetdrill {

// poll's bits and epoll's are the same where a script can ask for them.
static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
              EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP);

int Epolls::Create() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return -errno;
  epolls_[fd];
  return fd;
}

int Epolls::Control(int epoll, int operation, int fd, const epoll_event* event) {
  const auto found = epolls_.find(epoll);
  if (found == epolls_.end() || sockets_.Find(fd) == nullptr) return -EBADF;
  auto& interests = found->second;
  const bool known = interests.count(fd) != 0;
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (known) return -EEXIST;
      break;
    case EPOLL_CTL_MOD:
      if (!known) return -ENOENT;
      break;
    case EPOLL_CTL_DEL:
      return interests.erase(fd) != 0 ? 0 : -ENOENT;
    default:
      return -EINVAL;
  }
  if (event == nullptr) return -EFAULT;
  interests[fd] = Interest{.asked = *event};
  return 0;
}

int Epolls::Take(int epoll, epoll_event* events, int max) {
  const auto found = epolls_.find(epoll);
  if (found == epolls_.end()) return -EBADF;
  if (events == nullptr || max <= 0) return -EINVAL;
  int count = 0;
  for (auto& [fd, interest] : found->second) {
    const Socket* s = sockets_.Find(fd);
    if (s == nullptr || interest.disarmed || count == max) continue;
    const uint32_t asked = interest.asked.events;
    const auto state = static_cast<uint16_t>(sockets_.Poll(*s));
    const uint32_t ready = state & (asked | EPOLLERR | EPOLLHUP);
    const uint64_t progress = sockets_.Progress(*s);
    const bool news = interest.fresh || progress != interest.reported;
    if (ready == 0 || ((asked & EPOLLET) != 0 && !news)) continue;
    interest.reported = progress;
    interest.fresh = false;
    interest.disarmed = (asked & EPOLLONESHOT) != 0;
    events[count] = interest.asked;
    events[count].events = ready;
    ++count;
  }
  return count == 0 ? -EAGAIN : count;
}

void Epolls::Close(int epoll) {
  epolls_.erase(epoll);
  syscall(SYS_close, epoll);  // not close(): that is ours too
}

}  // namespace weir::packetdrill
