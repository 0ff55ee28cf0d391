// Ledger: what every application has done and seen, on both ends of every connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/scenario.h"
#include "sim/stream.h"
#include "weir/connection.h"

namespace weir::sim {

struct Side {
  Stream stream;  // which end of which connection
  size_t host = 0;
  ConnectionScenario::Kind kind = ConnectionScenario::Kind::kStreams;
  SideScenario plan;

  Connection c;
  uint32_t sent = 0, received = 0;
  uint32_t owned_blocks = 0;
  bool connected = false;    // Connect has succeeded here
  bool opened = false;       // OnOpen
  bool peer_closed = false;  // OnPeerClosed
  bool closed = false;       // OnClosed
  CloseReason reason = CloseReason::kNormal;
  Time connected_at, ended_at;
  bool shut = false;        // Shutdown was called
  bool shut_early = false;  // before everything was sent
  bool paused = false;
  bool rude = false;         // ended by Abort or an early Close
  bool lost = false;         // its host has died
  bool cancelled = false;    // its host died before it could begin, or never listened
  bool wants_room = false;   // Send took less than it was given
  bool pumps_again = false;  // an attempt to send is planned
  std::optional<Time> timer_at;

  bool over() const { return closed || lost || cancelled; }
  std::string ToString() const;
};

class Ledger {
 public:
  explicit Ledger(const Scenario& scenario);

  Side& side(Stream s) { return sides_[s.connection * 2 + s.end]; }
  const Side& side(size_t connection, size_t end) const { return sides_[connection * 2 + end]; }
  std::vector<Side>& sides() { return sides_; }
  const std::vector<Side>& sides() const { return sides_; }

 private:
  std::vector<Side> sides_;
};

}  // namespace weir::sim
