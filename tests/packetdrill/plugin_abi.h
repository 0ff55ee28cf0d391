// The table through which packetdrill calls a shared object, restated from the tool's behaviour.
// Nothing in it carries a version or a size: the order of the 33 members is the whole contract.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

extern "C" {

// Every function gets `context` first and otherwise follows the POSIX call of its name: -1 and
// errno on error. The tool calls through a member without looking whether it is null.
struct PacketdrillOps {
  void* context;
  void (*free_)(void*);  // at the end of a script, unless the tool died before
  int (*socket_)(void*, int domain, int type, int protocol);
  int (*bind_)(void*, int fd, const sockaddr*, socklen_t);
  int (*listen_)(void*, int fd, int backlog);
  int (*accept_)(void*, int fd, sockaddr*, socklen_t*);
  int (*connect_)(void*, int fd, const sockaddr*, socklen_t);
  ssize_t (*read_)(void*, int fd, void*, size_t);
  ssize_t (*readv_)(void*, int fd, const iovec*, int);
  ssize_t (*recv_)(void*, int fd, void*, size_t, int flags);
  ssize_t (*recvfrom_)(void*, int fd, void*, size_t, int flags, sockaddr*, socklen_t*);
  ssize_t (*recvmsg_)(void*, int fd, msghdr*, int flags);
  ssize_t (*write_)(void*, int fd, const void*, size_t);
  ssize_t (*writev_)(void*, int fd, const iovec*, int);
  ssize_t (*send_)(void*, int fd, const void*, size_t, int flags);
  ssize_t (*sendto_)(void*, int fd, const void*, size_t, int flags, const sockaddr*, socklen_t);
  ssize_t (*sendmsg_)(void*, int fd, const msghdr*, int flags);
  int (*fcntl_)(void*, int fd, int command, ...);
  int (*ioctl_)(void*, int fd, unsigned long request, ...);
  int (*close_)(void*, int fd);  // only for a script's own close(): see the exported close
  int (*shutdown_)(void*, int fd, int how);
  int (*getsockopt_)(void*, int fd, int level, int name, void*, socklen_t*);
  int (*setsockopt_)(void*, int fd, int level, int name, const void*, socklen_t);
  int (*poll_)(void*, pollfd*, nfds_t, int timeout_ms);  // revents holds what the script expects
  // One IP packet without link header into the stack.
  int (*netdev_send)(void*, const void* packet, size_t size);
  // The next IP packet out of it and when it left. There is no timeout: 0 with *size == 0 says that
  // nothing will come; any other result than 0 makes the tool ask again for ever.
  int (*netdev_receive)(void*, void* packet, size_t* size, long long* time_us);
  int (*usleep_)(void*, useconds_t);
  // The only clock the tool reads. It waits for short times by reading it again and again.
  int (*gettimeofday_)(void*, timeval*, struct timezone*);
  int (*epoll_create_)(void*, int);
  int (*epoll_ctl_)(void*, int epoll, int operation, int fd, epoll_event*);
  int (*epoll_wait_)(void*, int epoll, epoll_event*, int, int timeout_ms);
  int (*pipe_)(void*, int[2]);
  int (*splice_)(void*, int, loff_t*, int, loff_t*, size_t, unsigned);
};
static_assert(sizeof(PacketdrillOps) == 33 * sizeof(void*));

// The one symbol the tool looks up. `flags` is --so_flags, null when the option is absent; `ops`
// is zero-filled.
void packetdrill_interface_init(const char* flags, PacketdrillOps* ops);

}  // extern "C"
