// Segments that meet no connection: CLOSED and LISTEN (RFC 9293 3.10.7.1 and 3.10.7.2).
#include <algorithm>

#include "tcp/answer.h"
#include "tcp/flow_hash.h"
#include "tcp/mss_default.h"

namespace weir::tcp {

using wire::TcpOptions;

void Engine::NoConnection(Segment& segment, uint64_t hash) {
  const wire::TcpHeader& h = segment.frame->tcp;
  Listener* const l = FindListener(h.destination_port, segment.local);
  if (h.source_port == 0 || h.destination_port == 0) {
    Drop(Counter::kDropTcpPortZero);
  } else if (l == nullptr) {
    Drop(Counter::kDropTcpNoConnection);
    AnswerWithReset(segment);
  } else if (h.rst()) {  // 3.10.7.2: first RST, second ACK, third SYN
    Drop(Counter::kDropTcpListenFlags);
  } else if (h.has_ack()) {
    AckWithoutConnection(*l, segment, hash);
  } else if (!h.syn() || h.fin()) {
    Drop(Counter::kDropTcpListenFlags);  // also SYN+FIN, which nobody sends in earnest
  } else if (AdmitsEverySyn(*l) || AdmitsSyn(*l, segment)) {
    TakeSyn(*l, segment, hash);
  }
}

// It may bring a cookie back.
[[gnu::noinline]] void Engine::AckWithoutConnection(Listener& l, Segment& segment, uint64_t hash) {
  const bool good = l.policy.CookiesAreGood(now_);
  if (l.policy.BelievesCookies(now_) && CookieArrives(l, segment, hash)) return;
  if (good) ++l.counts.cookies_refused;
  Drop(good ? Counter::kDropTcpCookie : Counter::kDropTcpListenAck);
  // Not while cookies are out: a flood of ACKs would become one of RSTs (requirement C10).
  if (!good) AnswerWithReset(segment);
}

// The new SYNs of the burst, all together: their cookies are made side by side. Text on a SYN that
// is not a fast open's is not acknowledged; the peer sends it again. `changes` are the table's when
// the burst came: since then a cookie may have opened the very connection that a SYN asks for once
// more.
void Engine::AnswerSyns(uint64_t changes) {
  HideClock();
  cookies_.MakeBatch(
      syns_.size(), [&](size_t i, SynCookieCodec::Request& r) { Describe(syns_[i], r); },
      [&](size_t i, CookieFlow& flow) { NameFlow(*syns_[i].segment, flow); }, now_,
      [&](size_t i, Cookie cookie) { AnswerSyn(syns_[i], cookie, table_.changes() != changes); });
  syns_.Clear();
}

// Timestamp offsets, for those SYNs whose answers need one.
void Engine::HideClock() {
  FlowKey key;
  HashTuples(
      config_.keys.timestamp, config_.addresses, syns_.size(),
      [&](size_t i) { return syns_[i].needs_offset ? SetKey(key, *syns_[i].segment) : nullptr; },
      [&](size_t i, uint64_t hash) { syns_[i].ts_offset = static_cast<uint32_t>(hash); });
}

// What the peer offers in its SYN, as far as we would take it.
inline void Engine::ReadOffer(const wire::Frame& frame, CookieOptions& offer) const {
  const TcpOptions& o = frame.tcp.options;
  if (o.has(TcpOptions::kMss)) {
    offer.mss = o.mss;
  } else {
    offer.mss = frame.v4 ? kMssDefaultV4 : kMssDefaultV6;
  }
  if (o.has(TcpOptions::kWindowScale)) {
    offer.window_scale = std::min(o.window_scale, wire::kTcpWindowScaleMax);
  }
  offer.sack = o.has(TcpOptions::kSackPermitted);
  offer.timestamps = o.has(TcpOptions::kTimestamps) && config_.timestamps;
}

CookieOptions Engine::OfferIn(const wire::Frame& frame) const {
  CookieOptions offer;
  ReadOffer(frame, offer);
  return offer;
}

inline void Engine::NameFlow(const Segment& syn, CookieFlow& flow) const {
  flow.remote = syn.frame->source;
  flow.local = config_.addresses[syn.local].address;
  flow.remote_port = syn.frame->tcp.source_port;
  flow.local_port = syn.frame->tcp.destination_port;
  flow.irs = syn.frame->tcp.seq;
}

// What its cookie says.
inline void Engine::Describe(const Syn& syn, SynCookieCodec::Request& r) const {
  const wire::Frame& frame = *syn.segment->frame;
  ReadOffer(frame, r.options);
  r.own_scale = syn.profile->window_scale;
  r.ts_now = now_.millis().value + syn.ts_offset;
  r.ts_offset = syn.ts_offset;
}

// Whether a SYN is worth an answer: somebody accepts what it opens, and there is a block for it.
bool Engine::TakesSyns(Listener& l) {
  if (l.unaccepted >= l.parameters.backlog) {
    ++l.counts.overflowed;
    return Drop(Counter::kDropTcpSynAcceptFull);
  }
  return tcbs_.in_use() < tcbs_.capacity() || Drop(Counter::kDropTcpNoTcb);
}

// The SYN is answered and forgotten: no record, no timer. The answer carries no option that the SYN
// did not, so that it is never longer (requirement C11).
inline void Engine::AnswerWithCookie(Listener& l, const Syn& syn, Cookie cookie) {
  const wire::TcpHeader& cause = syn.segment->frame->tcp;
  uint8_t known = TcpOptions::kMss | TcpOptions::kWindowScale;
  if (config_.timestamps) known |= TcpOptions::kTimestamps;
  wire::TcpHeader h;
  DescribeSynAck(*syn.profile, syn.segment->local, cause.options.present & known, h);
  h.seq = cookie.iss;
  h.ack = cause.seq + 1;
  h.options.ts_value = cookie.ts_value;
  h.options.ts_echo = cause.options.ts_value;
  Answer(*syn.segment, h, &syn.profile->settings, syn.ts_offset);
  l.policy.CookieSent(now_);
  ++l.counts.cookies_sent;
  counters_.Add(Counter::kTcpCookiesSent);
}

// False when there is no room to remember the SYN, whose cookie is then all that is left of it.
[[gnu::noinline]] bool Engine::OpenBySyn(Listener& l, const Syn& syn, Cookie cookie) {
  const CookieOptions offer = OfferIn(*syn.segment->frame);
  if (FastOpenArrives(syn, offer)) return true;
  if (l.parameters.syn_cookies != SynCookies::kOff) return RememberSyn(syn, offer, cookie, true);
  const Cookie by_clock{InitialSequence(KeyOf(*syn.segment), Seq(0)),
                        now_.millis().value + syn.ts_offset};
  if (l.half_open >= l.parameters.syn_backlog || !RememberSyn(syn, offer, by_clock, false)) {
    Drop(Counter::kDropTcpBacklogFull);
  }
  return true;
}

inline void Engine::AnswerSyn(const Syn& syn, Cookie cookie, bool look_again) {
  Listener& l = *syn.listener;
  if (look_again) {
    const uint32_t index = table_.Find(KeyOf(*syn.segment), syn.hash);
    if (HasEnded(index)) {
      table_.Erase(syn.hash, index);  // as in EndedArrives: the tuple is free for the SYN
    } else if (index != FlowTable::kNone) {
      return Arrive(index, *syn.segment, syn.hash);
    }
  }
  ++l.counts.syns;
  if (!TakesSyns(l)) return;
  const SynState state = l.policy.Update(l.half_open, now_);
  if (state == SynState::kCookie || !OpenBySyn(l, syn, cookie)) AnswerWithCookie(l, syn, cookie);
}

// A SYN on a tuple that was in TIME-WAIT a moment ago: our ISS must be above `floor`, which no
// cookie can promise.
void Engine::ReusedTupleArrives(Syn syn, Seq floor) {
  const FlowKey key = KeyOf(*syn.segment);
  syn.ts_offset = TimestampOffset(key);
  const Cookie by_clock{InitialSequence(key, floor), now_.millis().value + syn.ts_offset};
  if (!RememberSyn(syn, OfferIn(*syn.segment->frame), by_clock, false)) {
    Drop(Counter::kDropTcpBacklogFull);
  }
}

void Engine::Accepted(uint16_t listener) {
  WEIR_DCHECK(listeners_[listener].unaccepted != 0);
  if (listeners_[listener].unaccepted != 0) --listeners_[listener].unaccepted;
}

// What the peer's SYN or SYN-ACK offers and we take. Options that only one side sends are off.
void Engine::TakeSynOptions(Tcb& c, const TcpOptions& options) const {
  if (options.has(TcpOptions::kTimestamps) && config_.timestamps) {
    c.set(kTimestamps);
    c.ts_recent = options.ts_value;
  }
  if (options.has(TcpOptions::kWindowScale)) {
    const uint8_t shift = std::min(options.window_scale, wire::kTcpWindowScaleMax);
    c.scale = static_cast<uint8_t>((c.scale & 0xf0) | shift);
  } else {
    c.scale = 0;
  }
  uint16_t mss = c.remote.is_v4() ? kMssDefaultV4 : kMssDefaultV6;
  if (options.has(TcpOptions::kMss)) mss = std::max(options.mss, kMssMin);
  // MUST-16: no more than the interface takes, less our options.
  mss = std::min(mss, MssFor(c));
  if (c.has(kTimestamps)) mss = static_cast<uint16_t>(mss - kTimestampOptionSize);
  c.mss = mss;
}

}  // namespace weir::tcp
