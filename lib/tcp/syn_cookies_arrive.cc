// SYN cookies that come back: the acknowledgement that brings one.
#include "tcp/engine.h"

namespace weir::tcp {

CookieFlow Engine::CookieFlowOf(const wire::Frame& frame, uint8_t local) const {
  const wire::TcpHeader& h = frame.tcp;
  // The peer's ISN: its SYN's own number, and one less than that of what follows.
  const Seq irs = h.syn() ? h.seq : h.seq - 1;
  return {frame.source, config_.addresses[local].address, h.source_port, h.destination_port, irs};
}

// What the peer offered once, when this acknowledgement brings a cookie back; `own_scale` is what
// we announced.
std::optional<CookieOptions> Engine::CookieIn(const Segment& segment, uint8_t own_scale) const {
  const wire::TcpHeader& h = segment.frame->tcp;
  std::optional<uint32_t> ts_echo;
  uint32_t offset = 0;
  if (h.options.has(wire::TcpOptions::kTimestamps) && config_.timestamps) {
    ts_echo = h.options.ts_echo;
    offset = TimestampOffset(KeyOf(segment));
  }
  return cookies_.Check(CookieFlowOf(*segment.frame, segment.local), h.ack - 1, ts_echo, own_scale,
                        now_, offset);
}

// What CookiesTaken knows a cookie by. The ISS alone does not tell two of one tuple apart: it has
// 24 bits.
uint64_t Engine::NameOfCookie(uint64_t hash, Seq irs, Seq iss) {
  return (hash ^ (uint64_t{irs.value} << 32 | iss.value)) * 0x9e3779b97f4a7c15u;
}

// True when the acknowledgement brought a cookie: the connection has been made, as it was when its
// SYN came, and has taken the segment like any other in SYN-RECEIVED.
[[gnu::noinline]] bool Engine::CookieArrives(Listener& l, Segment& segment, uint64_t hash) {
  const wire::TcpHeader& h = segment.frame->tcp;
  if (h.syn()) return false;
  const auto offer = CookieIn(segment, profiles_[l.profile].window_scale);
  if (!offer) return false;
  const uint64_t name = NameOfCookie(hash, h.seq - 1, h.ack - 1);
  if (cookies_taken_.Contains(name)) {
    Drop(Counter::kDropTcpCookieReplayed);
    return true;
  }
  if (IsDeferred(l, segment)) {
    DeferCookie(l, segment, hash, *offer);
    return true;
  }
  if (AdmitHandshake(l, segment) != Admission::kNow) return true;
  Tcb* c = Allocate(KeyOf(segment), hash, l.profile);
  if (c == nullptr) return true;  // counted; the peer sends it again
  cookies_taken_.Add(name);
  ++l.counts.cookies_accepted;
  BeginPassive(*c, h.seq - 1, h.ack - 1, *offer, h.options.ts_value);
  c->set(kSynTimedOut);  // nobody knows when the SYN-ACK left: no sample from it (RFC 6298 3)
  counters_.Add(Counter::kTcpPassiveOpens);
  counters_.Add(Counter::kTcpCookiesAccepted);
  SegmentArrives(*c, segment);
  c->clear(kSynTimedOut);
  if (c->state == TcpState::kSynReceived) Finish(*c, CloseReason::kRefused);
  return true;
}

// The handshake is complete, and waits for text: it is remembered from now on, so that it opens in
// the end all the same. Where there is no room, only the text will open it, which brings the cookie
// as well.
void Engine::DeferCookie(Listener& l, const Segment& segment, uint64_t hash,
                         const CookieOptions& offer) {
  const wire::TcpHeader& h = segment.frame->tcp;
  uint32_t place = kNone;
  if (l.half_open < l.parameters.syn_backlog) {
    place = Remember(l, segment, hash, h.seq - 1, h.ack - 1, offer, true);
  }
  if (place == kNone) {
    Drop(Counter::kDropTcpDeferred);
    return;
  }
  half_open_.Move(place, HalfOpen::kStays);
  HalfOpen& e = half_open_[place];
  e.answered = true;
  e.timed_out = true;  // nobody knows when the SYN-ACK left (RFC 6298 3)
  ++l.counts.cookies_accepted;
  counters_.Add(Counter::kTcpCookiesAccepted);
  (void)Defer(place, l, segment);
}

// The tuple's entry is about another answer than the one that the peer has taken, which was a
// cookie. Its SYN came again when there was room, and was remembered then; or a stranger's SYN took
// the entry away from it (F4). A SYN proves nothing, a cookie that comes back does.
// True if it was one.
bool Engine::AdoptCookie(Listener& l, HalfOpen& e, const Segment& segment, uint64_t hash) {
  if (!l.policy.BelievesCookies(now_)) return false;
  const auto offer = CookieIn(segment, profiles_[e.profile].window_scale);
  const wire::TcpHeader& h = segment.frame->tcp;
  if (!offer || cookies_taken_.Contains(NameOfCookie(hash, h.seq - 1, h.ack - 1))) return false;
  // The entry is exact where a cookie is rounded; but which options there are, the answer has said
  // that the peer has taken.
  const CookieOptions known = OfferOf(e);
  if (h.seq - 1 != e.irs || offer->timestamps != known.timestamps ||
      offer->window_scale.has_value() != known.window_scale.has_value()) {
    TakeOffer(e, *offer);
  }
  e.irs = h.seq - 1;
  ++l.counts.cookies_accepted;
  e.iss = h.ack - 1;
  e.ts_recent = h.options.ts_value;
  e.is_cookie = true;
  e.timed_out = true;  // whose answer this is, no clock can tell (RFC 6298 3)
  counters_.Add(Counter::kTcpCookiesAccepted);
  return true;
}

}  // namespace weir::tcp
