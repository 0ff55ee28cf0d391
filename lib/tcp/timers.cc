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
// As far as the field counts; the RTO has met its maximum long before.
constexpr uint8_t kBackoffMax = 15;

}  // namespace

void Engine::RunTimers(Time now) {
  now_ = now;
  wheel_.Advance(now_ms(), kTimersPerTurn, [this](uint32_t index) {
    Tcb& c = tcbs_[index];
    TimerExpired(c);
    ArmWheel(c);
  });
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
  if (at) wheel_.Arm(tcbs_.IndexOf(c), *at);
}

void Engine::ArmRetransmit(Tcb& c, uint32_t ms) {
  c.set(kRetransmitArmed);
  c.retransmit_at = now_ms() + ms;
  ArmWheel(c);
}

// Only an established connection with nothing outstanding is probed (MUST-26).
std::optional<Millis> Engine::KeepAliveAt(const Tcb& c) const {
  if (!c.has(kKeepAlive) || c.in_flight() != 0 || c.has(kPersist) ||
      (c.state != TcpState::kEstablished && c.state != TcpState::kCloseWait &&
       c.state != TcpState::kFinWait2)) {
    return std::nullopt;
  }
  return c.heard_at + config_.keepalive_idle_ms + c.retransmits * config_.keepalive_interval_ms;
}

void Engine::TimerExpired(Tcb& c) {
  const Millis now = now_ms();
  if (c.has(kAppTimer) && c.app_timer_at <= now) {
    c.clear(kAppTimer);
    c.owe(kEventTimer);
    Touch(c);
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
}

void Engine::KeepAliveTimeout(Tcb& c) {
  if (c.retransmits >= config_.keepalive_probes) {
    counters_.Add(Counter::kTcpTimedOut);
    c.owe(kSendReset);
    Finish(c, CloseReason::kTimedOut);
    return;
  }
  ++c.retransmits;
  c.owe(kProbe);
  counters_.Add(Counter::kTcpKeepAlives);
}

void Engine::RetransmitTimeout(Tcb& c) {
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
    case TcpState::kSynSent:
    case TcpState::kSynReceived: {
      const bool active = c.state == TcpState::kSynSent || c.has(kActiveOpen);
      if (c.retransmits >= (active ? config_.syn_retries : config_.synack_retries)) {
        counters_.Add(Counter::kTcpTimedOut);
        Finish(c, CloseReason::kTimedOut);
        return;
      }
      ++c.retransmits;
      c.owe(kSendSyn);
      counters_.Add(active ? Counter::kTcpRetransmits : Counter::kTcpSynAckRetransmits);
      return;
    }
    default:
      break;
  }
  if (c.retransmits >= config_.retries2) {  // R2 (MUST-20)
    counters_.Add(Counter::kTcpTimedOut);
    c.owe(kSendReset);
    Finish(c, CloseReason::kTimedOut);
    return;
  }
  if (c.has(kPersist)) {
    c.clear(kPersist);
    if (c.snd.wnd != 0) {
      c.owe(kOverride | kOutput);
    } else {
      ++c.retransmits;  // until the peer answers
      // Nothing was sent for an RTO (RFC 5681 4.1).
      c.cwnd = std::min(c.cwnd, config_.initial_window_segments * c.mss);
      if (Flight* f = Borrowed(c); f != nullptr && f->probe_backoff < 0xff) ++f->probe_backoff;
      c.owe(kProbe | kOutput);
    }
    return;
  }
  counters_.Add(Counter::kTcpTimeouts);
  if (Flight* f = Borrowed(c)) {
    if (c.retransmits == 0) {
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
  ++c.retransmits;
  // R1 (MUST-20, SHLD-10): look the next hop up anew.
  if (c.retransmits == config_.retries1) c.neighbour = kNoNeighbour;
  if (c.backoff < kBackoffMax) ++c.backoff;
  ArmRetransmit(c, Rto(c, c.backoff));
  c.owe(kOutput);
}

// Text waits and nothing is out that would bring an ACK: only a timer can go on (MUST-36).
void Engine::WatchWindow(Tcb& c) {
  // A window that has opened by a crumb does not wait for the next probe of the closed one.
  const bool probing =
      c.has(kPersist) && c.snd.wnd != 0 && now_ms() + kOverrideMaxMs < c.retransmit_at;
  if (c.has(kRetransmitArmed) && !probing) return;
  c.set(kPersist);
  const Flight* f = Borrowed(c);
  const uint32_t rto = Rto(c, f == nullptr ? 0 : f->probe_backoff);
  ArmRetransmit(c, c.snd.wnd == 0 ? rto : std::clamp(rto, kOverrideMinMs, kOverrideMaxMs));
}

}  // namespace weir::tcp
