// The ledger's pages, and how they read.
#include "sim/ledger.h"

namespace weir::sim {

Ledger::Ledger(const Scenario& scenario) {
  for (size_t i = 0; i < scenario.connections.size(); ++i) {
    const ConnectionScenario& c = scenario.connections[i];
    for (size_t end = 0; end < 2; ++end) {
      Side side;
      side.stream = {i, end};
      side.host = end == 0 ? c.from : c.to;
      side.kind = c.kind;
      side.plan = c.sides[end];
      sides_.push_back(side);
    }
  }
}

std::string Side::ToString() const {
  const auto flag = [](bool on, const char* word) { return on ? std::string(word) : ""; };
  return "connection " + std::to_string(stream.connection) + " at host " + std::to_string(host) +
         " sent " + std::to_string(sent) + "/" + std::to_string(plan.octets) + " received " +
         std::to_string(received) + flag(connected, " connected") + flag(opened, " opened") +
         flag(shut, " shut") + flag(peer_closed, " peer-closed") + flag(paused, " paused") +
         flag(rude, " rude") + flag(lost, " lost") + flag(cancelled, " cancelled") +
         (closed ? std::string(" closed: ") + CloseReasonText(reason) : "") +
         (c.alive() ? std::string(" ") + TcpStateName(c.Info().state) : "");
}

}  // namespace weir::sim
