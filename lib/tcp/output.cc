// Phase 6 of the turn: everything owed, in one pass over the connections touched. It mirrors the
// input: a list of reasons to send, in order, and one builder.
#include <algorithm>
#include <cstring>

#include "tcp/engine.h"

namespace weir::tcp {

using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;

void Engine::Output() {
  size_t kept = 0;
  size_t first_refused = touched_.size();
  for (size_t i = 0; i < touched_.size(); ++i) {
    const uint32_t index = touched_[i];
    Tcb& c = tcbs_[index];
    if (tcbs_.InUse(index) && OutputConnection(c)) {
      if (out_.full()) first_refused = std::min(first_refused, kept);
      touched_[kept++] = index;
    } else {
      c.clear(kTouched);
    }
  }
  touched_.resize(kept);
  // Whoever found no room goes first in the next turn, or a few busy senders would starve the rest.
  if (first_refused < kept) {
    std::rotate(touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(first_refused),
                touched_.end());
  }
  counters_.Add(Counter::kTcpSegmentsOut, out_.size());
}

// Returns whether something remains to be done in the next turn.
bool Engine::OutputConnection(Tcb& c) {
  if (c.owes(kSendReset)) {
    if (!SendEmpty(c, c.snd.nxt, kTcpRst | kTcpAck)) return true;
    c.settle(kSendReset);
    counters_.Add(Counter::kTcpResetsSent);
  }
  if (c.state == TcpState::kClosed) {
    if (c.owes(kEventClosed)) return !EventsWaitForReader(c);
    Free(c);
    return false;
  }
  if (c.owes(kSendSyn)) {
    if (!SendSyn(c)) return true;
    c.settle(kSendSyn | kAckNow);
  }
  if (c.owes(kRetransmit)) {
    if (!RetransmitOldest(c)) return true;
    c.settle(kRetransmit);
  }
  if (c.owes(kOutput | kOverride)) {
    if (!SendText(c) || !SendFin(c)) return true;
    c.settle(kOutput | kOverride);
  }
  if (c.owes(kProbe)) {
    // An octet that the peer has had already: it must answer with an ACK (SHLD-12, MUST-36).
    if (!SendEmpty(c, c.snd.una - 1, kTcpAck)) return true;
    c.settle(kProbe);
    if (c.snd.wnd == 0) counters_.Add(Counter::kTcpWindowProbes);
  }
  if (c.owes(kAckNow) && c.state >= TcpState::kSynReceived) {
    if (!SendEmpty(c, c.snd.nxt, kTcpAck)) return true;
  }
  ReturnFlightIfIdle(c);
  if (c.owes(kAnyEvent)) return !EventsWaitForReader(c);
  if (c.state == TcpState::kTimeWait && c.flight == kNone) BecomeTimeWaitRecord(c);
  return false;
}

// OnPeerClosed and a normal OnClosed wait for an application that has paused; Resume comes back.
bool Engine::EventsWaitForReader(const Tcb& c) const {
  const Flight* f = FlightOf(c);
  if (f == nullptr || f->unread.empty() || c.has(kOrphan)) return false;
  if (c.owes(kEventClosed) && c.reason != CloseReason::kNormal) return false;
  return !c.owes(kAnyEvent & ~(kEventPeerClosed | kEventClosed));
}

// --- the builder ---

// Puts the header in front of `packet`, whose data is the text, and queues the segment. False when
// this turn may send no more; `packet` is given back then and the caller tries again.
bool Engine::SendSegment(Tcb& c, Seq seq, uint8_t flags, Packet packet) {
  wire::TcpHeader h;
  h.source_port = c.local_port;
  h.destination_port = c.remote_port;
  h.seq = seq;
  h.flags = flags;
  if ((flags & kTcpAck) != 0) h.ack = c.rcv.nxt;
  if ((flags & kTcpSyn) != 0) {
    h.options = SynOptions(c);
    // Never scaled in a SYN (RFC 7323 2.2).
    const Seq edge = Max(c.rcv.adv, RightEdge(c));
    h.window = static_cast<uint16_t>(std::min(0xffffu, Distance(c.rcv.nxt, edge)));
    c.rcv.adv = Max(c.rcv.adv, c.rcv.nxt + h.window);
  } else {
    h.window = AdvertiseWindow(c);
    if (c.has(kTimestamps)) h.options.present = wire::TcpOptions::kTimestamps;
  }
  if (h.options.has(wire::TcpOptions::kTimestamps)) {
    h.options.ts_value = TimestampNow(c);
    h.options.ts_echo = (flags & kTcpAck) != 0 ? c.ts_recent : 0;
  }
  const uint16_t size = wire::TcpHeaderLength(h.options);
  wire::WriteTcp(h, packet.Prepend(size));
  OutSegment& out = out_.Add();
  out.packet = std::move(packet);
  out.remote = c.remote;
  out.local = c.local;
  out.header_size = static_cast<uint8_t>(size);
  out.ttl = SettingsOf(c).ttl;
  out.dscp = SettingsOf(c).dscp;
  out.flow_label = FlowLabel(c.ts_offset);
  out.neighbour = &c.neighbour;
  out.suspect = c.retransmits >= SettingsOf(c).retries1 && c.has(kOpened | kActiveOpen);
  if ((flags & kTcpAck) != 0) {
    c.settle(kAckNow);
    if (Flight* f = Borrowed(c)) {
      f->last_ack_sent = c.rcv.nxt;
      f->ack_pending = false;
      f->segments_unacked = 0;
    }
  }
  return true;
}

// Those of a SYN, or of a SYN-ACK once the peer's SYN is here. Timestamps are filled in later.
wire::TcpOptions Engine::SynOptions(const Tcb& c) {
  wire::TcpOptions options;
  const bool active = c.state == TcpState::kSynSent;
  options.present = wire::TcpOptions::kMss;
  options.mss = MssFor(c);
  if (active || c.scale != 0) {
    options.present |= wire::TcpOptions::kWindowScale;
    options.window_scale = c.receive_scale();
  }
  if (active ? config_.timestamps : c.has(kTimestamps)) {
    options.present |= wire::TcpOptions::kTimestamps;
  }
  if (active) {
    AskFastOpen(c, options);
  } else {
    AddNewCookie(c, options);
  }
  return options;
}

bool Engine::NoBuffer() {
  starved_ = true;
  return Drop(Counter::kDropTcpNoBuffer);
}

bool Engine::SendEmpty(Tcb& c, Seq seq, uint8_t flags) {
  if (out_.full()) return false;
  Packet packet = AllocatePacket(pool_);
  if (!packet) return NoBuffer();
  return SendSegment(c, seq, flags, std::move(packet));
}

// --- the receive window ---

// The right edge that the free part of the receive buffer would allow, as far as the field reaches.
Seq Engine::RightEdge(const Tcb& c) const {
  const Flight* f = FlightOf(c);
  const uint32_t unread = f == nullptr ? 0 : f->unread_octets;
  const uint32_t buffer = SettingsOf(c).receive_buffer;
  const uint32_t free = buffer > unread ? buffer - unread : 0;
  return c.rcv.nxt + std::min(free, 0xffffu << c.receive_scale());
}

// MUST-39: a step of one segment, or half the buffer, is worth telling in a segment that goes
// anyway.
bool Engine::WindowWorthTelling(const Tcb& c, uint32_t segments) const {
  const int32_t step = RightEdge(c) - c.rcv.adv;
  const uint32_t half = SettingsOf(c).receive_buffer / 2;
  return step > 0 && static_cast<uint32_t>(step) >= std::min(half, segments * MssFor(c));
}

// For an ACK of its own it must be two segments, or the delayed ACK would be pointless, and the
// window must double at least: a peer that has much of it left is not waiting for more.
bool Engine::WindowWorthAnAck(const Tcb& c) const {
  const uint32_t window = c.receive_window();
  return WindowWorthTelling(c, 2) && Distance(c.rcv.nxt, RightEdge(c)) >= 2 * window;
}

// Moves the right edge on when that is worth it and returns the field. The edge never moves left
// (SHLD-14): rounding is upwards, by less than one unit of the scale.
uint16_t Engine::AdvertiseWindow(Tcb& c) {
  if (WindowWorthTelling(c, 1)) c.rcv.adv = RightEdge(c);
  const uint8_t scale = c.receive_scale();
  const uint32_t units = (c.receive_window() + (1u << scale) - 1) >> scale;
  const uint32_t field = std::min(units, 0xffffu);
  c.rcv.adv = Max(c.rcv.adv, c.rcv.nxt + (field << scale));
  return static_cast<uint16_t>(field);
}

// --- SYN, FIN, text ---

bool Engine::SendSyn(Tcb& c) {
  const bool active = c.state == TcpState::kSynSent;
  const auto flags = static_cast<uint8_t>(active ? kTcpSyn : kTcpSyn | kTcpAck);
  const bool again = c.snd.nxt != c.snd.una;
  const uint32_t text = again ? 0 : SynText(c);
  if (text == 0 ? !SendEmpty(c, c.snd.una, flags) : !SendSynText(c, text)) return false;
  if (again) {
    c.set(kSynTimedOut);
  } else {
    c.snd.nxt = c.snd.una + 1 + text;
    if (Flight* f = Borrowed(c)) f->resend = c.snd.nxt;
  }
  c.rttvar_us = static_cast<uint32_t>(now_.us);
  // RFC 6298 5.1: a timer that runs is left alone, or a peer that repeats its SYN would keep the
  // half-open connection for ever.
  if (!c.has(kRetransmitArmed)) ArmRto(c, Rto(c, c.retransmits));
  return true;
}

// The packet that carries [from, from + size): the queued buffer itself when it is exactly that and
// no driver holds it, a copy otherwise.
Packet Engine::TextPacket(Flight& f, Seq from, uint32_t size) {
  Text* t = f.next_to_send;
  if (t == nullptr || t->seq > from) t = f.send.head;
  while (t->end() <= from) t = t->next;
  f.next_to_send = t;
  if (t->seq == from && t->size == size) {
    if (Packet shared = ShareText(*t)) return shared;
  }
  Packet packet = AllocatePacket(pool_);
  if (!packet) return packet;
  uint8_t* out = packet.Append(static_cast<uint16_t>(size));
  for (uint32_t skip = Distance(t->seq, from); size != 0; t = t->next, skip = 0) {
    const uint32_t n = std::min(size, t->size - skip);
    std::memcpy(out, t->octets + skip, n);
    out += n;
    size -= n;
  }
  return packet;
}

// Text and, where it is next, the FIN. `from` is SND.NXT for new text and below it for a
// retransmission.
bool Engine::SendTextSegment(Tcb& c, Flight& f, Seq from, uint32_t size, bool last) {
  if (out_.full()) return false;
  Packet packet = TextPacket(f, from, size);
  if (!packet) return NoBuffer();
  const bool again = from < c.snd.nxt;
  // A FIN rides along unless it would have to overtake what the peer has not been sent.
  const bool fin =
      last && c.has(kCloseRequested) && c.synchronized() && (!again || c.has(kFinSent));
  // MUST-61: PSH on the last segment of what there is.
  const auto flags = static_cast<uint8_t>(kTcpAck | (last ? kTcpPsh : 0) | (fin ? kTcpFin : 0));
  SendSegment(c, from, flags, std::move(packet));
  NoteSize(f, from, size);
  const Seq next = from + size + (fin ? 1u : 0u);
  if (again) {
    counters_.Add(Counter::kTcpRetransmits);
    f.timing = false;  // Karn
  } else {
    counters_.Add(Counter::kTcpTextOctetsOut, size);
    if (size < c.mss) f.short_end = from + size;
    if (f.resend == c.snd.nxt) f.resend = next;
    if (c.in_flight() == 0) BeginFlight(c, f);
    c.snd.nxt = next;
    if (c.snd.una >= f.round_end || c.in_flight() > f.flight_max) {
      f.flight_max = c.in_flight();
      f.round_end = next;
    }
    if (!f.timing) {
      f.timing = true;
      f.rtt_seq = next;
      f.rtt_sent_us = now_.us;
    }
    if (fin) FinSent(c);
  }
  if (!c.has(kRetransmitArmed)) ArmRto(c, Rto(c, c.backoff));  // RFC 6298 5.1
  return true;
}

// Something is sent while nothing is out: unanswered probes and the deadline of a closed window or
// of CLOSE-WAIT mean nothing any more.
void Engine::BeginFlight(Tcb& c, Flight& f) {
  c.retransmits = 0;
  f.progress_at = now_ms();
  StopRetransmit(c);
}

// Sender silly-window avoidance and Nagle (RFC 9293 3.8.6.2.1, MUST-38, SHLD-7): a segment shorter
// than the MSS goes out only for one of these reasons.
bool Engine::MaySendShort(const Tcb& c, const Flight& f, uint32_t size, bool last) const {
  if (c.owes(kOverride)) return true;
  // The end of the stream has nothing to wait for.
  const bool ends = last && c.has(kCloseRequested);
  if (c.has(kCork) && !ends) return false;
  // Nagle, as RFC 9293 A.3 has it: the end of the text waits for short segments alone. Behind full
  // ones it would often wait for nothing but the peer's delayed ACK.
  const bool outstanding = c.in_flight() > SynOctet(c) && (!last || f.short_end > c.snd.una);
  if (outstanding && !ends && !SettingsOf(c).no_delay) return false;
  return last || size >= c.wnd_max / 2;
}

// As much as the windows take: first what a timeout says must go again, then what is new.
bool Engine::SendText(Tcb& c) {
  Flight* f = Borrowed(c);
  if (f == nullptr || f->send.empty()) return true;
  // A fast open may answer before the handshake is over, until something seems to be lost.
  if (!c.synchronized() && (!c.fast_opened() || c.retransmits != 0)) return true;
  RestartAfterIdle(c);
  const Seq end = f->send.tail->end();
  const Seq oldest = c.snd.una + SynOctet(c);  // text that is not acknowledged
  // Limited transmit (RFC 3042): one more new segment for each of the first two duplicate ACKs.
  const uint32_t limited =
      f->in_recovery || f->resend < c.snd.nxt ? 0 : std::min<uint32_t>(f->dup_acks, 2) * c.mss;
  const uint32_t allowed = std::min(c.cwnd + limited, c.snd.wnd);
  for (;;) {
    const bool again = f->resend < c.snd.nxt;
    const Seq from = again ? f->resend : c.snd.nxt;
    if (from >= end) break;
    const uint32_t used = Distance(oldest, from);
    uint32_t size = std::min<uint32_t>(c.mss, Distance(from, end));
    if (again && from == oldest) {
      // The oldest segment goes again whatever the window has become since (MUST-34, SHLD-16).
    } else if (used >= allowed) {
      break;
    } else {
      size = std::min(size, allowed - used);
    }
    if (again) size = std::min(size, Distance(from, Min(c.snd.nxt, end)));
    const uint32_t probe = again ? 0 : ProbeSize(c, *f, Distance(from, end), allowed);
    if (probe > allowed - used) break;  // an ACK makes room
    if (probe != 0) size = probe;
    const bool last = from + size == end;
    if (!again && size < c.mss && !MaySendShort(c, *f, size, last)) break;
    if (!SendTextSegment(c, *f, from, size, last)) return false;
    c.settle(kOverride);
    if (probe != 0) ProbeSent(*f, from, probe);
    if (again) f->resend = from + size + (last && c.has(kFinSent) ? 1u : 0u);
  }
  if (c.in_flight() == 0 && c.snd.nxt < end) WatchWindow(c);
  return true;
}

// The oldest segment again, once: fast retransmit or a partial acknowledgement.
bool Engine::RetransmitOldest(Tcb& c) {
  Flight* f = Borrowed(c);
  if (f == nullptr || f->send.empty() || c.in_flight() == 0) return true;
  const Seq end = f->send.tail->end();
  const Seq sent = Min(c.snd.nxt, end);
  if (sent <= c.snd.una) return true;
  const uint32_t size = std::min<uint32_t>(c.mss, Distance(c.snd.una, sent));
  return SendTextSegment(c, *f, c.snd.una, size, c.snd.una + size == end);
}

// FIN on its own: once all text is out, or again after a timeout.
bool Engine::SendFin(Tcb& c) {
  if (!c.has(kCloseRequested) || c.state < TcpState::kEstablished ||
      c.state == TcpState::kTimeWait) {
    return true;
  }
  Flight* f = Borrow(c);
  if (f == nullptr) return false;
  if (!c.has(kFinSent)) {
    if (!f->send.empty() && c.snd.nxt < f->send.tail->end()) return true;  // text first
    if (!SendEmpty(c, c.snd.nxt, kTcpFin | kTcpAck)) return false;
    if (f->resend == c.snd.nxt) f->resend += 1;
    if (c.in_flight() == 0) BeginFlight(c, *f);
    c.snd.nxt += 1;
    FinSent(c);
  } else if (f->resend < c.snd.nxt && f->resend == c.snd.nxt - 1) {
    if (!SendEmpty(c, f->resend, kTcpFin | kTcpAck)) return false;
    f->resend = c.snd.nxt;
    counters_.Add(Counter::kTcpRetransmits);
  }
  if (c.in_flight() != 0 && !c.has(kRetransmitArmed)) ArmRto(c, Rto(c, c.backoff));
  return true;
}

void Engine::FinSent(Tcb& c) {
  c.set(kFinSent);
  LeaveCloseWait(c);
  c.state = c.state == TcpState::kCloseWait ? TcpState::kLastAck : TcpState::kFinWait1;
}

}  // namespace weir::tcp
