// Peer: the other end of many connections at once, as cheap as it can be - it writes frames and
// remembers two numbers a connection. It is never inside what is measured.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packet/pool_heap.h"
#include "stack/stack.h"
#include "weir/address.h"
#include "wire/tcp.h"

namespace weir::bench {

inline constexpr uint16_t kServerPort = 7;

// Answers every text with the same text.
class EchoHandler : public Handler {
 public:
  void OnData(Connection c, Bytes text) override { (void)c.Send(text); }
};

struct PeerOptions {
  uint32_t connections = 1;
  bool timestamps = true;
  // The device vouches for what arrives and fills in what leaves, or weir does both in software.
  bool device_checksums = true;
  uint16_t text_size = 10;  // 64 octets of frame without timestamps
  SynCookies syn_cookies = SynCookies::kAuto;
  Handler* handler = nullptr;  // instead of the echo
  bool pull = false;           // whoever accepts says so to the engine
};

// One stack with an echo service and a peer that speaks to it.
class EchoBed {
 public:
  explicit EchoBed(const PeerOptions& options);
  EchoBed(const EchoBed&) = delete;
  EchoBed& operator=(const EchoBed&) = delete;

  // What connection i of the peer sends next, without sending it.
  Packet Syn(uint32_t i);
  Packet Text(uint32_t i);
  Packet Ack(uint32_t i);
  Packet Fin(uint32_t i);
  Packet Reset(uint32_t i);
  // One turn; time goes on by a microsecond. Returns the cycles it took. What the stack sent is
  // read afterwards, outside them.
  uint64_t Turn(std::span<Packet> burst);
  // Brings connections [first, last) to ESTABLISHED.
  void Open(uint32_t first, uint32_t last);
  void Advance(Duration d) { now_ = now_ + d; }

  uint64_t frames_sent() const { return frames_sent_; }  // by the stack
  tcp::Usage usage() { return stack_.tcp().usage(); }
  tcp::Engine& engine() { return stack_.tcp(); }
  uint16_t listener() const { return listener_; }
  const PeerOptions& options() const { return options_; }

 private:
  struct Remote {
    Seq next;                // next octet we send
    Seq acked;               // next octet we expect
    uint32_t ts_recent = 0;  // of their timestamps, the last
  };
  Packet Build(uint32_t i, uint8_t flags, Seq seq, uint16_t text_size);
  void Read(const Packet& frame);
  static IpAddress AddressOf(uint32_t i) { return IpAddress::V4(0xc6130001u + (i >> 15)); }
  static uint16_t PortOf(uint32_t i) { return static_cast<uint16_t>(1024 + (i & 0x7fff)); }

  PeerOptions options_;
  PacketPool pool_;
  Counters counters_;
  Time now_{int64_t{4294960000}};
  EchoHandler handler_;
  stack::Stack stack_;
  uint16_t listener_ = 0;  // the engine's number of it
  std::vector<Remote> remotes_;
  uint64_t frames_sent_ = 0;
};

}  // namespace weir::bench
