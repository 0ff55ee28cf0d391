// SYN cookies at work: when a SYN is answered by one, and the acknowledgement that brings it back.
#include <algorithm>

#include "tcp/engine.h"
#include "tcp/mss_default.h"

namespace weir::tcp {
namespace {

CookieOptions OfferOf(const wire::Frame& frame, bool timestamps) {
  using wire::TcpOptions;
  const TcpOptions& o = frame.tcp.options;
  CookieOptions offer;
  offer.mss = frame.source.is_v4() ? kMssDefaultV4 : kMssDefaultV6;
  if (o.has(TcpOptions::kMss)) offer.mss = o.mss;
  if (o.has(TcpOptions::kWindowScale)) {
    offer.window_scale = std::min(o.window_scale, wire::kTcpWindowScaleMax);
  }
  offer.timestamps = timestamps && o.has(TcpOptions::kTimestamps);
  return offer;
}

}  // namespace

// Hysteresis: once full, the backlog must be a quarter empty before handshakes are remembered
// again.
bool Engine::WantsCookie(Listener& l) const {
  const uint32_t backlog = l.parameters.syn_backlog;
  if (l.parameters.syn_cookies == SynCookies::kOff) return false;
  if (l.half_open >= backlog) l.answers_by_cookie = true;
  if (l.half_open < backlog - backlog / 4) l.answers_by_cookie = false;
  return l.answers_by_cookie || l.parameters.syn_cookies == SynCookies::kAlways;
}

// Only a listener that has sent cookies lately believes any.
bool Engine::CookiesAreGood(Listener& l) const {
  if (l.cookies_sent && now_ >= l.cookies_until) l.cookies_sent = false;
  return l.cookies_sent;
}

CookieFlow Engine::CookieFlowOf(const wire::Frame& frame, uint8_t local) const {
  const wire::TcpHeader& h = frame.tcp;
  // The peer's ISN: its SYN's own number, and one less than that of what follows.
  const Seq irs = h.syn() ? h.seq : h.seq - 1;
  return {frame.source, config_.addresses[local].address, h.source_port, h.destination_port, irs};
}

// The SYN is answered and forgotten: no control block, no timer. The answer carries no option that
// the SYN did not, so that it is never longer (requirement C11).
void Engine::AnswerWithCookie(Listener& l, const Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  if (answers_.size() == answers_.capacity()) {
    counters_.Add(Counter::kDropTcpBacklogFull);
    return;
  }
  const CookieFlow flow = CookieFlowOf(frame, segment.local);
  const CookieOptions offer = OfferOf(frame, config_.timestamps);
  const FlowKey key{frame.source, frame.tcp.source_port, frame.tcp.destination_port, segment.local};
  const uint32_t offset = TimestampOffset(key);
  const SynCookieCodec::Cookie cookie = cookies_.Make(
      flow, offer, profiles_[l.profile].window_scale, now_, now_.millis().value + offset, offset);
  Answer answer{&frame,
                segment.local,
                cookie.iss,
                frame.tcp.seq + 1,
                static_cast<uint8_t>(wire::kTcpSyn | wire::kTcpAck),
                l.profile};
  answer.options = frame.tcp.options.present & wire::TcpOptions::kMss;
  if (offer.window_scale) answer.options |= wire::TcpOptions::kWindowScale;
  if (offer.timestamps) answer.options |= wire::TcpOptions::kTimestamps;
  answer.ts_value = cookie.ts_value;
  answers_.push_back(answer);
  l.cookies_sent = true;
  l.cookies_until = now_ + Milliseconds(SynCookieCodec::kLifeMs);
  counters_.Add(Counter::kTcpCookiesSent);
}

// True when the acknowledgement brought a cookie: the connection has been made, as it was when its
// SYN came, and has taken the segment like any other in SYN-RECEIVED.
bool Engine::CookieArrives(Listener& l, const Segment& segment, uint64_t hash) {
  const wire::Frame& frame = *segment.frame;
  const wire::TcpHeader& h = frame.tcp;
  if (h.syn() || h.rst() || !h.has_ack()) return false;
  const FlowKey key{frame.source, h.source_port, h.destination_port, segment.local};
  const CookieFlow flow = CookieFlowOf(frame, segment.local);
  std::optional<uint32_t> ts_echo;
  if (h.options.has(wire::TcpOptions::kTimestamps) && config_.timestamps) {
    ts_echo = h.options.ts_echo;
  }
  const auto offer = cookies_.Check(flow, h.ack - 1, ts_echo, profiles_[l.profile].window_scale,
                                    now_, TimestampOffset(key));
  if (!offer) return false;
  Tcb* c = Allocate(key, hash, l.profile);
  if (c == nullptr) return true;  // counted; the peer sends it again
  ++l.half_open;
  ++half_open_count_;
  c->state = TcpState::kSynReceived;
  c->rcv.nxt = c->rcv.adv = h.seq;
  c->rcv.adv += std::min(0xffffu, SettingsOf(*c).receive_buffer);  // as the SYN-ACK announced
  c->snd.una = h.ack - 1;
  c->snd.nxt = h.ack;
  c->snd.wl1 = h.seq - 1;
  wire::TcpOptions options;
  options.present = wire::TcpOptions::kMss;
  options.mss = offer->mss;
  if (offer->window_scale) {
    options.present |= wire::TcpOptions::kWindowScale;
    options.window_scale = *offer->window_scale;
  }
  if (offer->timestamps) {
    options.present |= wire::TcpOptions::kTimestamps;
    options.ts_value = h.options.ts_value;
  }
  TakeSynOptions(*c, options);
  c->set(kSynTimedOut);  // nobody knows when the SYN-ACK left: no sample from it (RFC 6298 3)
  counters_.Add(Counter::kTcpPassiveOpens);
  counters_.Add(Counter::kTcpCookiesAccepted);
  Segment again = segment;
  SegmentArrives(*c, again);
  c->clear(kSynTimedOut);
  if (c->state == TcpState::kSynReceived) Finish(*c, CloseReason::kRefused);
  return true;
}

// A SYN was answered by cookie, came again when there was room and was remembered then; the peer
// has taken the first answer, which is as good as the second.
bool Engine::AdoptCookie(const Arrival& a) {
  Tcb& c = a.c;
  if (c.has(kActiveOpen) || a.h.seq != c.rcv.nxt ||
      !CookiesAreGood(listeners_[ProfileOf(c).listener])) {
    return false;
  }
  std::optional<uint32_t> ts_echo;
  if (c.has(kTimestamps)) ts_echo = a.h.options.ts_echo;
  if (!cookies_.Check(CookieFlowOf(a.frame, c.local), a.h.ack - 1, ts_echo,
                      ProfileOf(c).window_scale, now_, c.ts_offset)) {
    return false;
  }
  c.snd.una = a.h.ack - 1;
  c.snd.nxt = a.h.ack;
  c.set(kSynTimedOut);  // whose answer this is, no clock can tell (RFC 6298 3)
  counters_.Add(Counter::kTcpCookiesAccepted);
  return true;
}

}  // namespace weir::tcp
