// Segments that meet no connection: CLOSED and LISTEN (RFC 9293 3.10.7.1 and 3.10.7.2), and
// TIME-WAIT as far as a new SYN may end it (RFC 6191).
#include <algorithm>

#include "tcp/engine.h"
#include "tcp/mss_default.h"

namespace weir::tcp {

void Engine::NoConnection(const Segment& segment, uint64_t hash) {
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
    AnswerWithReset(frame, segment.local);
    return;
  }
  // 3.10.7.2: first RST, second ACK, third SYN.
  if (h.rst()) {
    Drop(Counter::kDropTcpListenFlags);
  } else if (h.has_ack()) {
    Listener& l = listeners_[listener];
    const bool good = CookiesAreGood(l);
    if (good && CookieArrives(l, segment, hash)) return;
    Drop(good ? Counter::kDropTcpCookie : Counter::kDropTcpListenAck);
    // Not while cookies are out: a flood of ACKs would become one of RSTs (requirement C10).
    if (!good) AnswerWithReset(frame, segment.local);
  } else if (!h.syn() || h.fin()) {
    Drop(Counter::kDropTcpListenFlags);  // also SYN+FIN, which nobody sends in earnest
  } else {
    ListenArrives(listener, segment, hash, Seq(0));
  }
}

// A SYN makes a connection in SYN-RECEIVED. `iss_floor` is what our ISS must exceed when the tuple
// was in TIME-WAIT a moment ago, or 0. Text on a SYN is not acknowledged; the peer sends it again.
void Engine::ListenArrives(uint16_t listener, const Segment& segment, uint64_t hash,
                           Seq iss_floor) {
  const wire::Frame& frame = *segment.frame;
  Listener& l = listeners_[listener];
  if (iss_floor.value == 0 && WantsCookie(l)) return AnswerWithCookie(l, segment);
  if (l.half_open >= l.parameters.syn_backlog) {
    Drop(Counter::kDropTcpBacklogFull);
    return;
  }
  const FlowKey key{frame.source, frame.tcp.source_port, frame.tcp.destination_port, segment.local};
  Tcb* c = Allocate(key, hash, l.profile);
  if (c == nullptr) return;  // counted
  ++l.half_open;
  ++half_open_count_;
  c->state = TcpState::kSynReceived;
  c->rcv.nxt = c->rcv.adv = frame.tcp.seq + 1;
  c->snd.una = c->snd.nxt = InitialSequence(key, iss_floor);
  c->snd.wl1 = frame.tcp.seq;
  c->snd.wnd = c->wnd_max = frame.tcp.window;  // never scaled in a SYN (RFC 7323 2.2)
  TakeSynOptions(*c, frame.tcp.options);
  c->owe(kSendSyn);
  Touch(*c);
  counters_.Add(Counter::kTcpPassiveOpens);
}

// What the peer's SYN or SYN-ACK offers and we take. Options that only one side sends are off.
void Engine::TakeSynOptions(Tcb& c, const wire::TcpOptions& options) {
  using wire::TcpOptions;
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

// 3.10.7.1: the RST carries what makes it acceptable to the sender. Never in answer to an RST, and
// not faster than the limit.
void Engine::AnswerWithReset(const wire::Frame& frame, uint8_t local) {
  const wire::TcpHeader& h = frame.tcp;
  if (h.rst()) return;
  if (answers_.size() == answers_.capacity() || !resets_.Take(now_)) {
    counters_.Add(Counter::kTcpResetsLimited);
    return;
  }
  if (h.has_ack()) {
    answers_.push_back({&frame, local, h.ack, Seq(0), wire::kTcpRst});
  } else {
    const uint32_t length = frame.text_size + (h.syn() ? 1u : 0u) + (h.fin() ? 1u : 0u);
    answers_.push_back({&frame, local, Seq(0), h.seq + length,
                        static_cast<uint8_t>(wire::kTcpRst | wire::kTcpAck)});
  }
}

// True when the segment has been dealt with here: a SYN that may reuse the tuple does so, a RST is
// ignored (RFC 1337). Everything else goes the ordinary way.
bool Engine::TimeWaitArrives(Tcb& c, const Segment& segment, uint64_t hash) {
  const wire::TcpHeader& h = segment.frame->tcp;
  if (h.rst()) {
    Drop(Counter::kDropTcpTimeWait);
    return true;
  }
  if (!h.syn() || h.has_ack() || h.fin()) return false;
  const uint16_t listener = FindListener(c.local_port, c.local);
  if (listener == kNoListener) return false;

  // RFC 6191 3: is this SYN newer than everything the old connection can have sent? Its last
  // sequence number is that of the FIN, rcv.nxt - 1.
  const bool later = h.seq > c.rcv.nxt - 1;
  const bool new_timestamps = h.options.has(wire::TcpOptions::kTimestamps) && config_.timestamps;
  bool accept = later;
  if (new_timestamps && c.has(kTimestamps)) {
    const auto step = static_cast<int32_t>(h.options.ts_value - c.ts_recent);
    accept = step > 0 || (step == 0 && later);
  } else if (new_timestamps) {
    accept = true;
  }
  if (!accept) {
    Drop(Counter::kDropTcpTimeWait);
    ChallengeAck(c);  // limited; tells a peer with an old SYN where we are
    Touch(c);
    return true;
  }
  if (c.owes(kEventClosed)) {
    Drop(Counter::kDropTcpTimeWait);  // OnClosed first; the peer sends its SYN again
    return true;
  }
  if (listeners_[listener].half_open >= listeners_[listener].parameters.syn_backlog) {
    Drop(Counter::kDropTcpBacklogFull);  // and nothing is lost
    return true;
  }
  const Seq floor = c.snd.nxt + kReuseGap;
  Free(c);
  counters_.Add(Counter::kTcpTimeWaitReused);
  ListenArrives(listener, segment, hash, floor);
  return true;
}

}  // namespace weir::tcp
