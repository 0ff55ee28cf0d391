// Timers: deadlines are fields of the control block, the wheel only sees to it that someone looks
// at them in time. What falls due becomes something owed.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// Connections whose deadlines one turn looks at; the rest waits for the next turn, so that a mass
// expiry never holds up the packets (requirement S6).
constexpr uint32_t kTimersPerTurn = 1024;
// RFC 9293 3.8.6.2.1: the override of sender silly-window avoidance lies between 0.1 and 1 second.
constexpr uint32_t kOverrideMinMs = 100;
constexpr uint32_t kOverrideMaxMs = 1000;
// More than Tcb::retransmits counts.
constexpr uint32_t kNoRetryLimit = 0x100;
// As far as the field counts; the RTO has met its maximum long before.
constexpr uint8_t kBackoffMax = 15;

}  // namespace

void Engine::RunTimers(Time now) {
  now_ = now;
  wheel_.Advance(now, kTimersPerTurn, [this](uint32_t index) {
    Tcb& c = tcbs_[index];
    TimerExpired(c);
    ArmWheel(c);
  });
  half_open_wheel_.Advance(now, kTimersPerTurn, [this](uint32_t place) { HalfOpenExpired(place); });
  time_wait_wheel_.Advance(now, kTimersPerTurn, [this](uint32_t place) { TimeWaitExpired(place); });
}

// Puts the connection on the wheel for its earliest deadline. A deadline that moved later leaves it
// where it is.
void Engine::ArmWheel(Tcb& c) {
  std::optional<Millis> at;
  const auto consider = [&at](Millis deadline) {
    if (!at || deadline < *at) at = deadline;
  };
  if (c.has(kRetransmitArmed)) consider(c.retransmit_at);
  if (c.has(kAppTimer)) consider(c.app_timer_at);
  if (const Flight* f = Borrowed(c); f != nullptr && f->ack_pending) consider(f->ack_at);
  if (const auto keep_alive = KeepAliveAt(c)) consider(*keep_alive);
  if (const auto look = PaceAt(c)) consider(*look);
  if (at) wheel_.Arm(tcbs_.IndexOf(c), *at);
}

void Engine::ArmRetransmit(Tcb& c, uint32_t ms) {
  c.set(kRetransmitArmed);
  c.retransmit_at = now_ms() + ms;
  ArmWheel(c);
}

// Retransmission timeouts and window probes are cut short by the user timeout.
void Engine::ArmRto(Tcb& c, uint32_t ms) {
  ArmRetransmit(c, std::min(ms, UserTimeoutLeft(c).value_or(ms)));
}

// How much is left of the user timeout; 0 when it is over, nothing when none runs. It counts from
// the last progress while something is outstanding or the peer's window keeps text back, and from
// the first SYN of an active open.
std::optional<uint32_t> Engine::UserTimeoutLeft(const Tcb& c) const {
  const uint32_t limit = SettingsOf(c).user_timeout_ms;
  if (limit == 0 || !c.has(kActiveOpen | kOpened)) return std::nullopt;
  Millis since = c.heard_at;
  if (c.synchronized()) {
    const Flight* f = FlightOf(c);
    const bool window_closed = c.has(kPersist) && c.snd.wnd == 0;
    if (f == nullptr || (c.in_flight() == 0 && !window_closed)) return std::nullopt;
    since = f->progress_at;
  }
  const uint32_t passed = static_cast<uint32_t>(std::max(0, now_ms() - since));
  return limit > passed ? limit - passed : 0;
}

// R2 (MUST-20) in retransmissions or unanswered probes; with a user timeout that alone decides
// (MUST-21), but an orphan has nobody left who asked for patience.
uint32_t Engine::RetriesMax(const Tcb& c) const {
  const Settings& s = SettingsOf(c);
  if (c.has(kOrphan)) return s.orphan_retries;
  return s.user_timeout_ms != 0 ? kNoRetryLimit : s.retries2;
}

void Engine::GiveUp(Tcb& c) {
  counters_.Add(Counter::kTcpTimedOut);
  if (c.state != TcpState::kSynSent) c.owe(kSendReset);
  Finish(c, CloseReason::kTimedOut);
}

// An application that forgets a connection after the peer's FIN would keep it for ever. What is
// sent meanwhile has its own timer; this one follows it.
void Engine::WatchCloseWait(Tcb& c) {
  const uint32_t limit = SettingsOf(c).close_wait_ms;
  if (limit == 0 || c.state != TcpState::kCloseWait || c.in_flight() != 0 || c.has(kPersist)) {
    return;
  }
  ArmRetransmit(c, limit);
}

// Only an established connection with nothing outstanding is probed (MUST-26).
std::optional<Millis> Engine::KeepAliveAt(const Tcb& c) const {
  if (!c.has(kKeepAlive) || c.in_flight() != 0 || c.has(kPersist) ||
      (c.state != TcpState::kEstablished && c.state != TcpState::kCloseWait &&
       c.state != TcpState::kFinWait2)) {
    return std::nullopt;
  }
  const Settings& s = SettingsOf(c);
  const uint32_t ms = s.keepalive_idle_ms + c.retransmits * s.keepalive_interval_ms;
  // Only under a user timeout are there so many probes: they are enough, and its end is awaited.
  return c.heard_at + (c.retransmits == 0xff ? std::max(ms, s.user_timeout_ms) : ms);
}

