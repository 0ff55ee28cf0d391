// The steps of RFC 9293 3.10.7.4, for every state from SYN-RECEIVED on. A step changes the control
// block and what it owes; it never sends, never calls the application, never frees. It stops by
// naming one reason.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// TS.Recent is not believed any more after this long (RFC 7323 5.5).
constexpr uint32_t kTimestampAgeMaxMs = 24u * 86400 * 1000;

}  // namespace

// An ACK for a segment that had no business here: at most one per interval and connection, so that
// neither blind attackers nor two confused peers can make us chatter (RFC 5961 7; never a limit
// that connections share).
void Engine::ChallengeAck(Tcb& c) {
  const uint8_t slot = ChallengeSlot();
  if (c.challenge_slot == slot) {
    counters_.Add(Counter::kTcpChallengeAcksLimited);
    return;
  }
  c.challenge_slot = slot;
  counters_.Add(Counter::kTcpChallengeAcks);
  c.owe(kAckNow);
}

// The ACK for what is not acceptable. Text or FIN that comes twice most likely means that our ACK
// was lost, and gets it at once; RST and SYN only ever get a challenge, whatever they carry.
void Engine::AnswerUnacceptable(Arrival& a) {
  if ((a.size != 0 || a.fin) && !a.h.syn() && !a.h.rst()) {
    a.c.owe(kAckNow);
  } else {
    ChallengeAck(a.c);
  }
}

// PAWS goes before the sequence check; RST is exempt (RFC 7323 5.2, 5.3).
bool Engine::CheckTimestamp(Arrival& a) {
  Tcb& c = a.c;
  if (!c.has(kTimestamps) || a.h.rst()) return true;
  if (!a.h.options.has(wire::TcpOptions::kTimestamps)) {
    // RFC 7323 3.2: dropped silently, the connection is not to be harmed. A SYN that is sent again
    // by a peer may well lack it, and gets its answer from CheckSyn.
    return a.h.syn() || Drop(Counter::kDropTcpNoTimestamp);
  }
  // RFC 7323 5.2: older means by less than half the range; by exactly half it is not.
  const uint32_t age = c.ts_recent - a.h.options.ts_value;
  const bool older = age != 0 && age < 1u << 31;
  // Unsigned, for a silence of up to 49 days: the peer's clock may have passed half its range.
  const bool recent_valid = now_ms().value - c.heard_at.value < kTimestampAgeMaxMs;
  if (older && recent_valid) {
    AnswerUnacceptable(a);
    return Drop(Counter::kDropTcpPaws);
  }
  return true;
}

// First: is any of it in the window? What sticks out on either side is cut off.
bool Engine::CheckSequence(Arrival& a) {
  Tcb& c = a.c;
  const Seq first = a.h.seq;
  if (c.state == TcpState::kSynReceived && c.has(kActiveOpen) && a.h.syn() && !a.h.rst() &&
      first + 1 == c.rcv.nxt) {
    // In a simultaneous open the peer's SYN-ACK repeats the SYN that we have taken: CheckSyn.
    if (a.h.has_ack()) return true;
    // The SYN again: our SYN-ACK was lost. (After a passive open, SynAgain sees to it.)
    c.owe(kSendSyn);
    return Drop(Counter::kDropTcpSyn);
  }
  if (c.fast_opened() && a.h.syn() && !a.h.rst() && !a.h.has_ack() && first == c.snd.wl1) {
    FastOpenSynAgain(c, a.h.options);
    return false;
  }
  const uint32_t window = c.receive_window();
  const uint32_t length = a.size + (a.h.syn() ? 1u : 0u) + (a.fin ? 1u : 0u);
  bool acceptable;
  if (length == 0) {
    // One further than the RFC's letter: a peer that has filled our window and lost a segment of it
    // sends its ACKs with SEG.SEQ at the right edge, and we need them. RSTs we do not.
    acceptable = first == c.rcv.nxt ||
                 (first > c.rcv.nxt && (a.h.rst() ? first < c.rcv.adv : first <= c.rcv.adv));
  } else if (window == 0) {
    // MUST-66: ACK, RST and URG of a segment right at RCV.NXT count even when its text does not.
    acceptable = first == c.rcv.nxt;
  } else {
    acceptable = first < c.rcv.adv && first + length > c.rcv.nxt;
  }
  if (!acceptable) {
    if (a.h.rst()) return Drop(Counter::kDropTcpReset);
    AnswerUnacceptable(a);
    // The FIN sent again restarts TIME-WAIT (3.10.7.4 eighth).
    if (c.state == TcpState::kTimeWait && a.fin && first + length == c.rcv.nxt) {
      ArmRetransmit(c, SettingsOf(c).time_wait_ms);
    }
    const bool old = length != 0 && first + length <= c.rcv.nxt;
    return Drop(old ? Counter::kDropTcpDuplicate : Counter::kDropTcpSequence);
  }
  if (a.seq < c.rcv.nxt) {
    const uint32_t cut = std::min(a.size, Distance(a.seq, c.rcv.nxt));
    a.cut = true;
    a.text += cut;
    a.seq += cut;
    a.size -= cut;
    if (a.seq < c.rcv.nxt) a.fin = false;
  }
  if (a.seq + a.size > c.rcv.adv) {
    a.cut = true;
    a.size = a.seq < c.rcv.adv ? Distance(a.seq, c.rcv.adv) : 0;
    a.fin = false;
  }
  c.heard_at = now_ms();
  return true;
}

