// What an acknowledgement does to the sending side: RFC 9293 3.10.7.4 fifth, RFC 5681, RFC 6582 and
// RFC 6298.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

constexpr uint8_t kDupAckThreshold = 3;           // RFC 5681 3.2
constexpr uint32_t kRtoAfterSynTimeoutMs = 3000;  // RFC 6298 5.7
constexpr uint32_t kClockGranularityUs = 1000;    // G of RFC 6298

}  // namespace

// SYN-RECEIVED: the third segment of the handshake. A wrong one is refused, but the entry stays: a
// stranger must not be able to end it.
bool Engine::FinishHandshake(Arrival& a) {
  Tcb& c = a.c;
  if (a.h.ack <= c.snd.una || a.h.ack > c.snd.nxt) {
    AnswerWithReset({&a.frame, a.packet, c.local});
    return Drop(Counter::kDropTcpAck);
  }
  // RFC 6298 3 (Karn): a sample only when the SYN-ACK went out once.
  if (!c.has(kSynTimedOut)) SampleRtt(c, static_cast<uint32_t>(now_.us) - c.rttvar_us);
  const bool awaits_text = !c.fast_opened() || c.rcv.nxt == c.snd.wl1 + 1;
  c.snd.una = c.snd.una + 1;  // the SYN; AckArrives takes the rest
  // Never scaled in a SYN (RFC 7323 2.2).
  c.snd.wnd = static_cast<uint32_t>(a.h.window) << (a.h.syn() ? 0 : c.send_scale());
  c.snd.wl1 = a.h.seq;
  c.wnd_max = std::max(c.wnd_max, c.snd.wnd);
  BecomeEstablished(c, awaits_text);
  if (Flight* f = Borrowed(c); f != nullptr && c.in_flight() != 0) {
    // Text went with the SYN or behind the SYN-ACK; its own acknowledgement is awaited from now on.
    f->progress_at = now_ms();
    ArmRto(c, Rto(c, c.backoff));
  }
  return true;
}

// `awaits_text`: none has come with the SYN.
void Engine::BecomeEstablished(Tcb& c, bool awaits_text) {
  const bool known = c.fast_opened();  // to the application
  c.state = TcpState::kEstablished;
  c.settle(kSendSyn);  // a SYN that came again earlier in this burst has its answer
  // RFC 6928 2 and 5681 3.1: ten segments, but one when the SYN had to be sent more than twice.
  const uint32_t segments = c.retransmits > 1 ? 1 : config_.initial_window_segments;
  // Its text waited for the handshake, but for that of a fast open.
  if (Flight* f = Borrowed(c); f != nullptr && f->mss_limit == 0) EnterPath(c, *f);
  c.cwnd = segments * PathMss(c, c.mss);
  c.retransmits = 0;
  StopRetransmit(c);
  c.owe(kOutput);  // text or FIN may be waiting (RFC 9293 3.10.7.3)
  if (known) {
    listeners_[ProfileOf(c).listener].fast_opens.End();
  } else {
    c.set(kOpened);
    if (!c.has(kActiveOpen)) CountIn(c);
    c.owe(kEventOpen);
  }
  if (c.has(kWantsRoom)) c.owe(kEventWritable);
  if (c.has(kKeepAlive)) ArmWheel(c);
  if (ProfileOf(c).paced) BeginPace(c, awaits_text);
  counters_.Add(Counter::kTcpEstablished);
}

