// The SYN cache: handshakes that are remembered until their third segment comes, each in one cache
// line. Half-open connections have no control block; they borrow one for the moment in which
// something unusual arrives, so that the steps of RFC 9293 3.10.7.4 need not be written twice.
#include <algorithm>

#include "tcp/answer.h"

namespace weir::tcp {
namespace {

// HalfOpen::retransmits beyond every limit: the SYN-ACK that ends the wait for text.
constexpr uint8_t kLastTry = 0x3f;

}  // namespace

using wire::TcpOptions;

CookieOptions Engine::OfferOf(const HalfOpen& e) {
  CookieOptions offer{.mss = e.mss, .sack = e.sack != 0, .timestamps = e.timestamps != 0};
  if (e.window_scale != HalfOpen::kNoScale) offer.window_scale = e.window_scale;
  return offer;
}

void Engine::TakeOffer(HalfOpen& e, const CookieOptions& offer) {
  e.mss = offer.mss;
  e.window_scale = offer.window_scale.value_or(HalfOpen::kNoScale) & 0x0f;
  e.timestamps = offer.timestamps;
  e.sack = offer.sack;
}

// There is a free entry, or one that may make room.
bool Engine::HalfOpenHasRoom() const {
  return half_open_.in_use() < half_open_.capacity() ||
         half_open_.oldest(HalfOpen::kGivesWay) != kNone;
}

// An entry for this handshake, or kNone: there is no room.
uint32_t Engine::NewHalfOpen(const FlowKey& key, uint64_t hash, HalfOpen::List list) {
  if (!HalfOpenHasRoom()) return kNone;
  if (half_open_.in_use() == half_open_.capacity()) {
    GiveWay(half_open_.oldest(HalfOpen::kGivesWay));
    counters_.Add(Counter::kTcpHalfOpenEvicted);
  }
  const uint32_t place = half_open_.Allocate(list);
  if (!table_.Insert(hash, IndexOf(FlowKind::kHalfOpen, place))) {
    half_open_.Free(place);
    return kNone;
  }
  HalfOpen& e = half_open_[place];
  e.remote = key.remote;
  e.remote_port = key.remote_port;
  e.local_port = key.local_port;
  e.local = key.local;
  return place;
}

// Remembers a handshake with these numbers, and what the peer's segment says beyond them. Without
// `is_cookie` they are lost together with the entry. kNone when there is no room for one.
uint32_t Engine::Remember(Listener& l, const Segment& segment, uint64_t hash, Seq irs, Seq iss,
                          const CookieOptions& offer, bool is_cookie) {
  const uint32_t place =
      NewHalfOpen(KeyOf(segment), hash, is_cookie ? HalfOpen::kGivesWay : HalfOpen::kStays);
  if (place == kNone) return kNone;
  HalfOpen& e = half_open_[place];
  e.irs = irs;
  e.iss = iss;
  e.ts_recent = segment.frame->tcp.options.ts_value;
  e.sent_us = static_cast<uint32_t>(now_.us);
  e.profile = l.profile;
  TakeOffer(e, offer);
  e.is_cookie = is_cookie;
  e.timed_out = false;
  e.deferred = e.answered = false;
  e.retransmits = 0;
  e.challenge_slot = NoChallengeYet();
  profiles_.AddUser(e.profile);
  ++l.half_open;
  half_open_wheel_.Reset(place);
  half_open_wheel_.Arm(place, now_ms() + profiles_[e.profile].settings.rto_initial_ms);
  counters_.Add(Counter::kTcpPassiveOpens);
  return place;
}

// Remembers the handshake that a SYN begins, and answers it. False when there is no room.
[[gnu::noinline]] bool Engine::RememberSyn(const Syn& syn, const CookieOptions& offer,
                                           const Cookie& cookie, bool is_cookie) {
  const wire::Frame& frame = *syn.segment->frame;
  const uint32_t place =
      Remember(*syn.listener, *syn.segment, syn.hash, frame.tcp.seq, cookie.iss, offer, is_cookie);
  if (place == kNone) return false;
  wire::TcpHeader h;
  DescribeSynAck(half_open_[place], cookie.ts_value, h);
  AddCookie(*syn.listener, frame, h.options);
  Answer(*syn.segment, h, &syn.profile->settings, syn.ts_offset);
  return true;
}

// It goes before its time, and its cookie is still out.
void Engine::GiveWay(uint32_t place) {
  listeners_[profiles_[half_open_[place].profile].listener].policy.Arm(now_);
  ForgetHalfOpen(place);
}

void Engine::ForgetHalfOpen(uint32_t place) {
  HalfOpen& e = half_open_[place];
  table_.Erase(table_.Hash(FlowKey::Of(e)), IndexOf(FlowKind::kHalfOpen, place));
  FreeHalfOpen(place);
}

void Engine::FreeHalfOpen(uint32_t place) {
  HalfOpen& e = half_open_[place];
  half_open_wheel_.Cancel(place);
  --listeners_[profiles_[e.profile].listener].half_open;
  DropProfile(e.profile);
  half_open_.Free(place);
}

// --- its SYN-ACK ---

void Engine::DescribeSynAck(const HalfOpen& e, uint32_t ts_value, wire::TcpHeader& h) const {
  uint8_t present = TcpOptions::kMss;
  if (e.window_scale != HalfOpen::kNoScale) present |= TcpOptions::kWindowScale;
  if (e.timestamps != 0) present |= TcpOptions::kTimestamps;
  DescribeSynAck(profiles_[e.profile], e.local, present, h);
  h.seq = e.iss;
  h.ack = e.irs + 1;
  h.options.ts_value = ts_value;
  h.options.ts_echo = e.ts_recent;
}

// The timestamp that went out with the cookie must go out with it again: the peer may echo either.
uint32_t Engine::TimestampOf(const HalfOpen& e, uint32_t ts_offset) const {
  const uint32_t clock = now_.millis().value + ts_offset;
  if (e.timestamps == 0 || e.is_cookie == 0) return clock;
  const Time made = now_ - Microseconds(SinceSynAck(e));
  return cookies_
      .MakeAgain(FlowOf(e), OfferOf(e), e.iss, profiles_[e.profile].window_scale, made, clock,
                 ts_offset)
      .ts_value;
}

CookieFlow Engine::FlowOf(const HalfOpen& e) const {
  return {e.remote, config_.addresses[e.local].address, e.remote_port, e.local_port, e.irs};
}

uint32_t Engine::SinceSynAck(const HalfOpen& e) const {
  return static_cast<uint32_t>(now_.us) - e.sent_us;
}

// The SYN again: our SYN-ACK was lost, or is still on its way. The RFC's letter would have us send
// an ACK, which tells a peer in SYN-SENT nothing. At most one per interval beyond the first.
void Engine::SynAgain(HalfOpen& e, const Segment& segment) {
  Drop(Counter::kDropTcpSyn);
  const uint8_t slot = ChallengeSlot();
  if (e.challenge_slot == slot) {
    counters_.Add(Counter::kTcpSynAcksLimited);
    return;
  }
  e.challenge_slot = slot;
  e.timed_out = true;  // which of the two is acknowledged, no clock can tell (RFC 6298 3)
  // RFC 6298 5.1: the timer runs on, or who repeats its SYN would be remembered for ever.
  const uint32_t ts_offset = TimestampOffset(FlowKey::Of(e));
  OfferAgain(e, *segment.frame, ts_offset);
  wire::TcpHeader h;
  DescribeSynAck(e, TimestampOf(e, ts_offset), h);
  Answer(segment, h, &profiles_[e.profile].settings, ts_offset);
}

// Who hears nothing may leave options out of its next SYN. The answer must not have more than the
// SYN, and its acknowledgement must tell which of the two answers it is for: another cookie does.
// An ISS that is none stays, with the options that both SYNs have. Once the peer has acknowledged
// one, it is settled.
void Engine::OfferAgain(HalfOpen& e, const wire::Frame& frame, uint32_t ts_offset) {
  if (e.answered != 0) return;
  CookieOptions offer = OfferIn(frame);
  const CookieOptions known = OfferOf(e);
  if (offer.timestamps) e.ts_recent = frame.tcp.options.ts_value;
  if (offer == known) return;
  const Profile& profile = profiles_[e.profile];
  if (e.is_cookie != 0) {
    const uint32_t clock = now_.millis().value + ts_offset;
    e.iss = cookies_.Make(FlowOf(e), offer, profile.window_scale, now_, clock, ts_offset).iss;
    e.sent_us = static_cast<uint32_t>(now_.us);
    listeners_[profile.listener].policy.Arm(now_);
  } else {
    offer.timestamps = offer.timestamps && known.timestamps;
    offer.sack = offer.sack && known.sack;
    if (!known.window_scale) offer.window_scale.reset();
  }
  TakeOffer(e, offer);
}

// --- what arrives for it ---

// A connection in SYN-RECEIVED with nothing but these numbers (RFC 9293 3.10.7.2 third).
void Engine::BeginPassive(Tcb& c, Seq irs, Seq iss, const CookieOptions& offer,
                          uint32_t ts_recent) const {
  c.state = TcpState::kSynReceived;
  c.rcv.nxt = c.rcv.adv = irs + 1;
  c.rcv.adv += std::min(0xffffu, SettingsOf(c).receive_buffer);  // as the SYN-ACK announced
  c.snd.una = iss;
  c.snd.nxt = iss + 1;
  c.snd.wl1 = irs;
  TcpOptions options;
  options.present = TcpOptions::kMss;
  options.mss = offer.mss;
  if (offer.window_scale) {
    options.present |= TcpOptions::kWindowScale;
    options.window_scale = *offer.window_scale;
  }
  if (offer.timestamps) {
    options.present |= TcpOptions::kTimestamps;
    options.ts_value = ts_recent;
  }
  TakeSynOptions(c, options);
}

void Engine::HalfOpenArrives(uint32_t place, Segment& segment, uint64_t hash) {
  HalfOpen& e = half_open_[place];
  const wire::TcpHeader& h = segment.frame->tcp;
  const bool older = e.timestamps != 0 && h.options.has(TcpOptions::kTimestamps) &&
                     static_cast<int32_t>(h.options.ts_value - e.ts_recent) < 0;
  if (h.syn() && !h.has_ack() && !h.rst() && h.seq == e.irs && !older) return SynAgain(e, segment);
  Listener& l = listeners_[profiles_[e.profile].listener];
  const bool plain_ack = h.has_ack() && !h.syn() && !h.rst();
  bool proven = e.answered != 0;
  if (plain_ack && h.ack != e.iss + 1) proven = AdoptCookie(l, e, segment, hash);
  const bool completes = plain_ack && h.ack == e.iss + 1;
  // No round trip ends with an ACK that has come before (RFC 6298 3).
  const bool late = e.answered != 0 && e.timed_out == 0;
  Tcb* c;
  if (completes) {
    if (!proven && !EchoFits(e, h)) {
      Drop(Counter::kDropTcpCookie);
      return;
    }
    e.answered = true;
    c = OpenHalfOpen(place, l, segment);
    if (c == nullptr) return;
  } else {
    c = &Scratch(FlowKey::Of(e), e.profile);  // for the moment
  }
  BeginPassive(*c, e.irs, e.iss, OfferOf(e), e.ts_recent);
  c->rttvar_us = e.sent_us;
  c->retransmits = e.retransmits == kLastTry ? 0 : e.retransmits;
  c->challenge_slot = e.challenge_slot;
  if (e.timed_out != 0 || late) c->set(kSynTimedOut);
  SegmentArrives(*c, segment);
  if (late) c->clear(kSynTimedOut);
  if (c->state == TcpState::kSynReceived) {
    e.challenge_slot = c->challenge_slot;
    if (c->owes(kAckNow) && *segment.packet) AnswerWithAck(segment, *c);
    if (completes) {
      DiscardTcb(*c);
      half_open_.Move(place, HalfOpen::kStays);
    }
    return;
  }
  const uint32_t index = IndexOf(FlowKind::kHalfOpen, place);
  if (completes) {
    table_.Replace(hash, index, tcbs_.IndexOf(*c));
    // Whoever has seen its last segment must not begin it once more with that.
    if (e.is_cookie != 0) cookies_taken_.Add(NameOfCookie(hash, e.irs, e.iss));
  } else {
    table_.Erase(hash, index);
    // A SYN that only falls into the window may be a stranger's: the peer's cookie stays good.
    if (h.syn() && e.is_cookie != 0) l.policy.Arm(now_);
  }
  FreeHalfOpen(place);
}

// A control block for a handshake that is complete; null: not now, or never.
Tcb* Engine::OpenHalfOpen(uint32_t place, Listener& l, const Segment& segment) {
  const HalfOpen& e = half_open_[place];
  if (!IsDeferred(l, segment) || !Defer(place, l, segment)) {
    const Admission admission = AdmitHandshake(l, segment);
    if (admission == Admission::kNever) {
      ForgetHalfOpen(place);
      return nullptr;
    }
    Tcb* c = admission == Admission::kNow ? NewTcb(FlowKey::Of(e), e.profile) : nullptr;
    if (c != nullptr) return c;
  }
  half_open_.Move(place, HalfOpen::kStays);  // counted; the peer sends it again
  return nullptr;
}

// Whether an acknowledgement echoes a timestamp of this handshake: the cookie's, or the clock's,
// which a challenge may have had. The ISS alone would be 24 bits for a stranger to guess.
bool Engine::EchoFits(const HalfOpen& e, const wire::TcpHeader& h) const {
  if (e.timestamps == 0 || e.is_cookie == 0 || !h.options.has(TcpOptions::kTimestamps)) return true;
  const uint32_t ts_offset = TimestampOffset(FlowKey::Of(e));
  const uint32_t since = now_.millis().value + ts_offset - h.options.ts_echo;
  if (since <= SinceSynAck(e) / 1000 + 1) return true;
  constexpr uint32_t kProof = (1u << SynCookieCodec::kTimestampBits) - 1;
  return ((h.options.ts_echo - TimestampOf(e, ts_offset)) & kProof) == 0;
}

// Nobody is told of a connection on which nothing was said yet, where the listener wants it so.
bool Engine::IsDeferred(const Listener& l, const Segment& segment) {
  return l.parameters.defer_accept_ms != 0 && segment.frame->text_size == 0 &&
         !segment.frame->tcp.fin();
}

// The handshake is complete, and the entry waits for text instead of an answer. False: it has
// waited long enough. At the end the SYN-ACK goes out once more, and what comes back opens.
bool Engine::Defer(uint32_t place, const Listener& l, const Segment& segment) {
  HalfOpen& e = half_open_[place];
  if (e.retransmits == kLastTry || segment.frame->tcp.seq != e.irs + 1) return false;
  Drop(Counter::kDropTcpDeferred);
  if (e.deferred != 0) return true;
  e.deferred = true;
  half_open_wheel_.Cancel(place);
  half_open_wheel_.Arm(place, now_ms() + l.parameters.defer_accept_ms);
  return true;
}

// --- time ---

void Engine::HalfOpenExpired(uint32_t place) {
  HalfOpen& e = half_open_[place];
  const Settings& s = profiles_[e.profile].settings;
  Listener& l = listeners_[profiles_[e.profile].listener];
  l.policy.Update(l.half_open, now_);
  if (e.deferred != 0) {
    e.deferred = false;
    e.retransmits = kLastTry;
    e.timed_out = true;
    half_open_wheel_.Arm(place, now_ms() + s.rto_initial_ms);
    return SendSynAckAgain(e);
  }
  const uint32_t retries = e.gives_way() ? l.policy.RetriesMax(s.synack_retries) : s.synack_retries;
  if (e.retransmits >= retries) {
    counters_.Add(Counter::kTcpHalfOpenTimedOut);
    return e.retransmits < s.synack_retries ? GiveWay(place) : ForgetHalfOpen(place);
  }
  ++e.retransmits;
  e.timed_out = true;
  const uint64_t rto = uint64_t{s.rto_initial_ms} << std::min<unsigned>(e.retransmits, 20);
  half_open_wheel_.Arm(place,
                       now_ms() + static_cast<uint32_t>(std::min<uint64_t>(rto, s.rto_max_ms)));
  // Requirement K4: however many half-open connections there are, whoever never sent their SYNs is
  // not to suffer from us.
  if (!syn_ack_retransmits_.Take(now_)) {
    counters_.Add(Counter::kTcpSynAcksLimited);
    return;
  }
  SendSynAckAgain(e);
}

void Engine::SendSynAckAgain(const HalfOpen& e) {
  if (out_.full()) return;  // the next timer, or the peer's, tries again
  Packet packet = AllocatePacket(pool_);
  if (!packet) {
    NoBuffer();
    return;
  }
  wire::TcpHeader h;
  h.source_port = e.local_port;
  h.destination_port = e.remote_port;
  const uint32_t ts_offset = TimestampOffset(FlowKey::Of(e));
  DescribeSynAck(e, TimestampOf(e, ts_offset), h);
  const uint16_t size = wire::TcpHeaderLength(h.options);
  wire::WriteTcp(h, packet.Prepend(size));
  const Settings& s = profiles_[e.profile].settings;
  OutSegment& out = out_.Add();
  out.packet = std::move(packet);
  out.remote = e.remote;
  out.local = e.local;
  out.header_size = static_cast<uint8_t>(size);
  out.ttl = s.ttl;
  out.dscp = s.dscp;
  out.flow_label = FlowLabel(ts_offset);
  counters_.Add(Counter::kTcpSynAckRetransmits);
}

// What only the peer has begun ends with its listener, without a word: most of it may come from
// addresses that never sent a SYN. A peer in earnest gets RST for its next segment.
void Engine::ForgetHalfOpenOf(uint16_t listener) {
  for (const auto list : {HalfOpen::kGivesWay, HalfOpen::kStays}) {
    for (uint32_t i = half_open_.oldest(list); i != kNone;) {
      const uint32_t next = half_open_.NewerThan(i);
      if (profiles_[half_open_[i].profile].listener == listener) ForgetHalfOpen(i);
      i = next;
    }
  }
}

}  // namespace weir::tcp