// Second: RST. Only one exactly at RCV.NXT is believed (RFC 5961 3.2).
bool Engine::CheckReset(Arrival& a) {
  if (!a.h.rst()) return true;
  Tcb& c = a.c;
  if (a.h.seq != c.rcv.nxt) {
    ChallengeAck(c);
    return Drop(Counter::kDropTcpReset);
  }
  counters_.Add(Counter::kTcpReset);
  // MUST-11: a passive open goes back to LISTEN and nobody is told; an active one was refused. One
  // that fast open has begun is known to the application.
  const bool refused = c.state == TcpState::kSynReceived && !c.fast_opened();
  Finish(c, refused ? CloseReason::kRefused : CloseReason::kReset);
  return false;
}

// Fourth: SYN. On a synchronized connection it only ever earns a challenge ACK (RFC 5961 4.2).
bool Engine::CheckSyn(Arrival& a) {
  if (!a.h.syn()) return true;
  Tcb& c = a.c;
  if (c.state == TcpState::kSynReceived && c.has(kActiveOpen) && a.h.has_ack() &&
      a.h.seq + 1 == c.rcv.nxt && a.h.ack > c.snd.una && a.h.ack <= c.snd.nxt) {
    FinishHandshake(a);  // RFC 9293 3.5, figure 8
    return false;
  }
  Drop(Counter::kDropTcpSyn);
  if (c.state == TcpState::kSynReceived && !c.has(kActiveOpen | kOpened)) {
    Finish(c, CloseReason::kReset);  // back to LISTEN
    return false;
  }
  ChallengeAck(c);
  return false;
}

// RFC 7323 4.3: only what may carry the last acknowledged octet brings the echo up to date. It
// waits until the ACK has been found acceptable: a stranger who guesses the window but not the ACK
// must not push TS.Recent ahead of the peer, whose segments PAWS would then throw away.
void Engine::RememberTimestamp(const Arrival& a) {
  Tcb& c = a.c;
  if (!c.has(kTimestamps) || !a.h.options.has(wire::TcpOptions::kTimestamps)) return;
  const Flight* f = Borrowed(c);
  const Seq last_ack_sent = f == nullptr ? c.rcv.nxt : f->last_ack_sent;
  if (a.h.seq <= last_ack_sent) c.ts_recent = a.h.options.ts_value;
}

// Fifth: the ACK.
bool Engine::CheckAck(Arrival& a) {
  Tcb& c = a.c;
  if (!a.h.has_ack()) return Drop(Counter::kDropTcpNoAck);
  const bool opens = c.state == TcpState::kSynReceived;
  if (opens && !FinishHandshake(a)) return false;
  // Of the SYN alone: to text that a fast open has sent behind it, it is no duplicate.
  const bool of_syn_alone = opens && a.h.ack == c.snd.una;
  if (!of_syn_alone && !AckArrives(a)) return false;
  RememberTimestamp(a);
  if (c.state == TcpState::kTimeWait || !c.has(kFinSent) || c.snd.una != c.snd.nxt) return true;
  return FinAcknowledged(c);
}

// Sixth: urgent text stays in its place in the stream; only where it ends is remembered.
bool Engine::CheckUrgent(Arrival& a) {
  Tcb& c = a.c;
  if ((a.h.flags & wire::kTcpUrg) == 0) return true;
  if (c.state != TcpState::kEstablished && c.state != TcpState::kFinWait1 &&
      c.state != TcpState::kFinWait2) {
    return true;
  }
  // MUST-62: the pointer names the octet after the urgent text. Outside the stream it means
  // nothing.
  const Seq urgent = a.h.seq + a.h.urgent;
  if (urgent <= c.rcv.nxt) return true;
  Flight* f = Borrow(c);  // for this turn only, if nothing else keeps it
  if (f == nullptr) return true;
  if (f->urgent_valid && urgent <= f->urgent) return true;
  f->urgent = urgent;
  f->urgent_valid = true;
  c.owe(kEventUrgent);  // MUST-32
  return true;
}