bool Engine::AckArrives(Arrival& a) {
  Tcb& c = a.c;
  const Seq ack = a.h.ack;
  if (ack > c.snd.nxt) {
    ChallengeAck(c);
    return Drop(Counter::kDropTcpAck);
  }
  if (ack < c.snd.una - c.wnd_max) {  // RFC 5961 5.2
    ChallengeAck(c);
    return Drop(Counter::kDropTcpAck);
  }
  if (ack < c.snd.una) return true;  // old; its text may still be new

  const uint32_t window = static_cast<uint32_t>(a.h.window) << (a.h.syn() ? 0 : c.send_scale());
  const bool window_changed = window != c.snd.wnd;
  // SND.WL1 and WL2 keep an old segment from bringing back an old window.
  const bool newer = a.h.seq >= c.snd.wl1;  // SEG.ACK >= SND.UNA >= SND.WL2 holds here
  if (newer) {
    c.snd.wnd = window;
    c.snd.wl1 = a.h.seq;
    c.wnd_max = std::max(c.wnd_max, window);
    if (window_changed) c.owe(kOutput);
    // An orphan's peer could open it by a crumb now and then for ever: there only progress counts.
    const bool opens = window != 0 && (!c.has(kOrphan) || ack > c.snd.una);
    if (Flight* f = Borrowed(c); f != nullptr && opens && f->probe_backoff != 0) {
      // The window opens: nothing was sent for an RTO at least (RFC 5681 4.1).
      f->probe_backoff = 0;
      c.cwnd = std::min(c.cwnd, config_.initial_window_segments * c.mss);
    }
  } else if (ack > c.snd.una) {
    // The window counts from SND.UNA: what it does not say anew must not move its right edge.
    c.snd.wnd -= std::min(c.snd.wnd, Distance(c.snd.una, ack));
  }
  if (ack > c.snd.una) {
    NewAck(c, ack, a.h);
  } else if (c.has(kPersist) || c.in_flight() == 0) {
    // The peer answers our probes: it is there, whatever its window (MUST-37).
    c.retransmits = 0;
  } else if (window == 0 && c.retransmits >= RetriesMax(c) && !c.has(kOrphan)) {
    // Text is out that the window has shrunk away from, and the peer keeps saying so: not dead. An
    // orphan does not wait for it.
    c.retransmits = static_cast<uint8_t>(std::max(1u, RetriesMax(c)) - 1);
  } else if (a.frame.text_size == 0 && !a.h.fin() && !a.h.syn() && !window_changed) {
    DuplicateAck(c);  // the five conditions of RFC 5681 2
  }
  if (c.has(kPersist) && c.snd.wnd != 0) c.owe(kOutput);
  return true;
}

void Engine::NewAck(Tcb& c, Seq ack, const wire::TcpHeader& h) {
  const uint32_t acked = Distance(c.snd.una, ack);
  Flight* f = Borrowed(c);
  bool timer_runs_on = false;
  c.snd.una = ack;
  c.retransmits = 0;
  c.last_error = SoftError::kNone;
  c.settle(kEventSoftError);  // overtaken within this burst: nothing is wrong any more
  if (f != nullptr) {
    f->progress_at = now_ms();
    if (f->timing && ack >= f->rtt_seq) {
      f->timing = false;
      SampleRtt(c, now_.us - f->rtt_sent_us);
    } else if (!f->timing && c.has(kTimestamps) && h.options.ts_echo != 0 &&
               h.options.has(wire::TcpOptions::kTimestamps)) {
      // After a retransmission only the echoed timestamp tells which one was acknowledged.
      const auto ms = static_cast<int32_t>(TimestampNow(c) - h.options.ts_echo);
      if (ms >= 0) SampleRtt(c, std::max<int64_t>(int64_t{ms} * 1000, kClockGranularityUs));
    }
    TakeAcknowledged(c, *f);
    NoteAcknowledged(c, *f);
    // RFC 6582 3.2: only the first partial acknowledgement of a recovery restarts the timer, or a
    // window full of holes would be mended at one hole per round trip.
    timer_runs_on = f->in_recovery && f->partial_acked && c.has(kRetransmitArmed);
    Congestion(c, *f, acked);
    // Passed, and forgotten: 2^31 octets further on it would seem to lie ahead again.
    if (f->recover_valid && c.snd.una > f->recover) f->recover_valid = false;
    timer_runs_on = timer_runs_on && f->in_recovery;
    if (f->resend < c.snd.una) f->resend = c.snd.una;
    if (f->short_end < c.snd.una) f->short_end = c.snd.una;
  }
  c.clear(kPersist);
  if (c.snd.una == c.snd.nxt) {
    StopRetransmit(c);                   // RFC 6298 5.2
    if (c.has(kKeepAlive)) ArmWheel(c);  // its turn to watch
    WatchCloseWait(c);
  } else if (!timer_runs_on) {
    // RFC 6298 5.3. An ACK that is no sample does not end the back-off (Karn).
    ArmRto(c, Rto(c, c.backoff));
  }
  c.owe(kOutput);
}

