// The two ends of every connection: what they do by plan, and the order of callbacks.
#include "sim/application.h"

#include <algorithm>
#include <utility>

#include "sim/stream.h"

namespace weir::sim {
namespace {

using Kind = ConnectionScenario::Kind;

constexpr uint32_t kOwnedBlocksMax = 4;  // of one connection at a time
constexpr uint64_t kGhost = UINT64_MAX;  // user() of a connection that is over already
constexpr Duration kSendAgain = Milliseconds(10);
// An OnTimer may come earlier by the rest of a millisecond.
constexpr Duration kTimerGrain = Milliseconds(1);

}  // namespace

Application::Application(size_t host, const Scenario& scenario, const Time& now, EventQueue& events,
                         Report& report, Ledger& ledger)
    : host_(host),
      scenario_(scenario),
      now_(now),
      events_(events),
      report_(report),
      ledger_(ledger),
      prng_(scenario.seed * 11 + host) {}

Application::~Application() = default;

void Application::Fail(const Side& side, const char* what) {
  report_.Fail(std::to_string(now_.us) + " us, " + side.ToString() + ": " + what);
}

// --- who is who ---

Side* Application::Accept(Connection c) {
  const auto stream = means_.identify(c);
  if (!stream) {
    report_.Fail(std::to_string(now_.us) + " us, host " + std::to_string(host_) +
                 ": a connection opened that nobody asked for");
    return nullptr;
  }
  Side& side = ledger_.side(*stream);
  if (side.opened || side.closed) {
    // A SYN that comes twice opens again what is over (RFC 7413 2.1).
    if (!scenario_.hosts[host_].tcp.fast_open) Fail(side, "opened twice");
    c.set_user(kGhost);
    c.Abort();
    return nullptr;
  }
  side.c = c;
  c.set_user(1 + stream->connection * 2 + stream->end);
  return &side;
}

Side* Application::Known(Connection c, const char* callback) {
  const uint64_t user = c.user();
  if (user == kGhost) return nullptr;
  if (user == 0 || user > ledger_.sides().size()) {
    report_.Fail(std::to_string(now_.us) + " us, host " + std::to_string(host_) + ": " + callback +
                 " for a connection that is not open");
    return nullptr;
  }
  Side& side = ledger_.sides()[user - 1];
  if (side.c != c) Fail(side, "a callback has another's user()");
  if (side.closed) Fail(side, "a callback after OnClosed");
  if (side.lost) Fail(side, "a callback after the host has died");
  return &side;
}

void Application::Connected(Side& side, Connection c) {
  side.connected = true;
  side.connected_at = now_;
  side.c = c;
  c.set_user(1 + side.stream.connection * 2 + side.stream.end);
  if (c.user() == 0) Fail(side, "user() is not kept");
  // Text before the handshake, or with its first segment.
  if (prng_.Chance(300) || scenario_.hosts[host_].tcp.fast_open) Pump(side);
}

void Application::Died() {
  graves_.clear();
  for (Side& side : ledger_.sides()) {
    if (side.host != host_) continue;
    side.c = Connection();
    if (side.over() || (!side.opened && !side.connected)) continue;
    side.lost = true;
    side.ended_at = now_;
  }
}

void Application::Later(Duration after, Side& side, void (Application::*what)(Side&)) {
  events_.Add(now_ + after, host_, [this, &side, what] {
    if (!side.over()) (this->*what)(side);
  });
}

// --- callbacks ---

void Application::OnOpen(Connection c) {
  Side* side = c.user() != 0 ? Known(c, "OnOpen") : Accept(c);
  if (side == nullptr) return;
  if (side->rude) Fail(*side, "OnOpen after Close or Abort");
  if (std::exchange(side->opened, true)) Fail(*side, "OnOpen was called twice");
  if (side->plan.end != SideScenario::End::kGraceful && side->plan.end_after == 0) EndRudely(*side);
  Pump(*side);
  Meddle(*side);
}

void Application::OnData(Connection c, Bytes text) {
  Side* side = Known(c, "OnData");
  if (side == nullptr) return;
  CheckText(*side, text);
  if (side->kind == Kind::kEcho && side->stream.end == 1) Echo(*side, text);
  const SideScenario& plan = side->plan;
  if (plan.end != SideScenario::End::kGraceful && side->received >= plan.end_after) {
    EndRudely(*side);
  } else if (plan.stops_reading_after && side->received >= *plan.stops_reading_after &&
             now_ < scenario_.faults_end()) {
    Pause(*side, scenario_.faults_end() - now_);
  } else if (prng_.Chance(plan.pause)) {
    Pause(*side, plan.pause_for);
  }
  Meddle(*side);
}

void Application::CheckText(Side& side, Bytes text) {
  if (!side.opened) Fail(side, "OnData before OnOpen");
  if (side.rude) Fail(side, "OnData after Close or Abort");
  if (side.peer_closed) Fail(side, "OnData after OnPeerClosed");
  if (side.paused) Fail(side, "OnData while paused");
  if (text.empty()) Fail(side, "OnData without text");
  const Stream content{side.stream.connection, side.kind == Kind::kEcho ? 0 : 1 - side.stream.end};
  for (const uint8_t octet : text) {
    if (octet != StreamOctet(content, side.received)) {
      return Fail(side, "received an octet that was not sent there");
    }
    ++side.received;
  }
}

// What OnData brings on a coupled listener, Send takes.
void Application::Echo(Side& side, Bytes text) {
  if (side.shut || side.rude || side.c.Info().state == TcpState::kClosed) return;
  if (side.c.send_room() < text.size()) Fail(side, "OnData brought more than there is room for");
  const size_t taken = side.c.Send(text);
  side.sent += static_cast<uint32_t>(taken);
  if (taken != text.size()) Fail(side, "Send did not take what OnData brought");
}

void Application::OnWritable(Connection c) {
  Side* side = Known(c, "OnWritable");
  if (side == nullptr) return;
  if (!side->opened) Fail(*side, "OnWritable before OnOpen");
  if (side->rude) Fail(*side, "OnWritable after Close or Abort");
  if (!std::exchange(side->wants_room, false)) Fail(*side, "OnWritable, and Send had taken all");
  Pump(*side);
  Meddle(*side);
}

void Application::OnPeerClosed(Connection c) {
  Side* side = Known(c, "OnPeerClosed");
  if (side == nullptr) return;
  if (!side->opened) Fail(*side, "OnPeerClosed before OnOpen");
  if (side->rude) return Fail(*side, "OnPeerClosed after Close or Abort");
  if (std::exchange(side->peer_closed, true)) Fail(*side, "OnPeerClosed was called twice");
  Pump(*side);
  Meddle(*side);
}

void Application::OnClosed(Connection c, CloseReason reason) {
  Side* side = Known(c, "OnClosed");
  if (side == nullptr) return;
  side->closed = true;
  side->reason = reason;
  side->ended_at = now_;
  side->timer_at.reset();
  if (c.Send(Bytes()) != 0 || c.send_room() != 0) Fail(*side, "Send in OnClosed");
  Meddle(*side);
  graves_.push_back(c);
}

void Application::OnTimer(Connection c) {
  Side* side = Known(c, "OnTimer");
  if (side == nullptr) return;
  if (side->rude) Fail(*side, "OnTimer after Close or Abort");
  if (!side->timer_at) {
    Fail(*side, "OnTimer, and no timer was set");
  } else if (now_ + kTimerGrain < *side->timer_at) {
    Fail(*side, "OnTimer came too early");
  }
  side->timer_at.reset();
  Meddle(*side);
}

// --- ends ---

void Application::EndRudely(Side& side) {
  if (side.plan.end == SideScenario::End::kAbort) {
    Abort(side);
  } else {
    Close(side);
  }
}

void Application::Shutdown(Side& side) {
  side.shut = true;
  side.shut_early = side.sent < side.plan.octets;
  side.c.Shutdown();
}

void Application::Close(Side& side) {
  side.rude = true;
  side.timer_at.reset();
  side.c.Close();
}

void Application::Abort(Side& side) {
  side.rude = true;
  side.timer_at.reset();
  side.c.Abort();
}

void Application::Pause(Side& side, Duration duration) {
  if (side.rude || side.over() || std::exchange(side.paused, true)) return;
  side.c.Pause();
  Later(duration, side, &Application::Resume);
}

void Application::Resume(Side& side) {
  side.paused = false;
  side.c.Resume();
}

// --- sending ---

void Application::Pump(Side& side) {
  if (side.rude || side.over() || side.shut) {
    if (side.shut && side.peer_closed && !side.rude && !side.over()) side.c.Close();
    return;
  }
  const SideScenario& plan = side.plan;
  while (side.sent < plan.octets) {
    const uint32_t n = std::min(plan.chunk, plan.octets - side.sent);
    std::vector<uint8_t> text(n);
    for (uint32_t k = 0; k < n; ++k) text[k] = StreamOctet(side.stream, side.sent + k);
    if (plan.owned) {
      if (side.owned_blocks == kOwnedBlocksMax) return;
      // Refused: no record was free, or the connection cannot send any more.
      if (!SendOwned(side, text)) return PumpAgain(side);
      side.sent += n;
    } else {
      const size_t taken = side.c.Send(text);
      side.sent += static_cast<uint32_t>(taken);
      if (taken < n) {
        side.wants_room = true;
        return;
      }
    }
  }
  // Before the handshake Shutdown would give the attempt up.
  if (!side.opened) return;
  if (plan.half_close || side.peer_closed) Shutdown(side);
  if (side.shut && side.peer_closed) side.c.Close();
}

void Application::PumpAgain(Side& side) {
  if (std::exchange(side.pumps_again, true)) return;
  events_.Add(now_ + kSendAgain, host_, [this, &side] {
    side.pumps_again = false;
    Pump(side);
  });
}

bool Application::SendOwned(Side& side, const std::vector<uint8_t>& text) {
  auto block = std::make_unique<Block>();
  block->application = this;
  block->side = &side;
  block->octets = text;
  if (!side.c.SendOwned(block->octets, Release, block.get())) return false;
  ++side.owned_blocks;
  ++owned_blocks_;
  blocks_.push_back(std::move(block));
  return true;
}

// The octets are spoilt: whoever still sends them is caught by the wire checker.
void Application::Release(void* context) {
  auto& block = *static_cast<Block*>(context);
  Application& self = *block.application;
  if (std::exchange(block.released, true)) self.Fail(*block.side, "memory was released twice");
  for (uint8_t& octet : block.octets) octet = static_cast<uint8_t>(~octet);
  --block.side->owned_blocks;
  --self.owned_blocks_;
  self.Later(Microseconds(1), *block.side, &Application::Pump);
}

}  // namespace weir::sim
