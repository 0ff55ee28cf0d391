// Flooded: a server under a flood, and a client in earnest beside it, both whole stacks in virtual
// time on one wire. The flood is weir-flood's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flood/flood.h"
#include "packet/pool_heap.h"
#include "segment/peer_frames.h"
#include "stack/stack.h"

namespace weir::segment {

// What a flood did.
struct FloodFigures {
  uint64_t frames_in = 0, octets_in = 0;    // of the flood, padded to 60 octets as on a wire
  uint64_t frames_out = 0, octets_out = 0;  // what the server sent back to its sources
  uint32_t half_open = 0;                   // the most of each at any time
  uint32_t connections = 0;
  uint32_t buffers = 0;

  double packets_ratio() const { return Ratio(frames_out, frames_in); }
  double octets_ratio() const { return Ratio(octets_out, octets_in); }

 private:
  static double Ratio(uint64_t a, uint64_t b) {
    return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
  }
};

struct FloodPace {
  uint32_t peers = 32;  // hosts that complete handshakes, for modes that have such
  uint32_t frames = 16;
  Duration step = Milliseconds(5);
};

class Flooded {
 public:
  static constexpr uint16_t kPort = 80;
  static constexpr uint32_t kPool = 8192;

  // The server echoes on kPort, and listens as `tcp` says.
  Flooded(bool v4, const tcp::TcpConfig& tcp);
  ~Flooded();
  Flooded(const Flooded&) = delete;
  Flooded& operator=(const Flooded&) = delete;

  // A connection of the client's that stays and talks, from Start on.
  void Start();
  // `frames` of the flood, some in each step of time; the client goes on talking, and opens another
  // connection every tenth step.
  void Flood(const std::vector<flood::Mode>& modes, uint32_t frames, const FloodPace& pace = {});
  // Nothing but the client.
  void Rest(Duration d);
  // Everything ends; nothing may be left.
  void End();

  const FloodFigures& figures() const { return figures_; }
  uint64_t counter(Counter which) const { return server_.counters[which]; }
  tcp::Engine& engine() { return server_.stack->tcp(); }
  const tcp::Listener& listener() { return engine().listener(listener_); }
  // Of the client's connections: those that it tried to open, those that had their echo and were
  // closed, and what it had to send twice.
  uint32_t tried() const { return tried_; }
  uint32_t served() const { return served_; }
  uint64_t client_retransmits() const { return client_.counters[Counter::kTcpRetransmits]; }
  // The connection that stays: octets that came back, all of them right and in order.
  uint64_t echoed() const { return echoed_; }
  bool alive() const { return witness_.alive(); }
  // Connections that the server's application heard of and that were not the client's; handshakes
  // that hosts of the flood have completed; those of them that a replayed ACK brought an answer.
  uint32_t strangers() const { return strangers_; }
  uint64_t handshakes() const { return flood_->handshakes(); }
  uint64_t replays_taken() const { return flood_->replays_taken(); }
  std::string Report(const std::string& name) const;

 private:
  struct Host {
    Host() : pool(kPool) {}
    HeapPool pool;
    Counters counters;
    std::unique_ptr<stack::Stack> stack;
    std::vector<std::vector<uint8_t>> arriving;
  };
  class Server;
  class Client;

  void Build(Host& host, bool server, const tcp::TcpConfig& tcp);
  void Step(Duration d, std::vector<std::vector<uint8_t>> frames);
  void TurnOf(Host& host);
  void Deliver(const std::vector<uint8_t>& octets, bool from_server);
  void Talk();
  void Open();
  void Watch();

  bool v4_;
  Time now_;
  HeapPool wire_;
  Host server_, client_;
  std::unique_ptr<Handler> server_handler_, client_handler_;
  uint16_t listener_ = 0;
  std::unique_ptr<flood::Flood> flood_;
  FloodFigures figures_;
  Connection witness_;
  uint64_t said_ = 0, echoed_ = 0;
  uint32_t tried_ = 0, served_ = 0, strangers_ = 0;
  uint16_t next_port_ = 20000;
};

}  // namespace weir::segment
