// TCP Fast Open (RFC 7413): text that comes, or goes, with the SYN.
//
// A server's part: a SYN with a good cookie makes a connection at once, in SYN-RECEIVED. The
// application has it from this very turn on: reads what the SYN brought, and may answer within the
// initial window before the third segment of the handshake has come. What would go beyond waits, as
// does a FIN (RFC 9293 3.10.4).
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {

using wire::TcpOptions;
using Verdict = FastOpenCookieCodec::Verdict;

// True when the SYN has made a connection. Everything else goes the ordinary way, where its text is
// not acknowledged and comes again.
bool Engine::FastOpenArrives(const Syn& syn, const CookieOptions& offer) {
  Listener& l = *syn.listener;
  const wire::Frame& frame = *syn.segment->frame;
  if (!l.parameters.settings.fast_open || !frame.tcp.options.has(TcpOptions::kFastOpen)) {
    return false;
  }
  const wire::FastOpenCookie& cookie = frame.tcp.options.fast_open;
  const Verdict verdict = fast_open_cookies_.Check(frame.source, cookie, now_);
  if (verdict == Verdict::kBad) {
    if (!cookie.requests()) counters_.Add(Counter::kTcpFastOpenBadCookies);
    return false;
  }
  if (l.fast_opens.count(now_) >= l.parameters.fast_open_pending) {
    counters_.Add(Counter::kTcpFastOpenPendingFull);
    return false;
  }
  if (IsDeferred(l, *syn.segment) || LimitMet(l, frame.source) != Limit::kNone) return false;
  const FlowKey key = KeyOf(*syn.segment);
  Tcb* c = Allocate(key, syn.hash, l.profile);
  if (c == nullptr) return false;
  BeginPassive(*c, frame.tcp.seq, InitialSequence(key, Seq(0)), offer, frame.tcp.options.ts_value);
  c->snd.nxt = c->snd.una;  // the SYN-ACK is still to be sent
  c->snd.wnd = c->wnd_max = frame.tcp.window;
  c->set(kOpened);
  c->cwnd = config_.initial_window_segments * PathMss(*c, c->mss);
  if (!TakeSynText(*c, *syn.segment)) {
    c->clear(kOpened);  // nobody has counted it in
    table_.Erase(syn.hash, tcbs_.IndexOf(*c));
    DiscardTcb(*c);
    return false;
  }
  if (Flight* f = verdict == Verdict::kPrevious ? Borrow(*c) : nullptr) {
    f->new_cookie = true;
    f->new_cookie_experimental = cookie.experimental;
  }
  l.fast_opens.Begin();
  CountIn(*c);
  c->owe(kSendSyn | kEventOpen);
  Touch(*c);
  counters_.Add(Counter::kTcpPassiveOpens);
  counters_.Add(Counter::kTcpFastOpens);
  return true;
}

// As much of it as the window takes. False when there is no memory for it now.
bool Engine::TakeSynText(Tcb& c, const Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  if (frame.text_size == 0) return true;
  Flight* f = Borrow(c);
  if (f == nullptr) return false;
  Arrival a{c,
            frame,
            frame.tcp,
            segment.packet,
            segment.packet->data() + frame.text_offset,
            c.rcv.nxt,
            std::min<uint32_t>(frame.text_size, c.receive_window()),
            false};
  Text* text = TakePacket(a);
  if (text == nullptr) return false;
  KeepInOrder(c, *f, text);
  return true;
}

// What the answer to this SYN says about cookies: a new one for whoever asked for one or has one
// that is not (any more) the right one. Nothing where fast open is off.
void Engine::AddCookie(const Listener& l, const wire::Frame& frame, TcpOptions& options) {
  if (!l.parameters.settings.fast_open || !frame.tcp.options.has(TcpOptions::kFastOpen)) return;
  const wire::FastOpenCookie& theirs = frame.tcp.options.fast_open;
  if (fast_open_cookies_.Check(frame.source, theirs, now_) == Verdict::kGood) return;
  options.present |= TcpOptions::kFastOpen;
  options.fast_open = fast_open_cookies_.Make(frame.source, now_);
  options.fast_open.experimental = theirs.experimental;
  counters_.Add(Counter::kTcpFastOpenCookiesSent);
}

// The same for the first SYN-ACK of a connection.
void Engine::AddNewCookie(const Tcb& c, TcpOptions& options) {
  const Flight* f = FlightOf(c);
  if (!c.fast_opened() || f == nullptr || !f->new_cookie || c.snd.nxt != c.snd.una) return;
  options.present |= TcpOptions::kFastOpen;
  options.fast_open = fast_open_cookies_.Make(c.remote, now_);
  options.fast_open.experimental = f->new_cookie_experimental;
  counters_.Add(Counter::kTcpFastOpenCookiesSent);
}

// The SYN again, while nothing else has come: as with half-open connections, the answer goes out
// again, and the timer runs on. Options that this SYN has not are off (RFC 7413 4.2.1: it comes
// without the cookie, and may come without others).
void Engine::FastOpenSynAgain(Tcb& c, const TcpOptions& options) {
  Drop(Counter::kDropTcpSyn);
  const uint8_t slot = ChallengeSlot();
  if (c.challenge_slot == slot) {
    counters_.Add(Counter::kTcpSynAcksLimited);
    return;
  }
  c.challenge_slot = slot;
  TcpOptions both = options;
  if (!c.has(kTimestamps)) both.present &= static_cast<uint8_t>(~TcpOptions::kTimestamps);
  if (c.scale == 0) both.present &= static_cast<uint8_t>(~TcpOptions::kWindowScale);
  c.clear(kTimestamps);
  TakeSynOptions(c, both);
  c.owe(kSendSyn);
}

// No third segment. The SYN-ACK goes again, alone; text that was behind it goes again when the peer
// has shown itself, and until then there is no more.
void Engine::FastOpenTimeout(Tcb& c) {
  if (Flight* f = Borrowed(c)) {
    f->timing = false;  // Karn
    f->resend = c.snd.una + 1;
  }
  if (!syn_ack_retransmits_.Take(now_)) {
    counters_.Add(Counter::kTcpSynAcksLimited);
    ArmRto(c, Rto(c, c.retransmits));
    return;
  }
  c.owe(kSendSyn);
  counters_.Add(Counter::kTcpSynAckRetransmits);
}

// One that ends before its handshake is over.
void Engine::EndFastOpen(const Tcb& c, CloseReason reason) {
  PendingFastOpens& pending = listeners_[ProfileOf(c).listener].fast_opens;
  const bool waited =
      reason == CloseReason::kTimedOut && c.retransmits >= SettingsOf(c).synack_retries;
  if (waited) {
    pending.End();
  } else {
    pending.EndEarly(now_);
  }
}

}  // namespace weir::tcp