// Gives back what is acknowledged; the application hears of the room.
void Engine::TakeAcknowledged(Tcb& c, Flight& f) {
  while (!f.send.empty() && f.send.head->end() <= c.snd.una) {
    Text* done = f.send.PopFront();
    f.send_octets -= done->size;
    if (!done->owned) f.copied_octets -= done->size;
    if (f.next_to_send == done) f.next_to_send = nullptr;
    ReleaseSent(done);
  }
  if (!f.send.empty() && f.send.head->seq < c.snd.una) {
    const uint32_t n = Distance(f.send.head->seq, c.snd.una);
    f.send.head->TrimFront(n);
    f.send_octets -= n;
    if (!f.send.head->owned) f.copied_octets -= n;
  }
  if (c.has(kWantsRoom)) c.owe(kEventWritable);
  if (!f.unread.empty()) c.owe(kEventData);  // text that waited for room to answer
}

// RFC 5681 3.1 and RFC 6582 3.2. `acked` octets are newly acknowledged.
void Engine::Congestion(Tcb& c, Flight& f, uint32_t acked) {
  f.dup_acks = 0;
  if (f.in_recovery) {
    if (c.snd.una >= f.recover) {  // a full acknowledgement
      f.in_recovery = false;
      c.cwnd = std::min(c.ssthresh, std::max<uint32_t>(c.in_flight(), c.mss) + c.mss);
    } else {  // a partial one: the next hole
      f.partial_acked = true;
      c.owe(kRetransmit);
      c.cwnd = c.cwnd > acked ? c.cwnd - acked : c.mss;
      if (acked >= c.mss) c.cwnd += c.mss;
    }
    return;
  }
  if (c.cwnd < c.ssthresh) {
    // Octets are counted (RFC 3465 2.1), up to a limit per ACK; see ADR 0007. After a timeout it is
    // one segment: an ACK that fills a hole covers what has left the network long ago (2.3).
    const bool after_timeout = f.recover_valid && c.snd.una <= f.recover;
    const uint32_t limit = after_timeout ? 1 : config_.slow_start_segments;
    // None while half of cwnd would have done: the application is the limit then (RFC 7661 4.3).
    if (c.cwnd < 2 * f.flight_max) c.cwnd += std::min<uint32_t>(acked, limit * c.mss);
  } else if (f.flight_max + c.mss > c.cwnd) {
    f.acked_in_window += acked;
    if (f.acked_in_window >= c.cwnd) {
      f.acked_in_window -= c.cwnd;
      c.cwnd += c.mss;
    }
  }
}

