// Limits for slow peers: what they must do for their connection to be kept, where the application
// or the configuration says so. MUST-37 has us wait before a closed window for as long as the peer
// answers; whoever sets min_rate or idle_timeout_ms decides otherwise, and that is off by default.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// A connection that carries gigabits may meet its old sequence numbers again within an interval:
// before one is ended because it has hardly moved, it is looked at once more.
constexpr uint32_t kSecondLookMs = 100;

Millis LaterOf(Millis a, Millis b) { return a < b ? b : a; }

}  // namespace

// From now on. `awaits_text`: the first that comes after this.
void Engine::BeginPace(Tcb& c, bool awaits_text) {
  const Settings& s = SettingsOf(c);
  Pace& p = paces_[tcbs_.IndexOf(c)];
  p = {};
  p.moved_at = now_ms();
  p.moved = c.moved();
  p.silent = awaits_text && s.first_text_ms != 0;
  p.text_due = now_ms() + s.first_text_ms;
  p.request = c.rcv.nxt;
  BeginInterval(c, p);
  PlanLook(c, p);
}

// The connection was configured; `had` limits before. A first text that was waited for still is.
void Engine::RestartPace(Tcb& c, bool had, const ConnectionOptions& options) {
  const bool named = options.idle_timeout_ms || options.first_text_ms || options.min_rate ||
                     options.min_request_rate || options.min_rate_interval_ms;
  if (!ProfileOf(c).paced || !c.synchronized() || (had && !named)) return;
  const Pace before = paces_[tcbs_.IndexOf(c)];
  const bool waits = had && before.silent && c.rcv.nxt == before.request;
  BeginPace(c, waits || options.first_text_ms);
  if (!waits || options.first_text_ms) return;
  Pace& p = paces_[tcbs_.IndexOf(c)];
  p.text_due = before.text_due;
  PlanLook(c, p);
}

void Engine::BeginInterval(const Tcb& c, Pace& p) const {
  p.interval_ends = now_ms() + SettingsOf(c).min_rate_interval_ms;
  p.una = c.snd.una;
  p.owed = TextAwaited(c);
  p.sent = c.snd.nxt;
  p.heard = c.rcv.nxt;
  p.doubted = false;
}

// What the peer has to acknowledge within an interval: min_rate, or all there is.
uint32_t Engine::TextAwaited(const Tcb& c) const {
  const Flight* f = FlightOf(c);
  if (f == nullptr) return 0;
  uint32_t octets = f->send_octets;
  const uint32_t unsent = octets - std::min(octets, c.in_flight());
  if (c.has(kCork) && unsent < c.mss) octets -= unsent;  // the application holds it back
  return std::min(octets, SettingsOf(c).min_rate);
}

// When the limits of the connection are looked at next, if at all.
std::optional<Millis> Engine::PaceAt(const Tcb& c) const {
  if (!ProfileOf(c).paced || !c.synchronized() || c.state == TcpState::kTimeWait) {
    return std::nullopt;
  }
  const Pace& p = paces_[tcbs_.IndexOf(c)];
  if (!p.watched) return std::nullopt;
  return p.look_at;
}

// Once the application has let go, orphan_retries, fin_wait2_ms and linger_ms watch over the end;
// only how fast the rest is read counts on.
void Engine::PlanLook(Tcb& c, Pace& p) {
  const Settings& s = SettingsOf(c);
  p.watched = false;
  const auto consider = [&p](Millis at) {
    if (!p.watched || at < p.look_at) p.look_at = at;
    p.watched = true;
  };
  const bool attended = !c.has(kOrphan);
  if (s.idle_timeout_ms != 0 && attended) consider(p.moved_at + s.idle_timeout_ms);
  if (p.silent && attended) consider(p.text_due);
  if (s.min_rate != 0 || (s.min_request_rate != 0 && attended)) consider(p.interval_ends);
  ArmWheel(c);
}

void Engine::LookAtPace(Tcb& c) {
  const Settings& s = SettingsOf(c);
  Pace& p = paces_[tcbs_.IndexOf(c)];
  if (c.rcv.nxt != p.request) p.silent = false;
  NoteMovement(c, p);
  if (!c.has(kOrphan)) {
    if (s.idle_timeout_ms != 0 && p.moved_at + s.idle_timeout_ms <= now_ms()) {
      return EndSlow(c, Counter::kTcpIdle);
    }
    if (p.silent && p.text_due <= now_ms()) return EndSlow(c, Counter::kTcpNoFirstText);
  }
  if ((s.min_rate | s.min_request_rate) != 0 && p.interval_ends <= now_ms()) {
    const bool slow_reader = Distance(p.una, c.snd.una) < p.owed;
    const bool slow = slow_reader || RequestIsSlow(c, p);
    if (slow && p.doubted) {
      return EndSlow(c, slow_reader ? Counter::kTcpSlowReader : Counter::kTcpSlowRequest);
    }
    if (slow) {
      p.doubted = true;
      p.interval_ends = now_ms() + kSecondLookMs;
    } else {
      BeginInterval(c, p);
    }
  }
  PlanLook(c, p);
}

// Octets move when a segment brings them or acknowledges them, so no later than one was heard:
// where the peer chatters without octets, the limit is found up to once its length late.
void Engine::NoteMovement(const Tcb& c, Pace& p) const {
  if (const uint32_t moved = c.moved(); moved != p.moved) {
    p.moved = moved;
    p.moved_at = LaterOf(p.moved_at, c.heard_at);
  }
  const Flight* f = FlightOf(c);
  if (f == nullptr) return;
  if (!f->unread.empty()) {
    p.moved_at = now_ms();  // it is the application that is slow
  } else if (c.in_flight() != 0 || c.has(kPersist)) {
    p.moved_at = LaterOf(p.moved_at, f->progress_at);  // it has been sent since
  }
}

// Where a request ends, only the application knows. But text that comes after a whole interval
// shows that it had not ended before, and then it should have come faster. Who says nothing may be
// waiting for us, and is idle_timeout_ms's business.
bool Engine::RequestIsSlow(const Tcb& c, Pace& p) const {
  const uint32_t rate = SettingsOf(c).min_request_rate;
  if (rate == 0) return false;
  const Flight* f = FlightOf(c);
  const bool unread = f != nullptr && !f->unread.empty();
  if (c.snd.nxt != p.sent || unread || c.has(kPaused | kPeerFin | kOrphan)) {
    p.requesting = false;  // answered; or it is not the peer who keeps us waiting
    p.request = c.rcv.nxt;
    return false;
  }
  if (c.rcv.nxt == p.heard) {
    if (p.requesting && p.intervals != 0xffff) ++p.intervals;
    return false;
  }
  if (!p.requesting) {  // it began somewhere in this interval, which does not count
    p.requesting = true;
    p.request = p.heard;
    p.intervals = 0;
    return false;
  }
  if (Distance(p.request, c.rcv.nxt) < uint64_t{rate} * (p.intervals + 1u)) return true;
  p.request = c.rcv.nxt;
  p.intervals = 0;
  return false;
}

void Engine::EndSlow(Tcb& c, Counter why) {
  counters_.Add(why);
  c.owe(kSendReset);
  Finish(c, CloseReason::kTooSlow);
}

}  // namespace weir::tcp
