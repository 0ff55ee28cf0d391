// SYN-SENT: the answer to our own SYN (RFC 9293 3.10.7.3).
#include "tcp/engine.h"

namespace weir::tcp {

void Engine::SynSentArrives(Tcb& c, Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  const wire::TcpHeader& h = frame.tcp;
  // First, the ACK: it must cover our SYN and nothing beyond it.
  if (h.has_ack() && (h.ack <= c.snd.una || h.ack > c.snd.nxt)) {
    Drop(Counter::kDropTcpSynSent);
    AnswerWithReset(segment);
    return;
  }
  // Second, RST: believed only with an acceptable ACK (RFC 5961 3.2).
  if (h.rst()) {
    if (!h.has_ack()) {
      Drop(Counter::kDropTcpReset);
      return;
    }
    counters_.Add(Counter::kTcpReset);
    Finish(c, CloseReason::kRefused);
    return;
  }
  // Fourth, SYN. Text or FIN without one has no place here.
  if (!h.syn()) {
    Drop(Counter::kDropTcpSynSent);
    return;
  }
  // A SYN-ACK must echo a timestamp that this connection sent. Some hosts echo 0 there.
  if (h.has_ack() && h.options.has(wire::TcpOptions::kTimestamps) && config_.timestamps &&
      h.options.ts_echo != 0 && static_cast<int32_t>(TimestampNow(c) - h.options.ts_echo) < 0) {
    Drop(Counter::kDropTcpSynSent);
    return;
  }
  c.rcv.nxt = c.rcv.adv = h.seq + 1;
  c.rcv.adv += ProfileOf(c).syn_window;  // as our SYN announced
  c.snd.wl1 = h.seq;
  c.snd.wnd = c.wnd_max = h.window;
  c.heard_at = now_ms();
  TakeSynOptions(c, h.options);
  if (h.has_ack()) {
    if (!c.has(kSynTimedOut)) SampleRtt(c, static_cast<uint32_t>(now_.us) - c.rttvar_us);
    FastOpenAnswered(c, h);
    // Text that went with the SYN and was not taken is sent anew.
    c.snd.una = c.snd.nxt = h.ack;
    if (Flight* f = Borrowed(c)) {
      TakeAcknowledged(c, *f);
      f->resend = f->round_end = h.ack;
    }
    BecomeEstablished(c, true);
    c.owe(kAckNow);
    return TakeSynAckText(c, segment);
  }
  // Simultaneous open (MUST-10): our SYN is still unanswered, theirs is answered with SYN-ACK. Text
  // of ours that went with it goes again once that is acknowledged; text of theirs is not kept for
  // ESTABLISHED, and comes again, too.
  c.state = TcpState::kSynReceived;
  if (Flight* f = Borrowed(c)) f->resend = c.snd.una + 1;
  c.owe(kSendSyn);
}

// What a SYN-ACK has beyond its controls: on from the sixth step of 3.10.7.4. A server that takes
// fast opens may answer before the third segment of the handshake (RFC 7413 2).
void Engine::TakeSynAckText(Tcb& c, Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  const wire::TcpHeader& h = frame.tcp;
  if (frame.text_size == 0 && !h.fin()) return;
  Arrival a{c,
            frame,
            h,
            segment.packet,
            segment.packet->data() + frame.text_offset,
            h.seq + 1,
            frame.text_size,
            h.fin()};
  if (CheckSequence(a) && CheckUrgent(a) && TakeText(a)) CheckFin(a);
}

}  // namespace weir::tcp
