// EngineChecker: what must hold of every connection of an engine between two turns.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/time.h"
#include "tcp/engine.h"

namespace weir::invariants {

// Looks at an engine from outside and remembers what may only grow. Usage: AfterTurn after every
// turn, with that turn's time.
class EngineChecker {
 public:
  // Called with one sentence for everything found wrong.
  using Complain = std::function<void(const std::string&)>;

  EngineChecker(const tcp::Engine& engine, Complain complain);

  void AfterTurn(Time now);

 private:
  // Of one connection, as the last look found it.
  struct Edges {
    uint32_t generation = 0;
    bool synchronized = false;
    Seq una;
    Seq adv;
  };

  void CheckConnection(const tcp::Tcb& c);
  void CheckEdges(const tcp::Tcb& c, Edges& before);
  void CheckTimers(const tcp::Tcb& c);
  void CheckFlight(const tcp::Tcb& c, const tcp::Flight& f);
  void CheckSendQueue(const tcp::Tcb& c, const tcp::Flight& f);
  void CheckUnread(const tcp::Tcb& c, const tcp::Flight& f);
  void CheckOutOfOrder(const tcp::Tcb& c, const tcp::Flight& f);
  void Wrong(const tcp::Tcb& c, const char* what) const;

  const tcp::Engine& engine_;
  Complain complain_;
  Millis now_;
  std::map<const tcp::Tcb*, Edges> edges_;  // only looked up: order does not matter
  uint32_t flights_ = 0;                    // met in this look
  uint32_t pieces_ = 0;
};

}  // namespace weir::invariants
