// Segments that meet no connection: CLOSED and LISTEN (RFC 9293 3.10.7.1 and 3.10.7.2).
#include <algorithm>

#include "tcp/engine.h"
#include "tcp/flow_hash.h"
#include "tcp/mss_default.h"

namespace weir::tcp {

using wire::TcpOptions;

void Engine::NoConnection(Segment& segment, uint64_t hash) {
  const wire::Frame& frame = *segment.frame;
  const wire::TcpHeader& h = frame.tcp;
  if (h.source_port == 0 || h.destination_port == 0) {
    Drop(Counter::kDropTcpPortZero);
    return;
  }
  // MUST-57: nothing that was sent to a group gets an answer, not even through its Ethernet
  // address.
  if (frame.l2_multicast || frame.source == config_.addresses[segment.local].address) {
    Drop(Counter::kDropTcpBadAddress);
    return;
  }
  const uint16_t listener = FindListener(h.destination_port, segment.local);
  if (listener == kNoListener) {
    Drop(Counter::kDropTcpNoConnection);
    AnswerWithReset(segment);
    return;
  }
  // 3.10.7.2: first RST, second ACK, third SYN.
  if (h.rst()) {
    Drop(Counter::kDropTcpListenFlags);
  } else if (h.has_ack()) {
    Listener& l = listeners_[listener];
    const bool good = l.policy.CookiesAreGood(now_);
    if (l.policy.BelievesCookies(now_) && CookieArrives(l, segment, hash)) return;
    if (good) ++l.counts.cookies_refused;
    Drop(good ? Counter::kDropTcpCookie : Counter::kDropTcpListenAck);
    // Not while cookies are out: a flood of ACKs would become one of RSTs (requirement C10).
    if (!good) AnswerWithReset(segment);
  } else if (!h.syn() || h.fin()) {
    Drop(Counter::kDropTcpListenFlags);  // also SYN+FIN, which nobody sends in earnest
  } else if (AdmitsSyn(listeners_[listener], segment)) {
    syns_.push_back({&segment, hash, listener});
  }
}

// What the peer offers in its SYN, as far as we would take it.
CookieOptions Engine::OfferOf(const wire::Frame& frame) const {
  const TcpOptions& o = frame.tcp.options;
  CookieOptions offer;
  offer.mss = frame.source.is_v4() ? kMssDefaultV4 : kMssDefaultV6;
  if (o.has(TcpOptions::kMss)) offer.mss = o.mss;
  if (o.has(TcpOptions::kWindowScale)) {
    offer.window_scale = std::min(o.window_scale, wire::kTcpWindowScaleMax);
  }
  offer.sack = o.has(TcpOptions::kSackPermitted);
  offer.timestamps = o.has(TcpOptions::kTimestamps) && config_.timestamps;
  return offer;
}

// The new SYNs of the burst, all together: their cookies are made side by side. Text on a SYN that
// is not a fast open's is not acknowledged; the peer sends it again. `changes` are the table's when
// the burst came: since then a cookie may have opened the very connection that a SYN asks for once
// more.
void Engine::AnswerSyns(uint64_t changes) {
  if (syns_.empty()) return;
  // The offset hides the clock, and IPv6 makes flow labels of it; a plain SYN of IPv4 needs none.
  syn_keys_.clear();
  for (const Syn& syn : syns_) {
    if (NeedsOffset(*syn.segment->frame)) syn_keys_.push_back(KeyOf(*syn.segment));
  }
  syn_hashes_.resize(syn_keys_.size());
  HashTuples(config_.keys.timestamp, config_.addresses, syn_keys_, syn_hashes_);
  offers_.clear();
  const uint64_t* hash = syn_hashes_.data();
  for (const Syn& syn : syns_) {
    const bool needs = NeedsOffset(*syn.segment->frame);
    offers_.push_back(RequestOf(syn, needs ? static_cast<uint32_t>(*hash++) : 0));
  }
  made_.resize(offers_.size());
  cookies_.MakeBatch(offers_, now_, made_);
  // A SYN that finds its connection ended meanwhile comes to the list anew: the peer sends it
  // again.
  for (size_t i = 0; i < offers_.size(); ++i) {
    AnswerSyn(syns_[i], offers_[i], made_[i], table_.changes() != changes);
  }
  syns_.clear();
}

bool Engine::NeedsOffset(const wire::Frame& frame) const {
  return !frame.v4 || (frame.tcp.options.has(TcpOptions::kTimestamps) && config_.timestamps);
}

Engine::CookieRequest Engine::RequestOf(const Syn& syn, uint32_t ts_offset) const {
  const wire::Frame& frame = *syn.segment->frame;
  return {CookieFlowOf(frame, syn.segment->local), OfferOf(frame),
          profiles_[listeners_[syn.listener].profile].window_scale, now_.millis().value + ts_offset,
          ts_offset};
}

// Whether a SYN is worth an answer: somebody accepts what it opens, and there is a block for it.
bool Engine::TakesSyns(Listener& l) {
  if (l.unaccepted >= l.parameters.backlog) {
    ++l.counts.overflowed;
    return Drop(Counter::kDropTcpSynAcceptFull);
  }
  return tcbs_.in_use() < tcbs_.capacity() || Drop(Counter::kDropTcpNoTcb);
}

void Engine::AnswerSyn(const Syn& syn, const CookieRequest& offer, const Cookie& cookie,
                       bool look_again) {
  Listener& l = listeners_[syn.listener];
  ++l.counts.syns;
  if (!TakesSyns(l)) return;
  const SynState state = l.policy.Update(l.half_open, now_);
  if (look_again) {
    const uint32_t index = table_.Find(KeyOf(*syn.segment), syn.hash);
    if (index != FlowTable::kNone) {
      return Arrive(index, *syn.segment, syn.hash);
    }
  }
  if (state != SynState::kCookie && FastOpenArrives(syn, offer)) return;
  if (l.parameters.syn_cookies == SynCookies::kOff) {
    const Cookie by_clock{InitialSequence(KeyOf(*syn.segment), Seq(0)), offer.ts_now};
    if (l.half_open >= l.parameters.syn_backlog || !RememberSyn(syn, offer, by_clock, false)) {
      Drop(Counter::kDropTcpBacklogFull);
    }
    return;
  }
  if (state != SynState::kCookie && RememberSyn(syn, offer, cookie, true)) return;
  AnswerWithCookie(l, *syn.segment, offer, cookie);
}

// A SYN on a tuple that was in TIME-WAIT a moment ago: our ISS must be above `floor`, which no
// cookie can promise.
void Engine::ReusedTupleArrives(const Syn& syn, Seq floor) {
  const FlowKey key = KeyOf(*syn.segment);
  const CookieRequest offer = RequestOf(syn, TimestampOffset(key));
  if (!RememberSyn(syn, offer, {InitialSequence(key, floor), offer.ts_now}, false)) {
    Drop(Counter::kDropTcpBacklogFull);
  }
}

// The application has not taken what is there already. The handshake stays open: the peer's next
// segment, or our next SYN-ACK, tries again - or the peer is told, if the listener says so.
bool Engine::AcceptQueueFull(Listener& l, const Segment& segment) {
  if (l.unaccepted < l.parameters.backlog) return false;
  Drop(Counter::kDropTcpAcceptFull);
  ++l.counts.overflowed;
  if (l.parameters.accept_overflow == AcceptOverflow::kReset) AnswerWithReset(segment);
  return true;
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