void Engine::DuplicateAck(Tcb& c) {
  Flight* f = Borrowed(c);
  if (f == nullptr || f->send.empty()) return;
  if (f->dup_acks != 0xff) ++f->dup_acks;
  if (f->in_recovery) {
    c.cwnd += c.mss;  // another segment has left the network
    c.owe(kOutput);
    return;
  }
  if (f->dup_acks < kDupAckThreshold) {
    c.owe(kOutput);  // limited transmit (RFC 3042): SendText allows one segment for each
    return;
  }
  // Not again for what the last recovery or timeout already covered (RFC 6582 3.2 step 2).
  if (f->dup_acks != kDupAckThreshold || (f->recover_valid && c.snd.una <= f->recover)) return;
  f->in_recovery = true;
  f->recover = c.snd.nxt;
  f->recover_valid = true;
  f->partial_acked = false;
  if (ProbeLost(c, *f)) {
    c.ssthresh = std::max(c.ssthresh, c.cwnd);  // no sign of congestion (RFC 4821 7.6.2)
  } else {
    // Without what limited transmit has sent beyond cwnd (RFC 5681 3.2 step 2).
    c.cwnd = c.ssthresh = std::max(std::min(c.in_flight(), c.cwnd) / 2, 2u * c.mss);
  }
  c.cwnd += kDupAckThreshold * c.mss;
  c.owe(kRetransmit);
  counters_.Add(Counter::kTcpFastRetransmits);
}

// Our FIN is acknowledged. False when the connection is gone.
bool Engine::FinAcknowledged(Tcb& c) {
  switch (c.state) {
    case TcpState::kFinWait1:
      c.state = TcpState::kFinWait2;
      // Only when nobody is left to read (an application that half-closed may wait for ever).
      if (c.has(kOrphan)) ArmRetransmit(c, SettingsOf(c).fin_wait2_ms);
      return true;
    case TcpState::kClosing:
      EnterTimeWait(c);
      return true;
    case TcpState::kLastAck:
      Finish(c, CloseReason::kNormal);
      return false;
    default:
      return true;
  }
}

// RFC 6298 2.2, 2.3: RTTVAR before SRTT, alpha 1/8, beta 1/4.
void Engine::SampleRtt(Tcb& c, int64_t sample_us) {
  const auto r = static_cast<uint32_t>(std::clamp<int64_t>(sample_us, 1, 0x7fffffff));
  c.clear(kSynTimedOut);
  c.backoff = 0;
  if (c.srtt_us == 0) {
    c.srtt_us = r;
    c.rttvar_us = r / 2;
    return;
  }
  const uint32_t error = c.srtt_us > r ? c.srtt_us - r : r - c.srtt_us;
  c.rttvar_us = c.rttvar_us - c.rttvar_us / 4 + error / 4;
  c.srtt_us = std::max(1u, c.srtt_us - c.srtt_us / 8 + r / 8);
}

// RFC 5681 4.1: when nothing was sent for an RTO, the old window says nothing about the network any
// more. What was received meanwhile does not matter; the timer was last set for what was sent last.
void Engine::RestartAfterIdle(Tcb& c) {
  if (c.in_flight() != 0) return;
  Millis due = c.retransmit_at;
  if (c.has(kRetransmitArmed)) {
    // The limit of CLOSE-WAIT, counted from the last acknowledgement as well.
    if (c.state != TcpState::kCloseWait || c.has(kPersist)) return;
    due = due + (Rto(c, 0) - SettingsOf(c).close_wait_ms);
  }
  if (now_ms() <= due) return;
  c.cwnd = std::min(c.cwnd, config_.initial_window_segments * c.mss);
}

// The retransmission timeout in milliseconds, doubled `backoff` times (RFC
// 6298 2.1, 2.3, 2.5, 5.5, 5.7).
uint32_t Engine::Rto(const Tcb& c, unsigned backoff) const {
  const Settings& s = SettingsOf(c);
  uint64_t ms;
  if (c.srtt_us != 0) {
    const uint64_t us =
        c.srtt_us + std::max<uint64_t>(kClockGranularityUs, uint64_t{c.rttvar_us} * 4);
    ms = std::max<uint64_t>((us + 999) / 1000, s.rto_min_ms);
  } else {
    ms = s.rto_initial_ms;
    if (c.has(kSynTimedOut) && c.synchronized()) ms = std::max<uint64_t>(ms, kRtoAfterSynTimeoutMs);
  }
  ms <<= std::min(backoff, 20u);
  return static_cast<uint32_t>(std::min<uint64_t>(ms, s.rto_max_ms));
}

}  // namespace weir::tcp
