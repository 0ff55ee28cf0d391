// An application that calls anything, on this connection or on another, in any callback.
#include "sim/application.h"

namespace weir::sim {
namespace {

constexpr unsigned kMeddlingMax = 300;  // calls of one host, so that every run ends
constexpr uint32_t kTimerMaxMs = 5000;
constexpr Duration kPauseMax = Seconds(1);

}  // namespace

void Application::Meddle(Side& side) {
  if (!prng_.Chance(side.plan.meddle) || meddled_ == kMeddlingMax) return;
  ++meddled_;
  switch (prng_.Below(8)) {
    case 0:
      return means_.open_spare();
    case 1:
      return TryDeadHandle();
    case 2:
    case 3:
      if (Side* other = AnySide()) Call(*other, prng_.Below(24));
      return;
    default:
      if (!side.over() && !side.rude) Call(side, prng_.Below(24));
  }
}

// A connection of this host that its application has not let go of.
Side* Application::AnySide() {
  std::vector<Side>& sides = ledger_.sides();
  const size_t first = prng_.Below(sides.size());
  for (size_t i = 0; i < sides.size(); ++i) {
    Side& side = sides[(first + i) % sides.size()];
    if (side.host == host_ && (side.opened || side.connected) && !side.over() && !side.rude) {
      return &side;
    }
  }
  return nullptr;
}

// The calls that end a connection are rare, or nothing else would be seen.
void Application::Call(Side& side, uint64_t what) {
  switch (what) {
    case 0:
      return Close(side);
    case 1:
      return Abort(side);
    case 2:
      // In SYN-SENT it gives the attempt up.
      if (side.c.Info().state == TcpState::kSynSent) side.rude = true;
      Shutdown(side);
      return Pump(side);
    case 3:
    case 4:
    case 5:
      return Pause(
          side,
          Microseconds(1 + static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(kPauseMax.us)))));
    case 6:
    case 7:
      return Resume(side);
    case 8:
    case 9:
    case 10:
      return SetTimer(side);
    case 11:
    case 12:
      if (!side.c.SetNoDelay(prng_.Chance(500))) Fail(side, "SetNoDelay found nothing");
      return;
    case 13:
      if (!side.c.SetKeepAlive(true)) Fail(side, "SetKeepAlive found nothing");
      return;
    case 14:
      if (side.c.Send(Bytes()) != 0) Fail(side, "Send took more than it was given");
      return;
    case 15:
    case 16:
      if (!side.c.alive()) Fail(side, "is not alive before OnClosed");
      if (side.c.Info().local != side.c.local() || side.c.Info().remote != side.c.remote()) {
        Fail(side, "Info has other end points");
      }
      return;
    default:
      return Pump(side);
  }
}

void Application::SetTimer(Side& side) {
  const auto ms = static_cast<uint32_t>(prng_.Below(kTimerMaxMs));
  side.c.SetTimer(ms);
  // One that has ended may still have a reader, who comes back by timer; after OnClosed none has.
  if (ms == 0 || side.closed) {
    side.timer_at.reset();
  } else {
    side.timer_at = now_ + Milliseconds(ms);
  }
}

// A handle that was kept too long finds nothing.
void Application::TryDeadHandle() {
  if (graves_.empty()) return;
  Connection dead = graves_[prng_.Below(graves_.size())];
  const uint8_t octet = 0;
  dead.Shutdown();
  dead.Resume();
  dead.SetTimer(1);
  dead.set_user(1);
  dead.Abort();
  if (dead.alive() || dead.Send({&octet, 1}) != 0 || dead.send_room() != 0 || dead.user() != 0 ||
      dead.SetNoDelay(true) || dead.Info().state != TcpState::kClosed ||
      dead.SendOwned({&octet, 1}, nullptr, nullptr)) {
    report_.Fail(std::to_string(now_.us) + " us, host " + std::to_string(host_) +
                 ": a dead handle does something");
  }
}

}  // namespace weir::sim
