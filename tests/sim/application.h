// Application: one host's handler; writes known octets, checks those that arrive, and ends its
// connections as the scenario says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "sim/link.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "weir/handler.h"

namespace weir::sim {

class Application : public Handler {
 public:
  // `now` is the simulation's clock.
  Application(const Scenario& scenario, bool client, const Time& now, EventQueue& events,
              Report& report);
  ~Application() override;

  // --- what became of connection i ---
  bool opened(size_t i) const { return sides_[i].opened; }
  bool closed(size_t i) const { return sides_[i].closed; }
  CloseReason reason(size_t i) const { return sides_[i].reason; }
  bool rude(size_t i) const { return sides_[i].rude; }
  uint32_t sent(size_t i) const { return sides_[i].sent; }
  uint32_t received(size_t i) const { return sides_[i].received; }
  // Blocks of SendOwned that were not released yet.
  size_t owned_blocks() const { return owned_blocks_; }
  std::string ToString(size_t i) const;

 private:
  struct Block {
    Application* application = nullptr;
    uint32_t side = 0;
    std::vector<uint8_t> octets;
    bool released = false;
  };
  struct Side {
    SideScenario plan;
    Connection c;
    uint32_t sent = 0, received = 0;
    uint32_t owned_blocks = 0;
    bool opened = false, peer_closed = false, shut = false, paused = false, closed = false;
    bool rude = false;  // ended by Abort or an early Close
    CloseReason reason = CloseReason::kNormal;
  };

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;

  uint32_t IndexOf(Connection c) const;
  void Pump(uint32_t i);
  bool SendOwned(uint32_t i, const std::vector<uint8_t>& text);
  void EndRudely(Side& side);
  void Pause(uint32_t i);
  static void Release(void* context);
  void Fail(uint32_t i, const char* what);

  bool client_;
  const Time& now_;
  EventQueue& events_;
  Report& report_;
  Prng prng_;
  std::vector<Side> sides_;
  std::vector<std::unique_ptr<Block>> blocks_;
  size_t owned_blocks_ = 0;
};

}  // namespace weir::sim
