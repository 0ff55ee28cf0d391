// Epolls: what a script knows as epoll descriptors.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <map>

#include "packetdrill/sockets.h"

namespace weir::packetdrill {

// Level-triggered, EPOLLET and EPOLLONESHOT. As in Sockets, calls return -errno and never wait.
class Epolls {
 public:
  explicit Epolls(Sockets& sockets) : sockets_(sockets) {}

  int Create();
  bool Has(int epoll) const { return epolls_.count(epoll) != 0; }
  int Control(int epoll, int operation, int fd, const epoll_event* event);
  // Fills up to `max` events and returns how many; -EAGAIN when there is none.
  int Take(int epoll, epoll_event* events, int max);
  void Close(int epoll);

 private:
  struct Interest {
    epoll_event asked;
    // Sockets::Progress when it was last reported; nothing new happens to a socket without it.
    uint64_t reported = 0;
    bool fresh = true;      // never reported since it was asked for
    bool disarmed = false;  // by EPOLLONESHOT
  };

  Sockets& sockets_;
  std::map<int, std::map<int, Interest>> epolls_;  // by epoll descriptor, by socket
};

}  // namespace weir::packetdrill
