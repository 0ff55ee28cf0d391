// The two ends of every connection.
#include "sim/application.h"

#include <algorithm>
#include <utility>

#include "sim/stream.h"

namespace weir::sim {
namespace {

constexpr uint32_t kOwnedBlocksMax = 4;  // of one connection at a time

}  // namespace

Application::Application(const Scenario& scenario, bool client, const Time& now, EventQueue& events,
                         Report& report)
    : client_(client),
      now_(now),
      events_(events),
      report_(report),
      prng_(scenario.seed * 2 + (client ? 1 : 0)) {
  for (const ConnectionScenario& c : scenario.connections) {
    Side side;
    side.plan = client ? c.client : c.server;
    sides_.push_back(side);
  }
}

Application::~Application() = default;

void Application::Fail(uint32_t i, const char* what) {
  report_.Fail(std::to_string(now_.us) + " us, " + (client_ ? "client" : "server") +
               " of connection " + std::to_string(i) + ": " + what);
}

std::string Application::ToString(size_t i) const {
  const Side& s = sides_[i];
  return std::string(client_ ? "client" : "server") + " sent " + std::to_string(s.sent) + "/" +
         std::to_string(s.plan.octets) + " received " + std::to_string(s.received) +
         (s.opened ? " opened" : "") + (s.shut ? " shut" : "") +
         (s.peer_closed ? " peer-closed" : "") + (s.rude ? " rude" : "") +
         (s.closed ? std::string(" closed: ") + CloseReasonText(s.reason) : "") +
         (s.c.alive() ? std::string(" ") + TcpStateName(s.c.Info().state) : "");
}

uint32_t Application::IndexOf(Connection c) const {
  const uint16_t port = client_ ? c.local().port : c.remote().port;
  return static_cast<uint32_t>(port - kClientPortFirst);
}

void Application::OnOpen(Connection c) {
  const uint32_t i = IndexOf(c);
  if (i >= sides_.size()) return report_.Fail("a connection opened that nobody asked for");
  Side& side = sides_[i];
  // A server may see one client's SYN again after its own connection has gone.
  if (side.opened && !side.closed) Fail(i, "OnOpen was called twice");
  if (side.opened) return c.Close();
  side.opened = true;
  side.c = c;
  if (side.plan.end != SideScenario::End::kGraceful && side.plan.end_after == 0) EndRudely(side);
  Pump(i);
}

void Application::OnData(Connection c, Bytes text) {
  const uint32_t i = IndexOf(c);
  Side& side = sides_[i];
  if (c != side.c) return;
  if (side.closed) Fail(i, "OnData after OnClosed");
  if (side.rude) Fail(i, "OnData after Close or Abort");
  if (side.peer_closed) Fail(i, "OnData after OnPeerClosed");
  if (side.paused) Fail(i, "OnData while paused");
  if (text.empty()) Fail(i, "OnData without text");
  for (const uint8_t octet : text) {
    if (octet != StreamOctet(i, !client_, side.received)) {
      return Fail(i, "received an octet that was not sent there");
    }
    ++side.received;
  }
  if (side.plan.end != SideScenario::End::kGraceful && side.received >= side.plan.end_after) {
    EndRudely(side);
  } else if (prng_.Chance(side.plan.pause)) {
    Pause(i);
  }
}

void Application::EndRudely(Side& side) {
  side.rude = true;
  if (side.plan.end == SideScenario::End::kAbort) {
    side.c.Abort();
  } else {
    side.c.Close();
  }
}

void Application::Pause(uint32_t i) {
  Side& side = sides_[i];
  side.paused = true;
  side.c.Pause();
  events_.Add(now_ + side.plan.pause_for, client_ ? 0 : 1, [this, i] {
    sides_[i].paused = false;
    sides_[i].c.Resume();
  });
}

void Application::OnWritable(Connection c) {
  const uint32_t i = IndexOf(c);
  if (c == sides_[i].c) Pump(i);
}

void Application::OnPeerClosed(Connection c) {
  const uint32_t i = IndexOf(c);
  Side& side = sides_[i];
  if (c != side.c) return c.Close();
  if (side.rude) return Fail(i, "OnPeerClosed after Close or Abort");
  if (std::exchange(side.peer_closed, true)) Fail(i, "OnPeerClosed was called twice");
  Pump(i);
}

void Application::OnClosed(Connection c, CloseReason reason) {
  const uint32_t i = IndexOf(c);
  Side& side = sides_[i];
  if (side.c != Connection() && c != side.c) return;
  if (std::exchange(side.closed, true)) Fail(i, "OnClosed was called twice");
  side.reason = reason;
}

void Application::Pump(uint32_t i) {
  Side& side = sides_[i];
  if (side.rude || side.closed) return;
  while (side.sent < side.plan.octets) {
    const uint32_t n = std::min(side.plan.chunk, side.plan.octets - side.sent);
    std::vector<uint8_t> text(n);
    for (uint32_t k = 0; k < n; ++k) text[k] = StreamOctet(i, client_, side.sent + k);
    if (side.plan.owned) {
      if (side.owned_blocks == kOwnedBlocksMax) return;
      if (!SendOwned(i, text)) {
        // No record was free: a later attempt may find one.
        events_.Add(now_ + Milliseconds(10), client_ ? 0 : 1, [this, i] { Pump(i); });
        return;
      }
      side.sent += n;
    } else {
      const size_t taken = side.c.Send(text);
      side.sent += static_cast<uint32_t>(taken);
      if (taken < n) return;
    }
  }
  if ((side.plan.half_close || side.peer_closed) && !std::exchange(side.shut, true)) {
    side.c.Shutdown();
  }
  if (side.peer_closed && side.shut) side.c.Close();
}

bool Application::SendOwned(uint32_t i, const std::vector<uint8_t>& text) {
  auto block = std::make_unique<Block>();
  block->application = this;
  block->side = i;
  block->octets = text;
  if (!sides_[i].c.SendOwned(block->octets, Release, block.get())) return false;
  ++sides_[i].owned_blocks;
  ++owned_blocks_;
  blocks_.push_back(std::move(block));
  return true;
}

// The octets are spoilt: whoever still sends them is caught by the wire checker.
void Application::Release(void* context) {
  auto& block = *static_cast<Block*>(context);
  Application& self = *block.application;
  if (std::exchange(block.released, true)) self.Fail(block.side, "memory was released twice");
  for (uint8_t& octet : block.octets) octet = static_cast<uint8_t>(~octet);
  --self.sides_[block.side].owned_blocks;
  --self.owned_blocks_;
  const uint32_t i = block.side;
  self.events_.Add(self.now_ + Microseconds(1), self.client_ ? 0 : 1, [&self, i] { self.Pump(i); });
}

}  // namespace weir::sim
