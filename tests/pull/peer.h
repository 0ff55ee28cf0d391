// Peer: the other end of a pull listener's connections, told by the test what to do.
#pragma once

#include <atomic>
#include <vector>

#include "pull/echo_clients.h"
#include "weir/weir.h"

namespace weir::pull_test {

// One connection, told by the test what to do. Every call is made inside TwoStacks::Call.
class Peer : public Handler {
 public:
  // Stays on the stacks' thread but for what is atomic.
  void OnOpen(Connection) override { opened.store(true); }
  void OnData(Connection c, Bytes text) override {
    if (!reads) return c.Pause(text.size());
    received.insert(received.end(), text.begin(), text.end());
    received_octets.store(received.size());
  }
  void OnWritable(Connection) override { Go(); }
  void OnPeerClosed(Connection) override { peer_closed.store(true); }
  void OnClosed(Connection, CloseReason why) override {
    reason = why;
    if (why == CloseReason::kReset) resets.fetch_add(1);
    closed.store(true);
  }
  // Sends the rest of `to_send` as far as it is taken.
  void Go() {
    sent += connection.Send(Bytes(to_send).subspan(sent));
    sent_octets.store(sent);
  }

  Connection connection;
  std::vector<uint8_t> to_send, received;
  size_t sent = 0;
  bool reads = true;
  CloseReason reason = CloseReason::kNormal;  // after `closed`
  std::atomic<bool> opened = false, peer_closed = false, closed = false;
  std::atomic<unsigned> resets = 0;
  std::atomic<size_t> sent_octets = 0, received_octets = 0;
};

}  // namespace weir::pull_test
