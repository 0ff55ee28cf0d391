// Application: one host's handler; writes known octets, checks those that arrive, ends its
// connections as the scenario says, and calls whatever it likes in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/prng.h"
#include "sim/ledger.h"
#include "sim/link.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "weir/handler.h"

namespace weir::sim {

class Application : public Handler {
 public:
  // What an application can do that handles do not offer.
  struct Means {
    std::function<std::optional<Stream>(Connection)> identify;  // of a connection that has opened
    std::function<void()> open_spare;  // opens another connection of this host, if one is left
  };

  // `now` is the simulation's clock.
  Application(size_t host, const Scenario& scenario, const Time& now, EventQueue& events,
              Report& report, Ledger& ledger);
  ~Application() override;
  void SetMeans(Means means) { means_ = std::move(means); }

  // Connect has returned this handle.
  void Connected(Side& side, Connection c);
  // Ends a connection of which nothing was heard for too long.
  void LosePatience(Side& side) { Abort(side); }
  // The stack is about to go, and with it every connection; no callback will come.
  void Died();
  // Blocks of SendOwned that were not released yet.
  size_t owned_blocks() const { return owned_blocks_; }

 private:
  struct Block {
    Application* application = nullptr;
    Side* side = nullptr;
    std::vector<uint8_t> octets;
    bool released = false;
  };

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;
  void OnTimer(Connection c) override;

  Side* Accept(Connection c);
  Side* Known(Connection c, const char* callback);
  void Later(Duration after, Side& side, void (Application::*what)(Side&));
  void CheckText(Side& side, Bytes text);
  void Echo(Side& side, Bytes text);
  void Pump(Side& side);
  void PumpAgain(Side& side);
  bool SendOwned(Side& side, const std::vector<uint8_t>& text);
  void Shutdown(Side& side);
  void Close(Side& side);
  void Abort(Side& side);
  void EndRudely(Side& side);
  void Pause(Side& side, Duration duration);
  void Resume(Side& side);
  void Meddle(Side& side);
  void Call(Side& side, uint64_t what);
  void SetTimer(Side& side);
  Side* AnySide();
  void TryDeadHandle();
  static void Release(void* context);
  void Fail(const Side& side, const char* what);

  size_t host_;
  const Scenario& scenario_;
  const Time& now_;
  EventQueue& events_;
  Report& report_;
  Ledger& ledger_;
  Means means_;
  Prng prng_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<Connection> graves_;  // handles of connections that have ended
  size_t owned_blocks_ = 0;
  unsigned meddled_ = 0;
};

}  // namespace weir::sim
