// EchoClients.
#include "pull/echo_clients.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::pull_test {

EchoClients::EchoClients(uint32_t total, uint32_t at_once, uint32_t size_max)
    : total_(total), size_max_(size_max), ones_(at_once) {
  for (uint32_t i = 0; i < at_once; ++i) free_.push_back(i);
}

void EchoClients::Begin(std::function<Connection()> connect) {
  connect_ = std::move(connect);
  while (begun_ < total_ && !free_.empty()) OpenNext();
}

void EchoClients::OpenNext() {
  const uint32_t place = free_.back();
  free_.pop_back();
  const uint32_t number = begun_++;
  ones_[place] = {number, 1 + number * 2654435761u % size_max_};
  Connection c = connect_();
  if (!c.alive()) {
    free_.push_back(place);
    ended_.fetch_add(1);
    return;
  }
  c.set_user(place + 1);
}

void EchoClients::OnOpen(Connection c) { Send(c); }

void EchoClients::Send(Connection c) {
  One& one = Of(c);
  std::array<uint8_t, 1024> text;
  while (one.sent < one.size) {
    const uint32_t n = std::min<uint32_t>(one.size - one.sent, text.size());
    for (uint32_t i = 0; i < n; ++i) text[i] = Octet(one.number, one.sent + i);
    const size_t taken = c.Send(Bytes(text.data(), n));
    one.sent += static_cast<uint32_t>(taken);
    if (taken < n) return;
  }
}

void EchoClients::OnData(Connection c, Bytes text) {
  One& one = Of(c);
  for (const uint8_t octet : text) {
    one.wrong = one.wrong || one.received >= one.size || octet != Octet(one.number, one.received);
    ++one.received;
  }
  if (one.received == one.size) c.Shutdown();
}

void EchoClients::OnPeerClosed(Connection c) { c.Close(); }

void EchoClients::OnClosed(Connection c, CloseReason reason) {
  const One& one = Of(c);
  if (reason == CloseReason::kNormal && !one.wrong && one.received == one.size) good_.fetch_add(1);
  free_.push_back(static_cast<uint32_t>(c.user() - 1));
  if (begun_ < total_) OpenNext();
  ended_.fetch_add(1);
}

}  // namespace weir::pull_test