void Engine::TimerExpired(Tcb& c) {
  const Millis now = now_ms();
  if (c.has(kAppTimer) && c.app_timer_at <= now) {
    c.clear(kAppTimer);
    Touch(c);
    if (c.has(kOrphan)) {
      LingerOver(c);
    } else {
      c.owe(kEventTimer);
    }
  }
  if (Flight* f = Borrowed(c); f != nullptr && f->ack_pending && f->ack_at <= now) {
    f->ack_pending = false;
    c.owe(kAckNow);
    counters_.Add(Counter::kTcpDelayedAcks);
    Touch(c);
  }
  if (c.has(kRetransmitArmed) && c.retransmit_at <= now) {
    c.clear(kRetransmitArmed);
    Touch(c);
    RetransmitTimeout(c);
  }
  if (const auto keep_alive = KeepAliveAt(c); keep_alive && *keep_alive <= now) {
    Touch(c);
    KeepAliveTimeout(c);
  }
  if (const auto look = PaceAt(c); look && *look <= now) LookAtPace(c);
}

void Engine::KeepAliveTimeout(Tcb& c) {
  const Settings& s = SettingsOf(c);
  const bool over =
      s.user_timeout_ms == 0
          ? c.retransmits >= s.keepalive_probes
          : c.retransmits != 0 && now_ms().value - c.heard_at.value >= s.user_timeout_ms;
  if (over || c.retransmits == 0xff) return GiveUp(c);
  ++c.retransmits;
  c.owe(kProbe);
  counters_.Add(Counter::kTcpKeepAlives);
}

// Close had so long to get everything acknowledged; FIN-WAIT-2 has its own limit.
void Engine::LingerOver(Tcb& c) {
  if (c.state == TcpState::kFinWait2 || c.state == TcpState::kTimeWait) return;
  c.owe(kSendReset);
  Finish(c, CloseReason::kTimedOut);
  counters_.Add(Counter::kTcpLingerOver);
}

void Engine::RetransmitTimeout(Tcb& c) {
  if (UserTimeoutLeft(c) == 0u) return GiveUp(c);
  switch (c.state) {
    case TcpState::kTimeWait:
      Finish(c, CloseReason::kNormal);
      return;
    case TcpState::kFinWait2:
      if (c.in_flight() == 0 && c.has(kOrphan) && !c.has(kPersist)) {
        Finish(c, CloseReason::kNormal);
        return;
      }
      break;
    case TcpState::kCloseWait:
      if (c.in_flight() == 0 && !c.has(kPersist)) {
        counters_.Add(Counter::kTcpCloseWaitOver);
        c.owe(kSendReset);
        Finish(c, CloseReason::kTimedOut);
        return;
      }
      break;
    case TcpState::kSynSent:
    case TcpState::kSynReceived: {
      const Settings& s = SettingsOf(c);
      if (c.retransmits >= (c.fast_opened() ? s.synack_retries : s.syn_retries)) {
        counters_.Add(Counter::kTcpTimedOut);
        Finish(c, CloseReason::kTimedOut);
        return;
      }
      ++c.retransmits;
      if (c.fast_opened()) return FastOpenTimeout(c);
      c.owe(kSendSyn);
      counters_.Add(Counter::kTcpRetransmits);
      return;
    }
    default:
      break;
  }
  const Flight* flight = FlightOf(c);
  const bool probed_enough =  // by an orphan, whose peer may answer probes of its window for ever
      c.has(kPersist) && c.has(kOrphan) && flight != nullptr &&
      flight->probe_backoff >= RetriesMax(c);
  if (probed_enough || c.retransmits >= RetriesMax(c)) return GiveUp(c);
  if (c.has(kPersist)) {
    c.clear(kPersist);
    if (c.snd.wnd != 0) {
      c.owe(kOverride | kOutput);
    } else {
      if (c.retransmits != 0xff) ++c.retransmits;  // until the peer answers
      if (Flight* f = Borrowed(c); f != nullptr && f->probe_backoff < 0xff) ++f->probe_backoff;
      c.owe(kProbe | kOutput);
    }
    return;
  }
  counters_.Add(Counter::kTcpTimeouts);
  if (Flight* f = Borrowed(c)) {
    if (TimedOutForItsSize(c, *f)) {
      c.ssthresh = std::max(c.ssthresh, c.cwnd);
    } else if (c.retransmits == 0) {
      c.ssthresh = std::max(c.in_flight() / 2, 2u * c.mss);  // RFC 5681 3.1 (4)
    }
    c.cwnd = c.mss;
    f->in_recovery = false;
    f->recover = c.snd.nxt;
    f->recover_valid = true;
    f->dup_acks = 0;
    f->acked_in_window = 0;
    f->timing = false;  // Karn
    f->resend = c.snd.una;
  }
  if (c.retransmits != 0xff) ++c.retransmits;
  // R1 (MUST-20, SHLD-10): from now on SendSegment passes on that the next hop may be gone.
  if (c.retransmits == SettingsOf(c).retries1) ReportSoftError(c, SoftError::kNoAnswer);  // SHLD-9
  if (c.backoff < kBackoffMax) ++c.backoff;
  ArmRto(c, Rto(c, c.backoff));
  c.owe(kOutput);
}

// Text waits and nothing is out that would bring an ACK: only a timer can go on (MUST-36).
void Engine::WatchWindow(Tcb& c) {
  // A window that has opened by a crumb does not wait for the next probe of the closed one.
  const bool probing =
      c.has(kPersist) && c.snd.wnd != 0 && now_ms() + kOverrideMaxMs < c.retransmit_at;
  if (c.has(kPersist) && c.has(kRetransmitArmed) && !probing) return;
  Flight* f = Borrowed(c);
  if (!c.has(kPersist) && f != nullptr && f->probe_backoff == 0) f->progress_at = now_ms();
  c.set(kPersist);
  const uint32_t rto = Rto(c, f == nullptr ? 0 : f->probe_backoff);
  ArmRto(c, c.snd.wnd == 0 ? rto : std::clamp(rto, kOverrideMinMs, kOverrideMaxMs));
}

}  // namespace weir::tcp
