// EchoClients: many connections that want back what they send; the load of the tests of pull mode,
// on any stack.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "weir/weir.h"

namespace weir::pull_test {

// Octet `at` of stream `number`: no two streams look alike, nor two places of one.
inline uint8_t Octet(uint32_t number, uint32_t at) {
  return static_cast<uint8_t>((at + 1) * 2654435761u >> 13 ^ number * 0x9e3779b1u >> 7);
}
inline std::vector<uint8_t> Text(uint32_t number, uint32_t size) {
  std::vector<uint8_t> text(size);
  for (uint32_t i = 0; i < size; ++i) text[i] = Octet(number, i);
  return text;
}

// Many connections, some at a time: each sends a text, wants it back octet by octet, and closes.
class EchoClients : public Handler {
 public:
  // `total` connections, `at_once` of them at a time, each of 1 to `size_max` octets.
  EchoClients(uint32_t total, uint32_t at_once, uint32_t size_max);
  // On their worker's thread, which calls `connect` from then on: a connection with this handler,
  // or a dead one if that cannot be begun now.
  void Begin(std::function<Connection()> connect);

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override { Send(c); }
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;

  bool finished() const { return ended_.load() == total_; }
  uint32_t ended() const { return ended_.load(); }
  uint32_t good() const { return good_.load(); }  // everything came back and both sides closed

 private:
  struct One {
    uint32_t number = 0;
    uint32_t size = 0;
    uint32_t sent = 0;
    uint32_t received = 0;
    bool wrong = false;
  };
  void OpenNext();
  void Send(Connection c);
  One& Of(Connection c) { return ones_[c.user() - 1]; }

  const uint32_t total_, size_max_;
  std::function<Connection()> connect_;
  std::vector<One> ones_;
  std::vector<uint32_t> free_;
  uint32_t begun_ = 0;
  std::atomic<uint32_t> ended_ = 0, good_ = 0;
};

}  // namespace weir::pull_test
