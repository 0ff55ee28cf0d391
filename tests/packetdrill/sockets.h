// Sockets: what a script knows as sockets, as a small layer over weir::Handler and Connection.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "packetdrill/virtual_wire.h"
#include "weir/weir.h"

namespace weir::packetdrill {

struct Socket {
  ~Socket();
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // A real descriptor: packetdrill closes it with libc's close when the script ends. -1 before
  // accept().
  int fd = -1;
  int domain = AF_INET;
  int status_flags = 0;  // O_NONBLOCK
  Endpoint bound;
  tcp::Settings settings;  // of the connection, or of those to come
  bool cork = false;       // TCP_CORK
  bool more = false;       // the last send said MSG_MORE
  bool inq = false;        // TCP_INQ
  bool zero_copy = false;  // SO_ZEROCOPY: nothing is, and nobody can tell

  std::optional<uint16_t> listener;
  std::deque<std::unique_ptr<Socket>> accepted;  // by the stack, not yet by the script

  int fast_open_queue = 0;         // TCP_FASTOPEN
  bool fast_open_connect = false;  // TCP_FASTOPEN_CONNECT
  std::optional<Endpoint> waits;   // connect() has put off the SYN until there is text for it
  size_t syn_text = 0;             // octets that went with the SYN
  size_t text_behind = 0;          // and what was given with them and did not
  bool syn_text_taken = false;     // the peer's SYN-ACK, or ours, acknowledged all of it

  Connection connection;
  bool connecting = false;
  bool open = false;  // the handshake is, or was, complete
  bool closed = false;
  bool peer_closed = false;
  bool shut_read = false;
  bool shut_write = false;
  int error = 0;               // SO_ERROR
  size_t wanted = 0;           // octets the present read still takes
  std::vector<uint8_t> taken;  // read from the connection, not yet by the script
  uint64_t read = 0;           // octets that the script has read
  uint64_t wakeups = 0;        // events other than octets received
};

// <linux/tcp.h>'s TCP_INQ and TCP_CM_INQ.
inline constexpr int kTcpInq = 36;
// <netinet/tcp.h>'s.
inline constexpr int kTcpFastOpen = 23;
inline constexpr int kTcpFastOpenConnect = 30;

// Calls return what POSIX returns, with -errno in place of -1 and errno. None blocks: a call that
// would have to wait returns -EAGAIN and is made again when something has happened. Everything a
// call causes is on the wire when it returns.
class Sockets : public Handler {
 public:
  explicit Sockets(VirtualWire& wire) : wire_(wire) {}

  int Open(int domain, int type, int protocol);
  // Null when the descriptor is not one of ours.
  Socket* Find(int fd);
  int Bind(Socket& s, const sockaddr* address, socklen_t size);
  int Listen(Socket& s);
  int Accept(Socket& s, sockaddr* address, socklen_t* size);
  // Begins, and after that tells how it stands.
  int Connect(Socket& s, const sockaddr* address, socklen_t size);
  // The first text of a fast open (MSG_FASTOPEN, or connect() has put it off), and the address
  // where connect() has not had it. With `wait` all of the text is taken; otherwise what goes with
  // the SYN, which may be nothing: -EINPROGRESS.
  bool BeginsFastOpen(const Socket& s, int flags) const;
  ssize_t FastOpen(Socket& s, const sockaddr* address, socklen_t size, Bytes text, bool wait);
  ssize_t Read(Socket& s, uint8_t* out, size_t size);
  // With `more`, what is short waits as under a cork, until a write without it.
  ssize_t Write(Socket& s, Bytes text, bool more);
  int Shutdown(Socket& s, int how);
  int Close(Socket& s);
  int GetOption(Socket& s, int level, int name, void* value, socklen_t* size);
  int SetOption(Socket& s, int level, int name, const void* value, socklen_t size);
  short Poll(const Socket& s) const;
  size_t Unread(const Socket& s) const;
  // The peer's FIN is here, though text may wait before it.
  bool PeerFinished(const Socket& s) const;
  // Grows whenever something happens that wakes a waiting process.
  uint64_t Progress(const Socket& s) const;

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;

 private:
  int TakeError(Socket& s);
  int Configure(Socket& s, const ConnectionOptions& change);
  int SendSyn(Socket& s, const Endpoint& remote, Bytes text);
  size_t SynRoom(Socket& s, const Endpoint& remote);
  Socket* ListenerAt(const Endpoint& local);

  VirtualWire& wire_;
  std::map<int, std::unique_ptr<Socket>> sockets_;
};

}  // namespace weir::packetdrill