// Seventh: the text.
bool Engine::TakeText(Arrival& a) {
  Tcb& c = a.c;
  // Something came twice, so an ACK of ours was lost; or found no room, and must hear of the
  // window.
  if (a.cut) c.owe(kAckNow);
  if (a.size == 0 && !a.fin) return true;
  if (c.state != TcpState::kEstablished && c.state != TcpState::kFinWait1 &&
      c.state != TcpState::kFinWait2) {
    // The peer has sent FIN: there can be no more text, and a FIN again only needs its ACK.
    if (a.size != 0) Drop(Counter::kDropTcpAfterClose);
    return a.fin;
  }
  if (a.size != 0 && c.has(kOrphan)) {
    // Nobody will read it: the peer must know that it is lost (SHLD-3, RFC 2525 2.17).
    Drop(Counter::kDropTcpAfterClose);
    c.owe(kSendReset);
    Finish(c, CloseReason::kAborted);
    return false;
  }
  if (a.size == 0 && a.seq == c.rcv.nxt) return true;  // FIN alone, in order
  Flight* f = Borrow(c);
  if (f == nullptr) return false;  // counted; the peer sends it again
  if (a.seq != c.rcv.nxt) {
    // A gap: tell the sender at once what we miss (RFC 5681 4.2), and keep the segment (SHLD-31).
    c.owe(kAckNow);
    counters_.Add(Counter::kTcpOutOfOrder);
    if (Text* text = TakePacket(a); text != nullptr) {
      text->fin = a.fin;
      KeepOutOfOrder(*f, text);
    }
    return false;
  }
  // Rounding up to the unit of the window scale lets the right edge run a little ahead of the
  // buffer with every segment. Here that ends, or small segments could fill memory without limit.
  const uint32_t slack = std::max<uint32_t>(MssFor(c), 1u << c.receive_scale());
  if (f->unread_octets + a.size > SettingsOf(c).receive_buffer + slack) {
    c.owe(kAckNow);
    return Drop(Counter::kDropTcpReceiveBuffer);
  }
  Text* text = TakePacket(a);
  if (text == nullptr) return false;
  KeepInOrder(c, *f, text);
  if (!f->ack_pending) {
    f->ack_pending = true;
    f->ack_at = now_ms() + SettingsOf(c).delayed_ack_ms;
    ArmWheel(c);
  }
  // At least every second segment (SHLD-19); more than that in one burst still makes one ACK
  // (MUST-58), because the output phase comes after all of them.
  if (++f->segments_unacked >= 2) c.owe(kAckNow);
  if (!f->out_of_order.empty()) {
    c.owe(kAckNow);  // a gap fills, wholly or in part (RFC 5681 4.2)
    JoinOutOfOrder(c, *f);
  }
  return true;
}

// Eighth: FIN, once everything before it is here.
bool Engine::CheckFin(Arrival& a) {
  Tcb& c = a.c;
  const bool held = c.owes(kPeerFinHeld);
  if (!a.fin && !held) return true;
  c.settle(kPeerFinHeld);
  c.owe(kAckNow);
  if (c.has(kPeerFin)) return true;  // another one behind it: the stream has ended
  c.set(kPeerFin);
  if (Flight* f = Borrowed(c); f != nullptr && !f->out_of_order.empty()) {
    FreeQueue(f->out_of_order);  // nothing can follow a FIN
    f->out_of_order_pieces = f->out_of_order_octets = 0;
  }
  c.rcv.nxt += 1;
  if (c.rcv.adv < c.rcv.nxt) c.rcv.adv = c.rcv.nxt;
  switch (c.state) {
    case TcpState::kEstablished:
      c.state = TcpState::kCloseWait;
      ++close_wait_count_;
      counters_.Add(Counter::kTcpCloseWait);
      WatchCloseWait(c);
      c.owe(kEventPeerClosed);
      break;
    case TcpState::kFinWait1:  // our FIN is not acknowledged yet, or we would be in FIN-WAIT-2
      c.state = TcpState::kClosing;
      c.owe(kEventPeerClosed);
      break;
    case TcpState::kFinWait2:
      c.owe(kEventPeerClosed);
      EnterTimeWait(c);
      break;
    default:
      break;
  }
  return true;
}

}  // namespace weir::tcp
