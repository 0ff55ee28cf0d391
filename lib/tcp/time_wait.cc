// TIME-WAIT: from a control block to a record of one cache line, what still arrives for it, and how
// a new connection takes its place (RFC 6191).
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {

void Engine::EnterTimeWait(Tcb& c) {
  if (c.has(kOrphan)) --orphan_count_;
  c.state = TcpState::kTimeWait;
  ++time_wait_count_;
  c.retransmits = 0;
  c.reason = CloseReason::kNormal;
  c.clear(kPersist);
  if (c.has(kOpened)) c.owe(kEventClosed);
  ArmRetransmit(c, SettingsOf(c).time_wait_ms);
  counters_.Add(Counter::kTcpTimeWait);
}

// Everything is said and the application has nothing left to read: the control block goes back, and
// a record takes its place. When there is none, the oldest gives way.
void Engine::BecomeTimeWaitRecord(Tcb& c) {
  const FlowKey key = FlowKey::Of(c);
  const uint64_t hash = table_.Hash(key);
  uint32_t place = time_waits_.Allocate();
  if (place == kNone && time_waits_.oldest() != kNone) {
    ForgetTimeWait(time_waits_.oldest());
    counters_.Add(Counter::kTcpTimeWaitRecycled);
    place = time_waits_.Allocate();
  }
  if (place == kNone) return Free(c);  // none is kept at all
  TimeWait& t = time_waits_[place];
  t.remote = c.remote;
  t.remote_port = c.remote_port;
  t.local_port = c.local_port;
  t.local = c.local;
  t.snd_nxt = c.snd.nxt;
  t.rcv_nxt = c.rcv.nxt;
  t.ts_recent = c.ts_recent;
  t.ends_at = c.retransmit_at;
  t.profile = c.profile;
  const uint8_t scale = c.receive_scale();
  t.window =
      static_cast<uint16_t>(std::min(0xffffu, (c.receive_window() + (1u << scale) - 1) >> scale));
  t.scale = c.scale;
  t.challenge_slot = c.challenge_slot;
  t.timestamps = c.has(kTimestamps);
  profiles_.AddUser(t.profile);
  time_wait_wheel_.Reset(place);
  time_wait_wheel_.Arm(place, t.ends_at);
  table_.Replace(hash, tcbs_.IndexOf(c), IndexOf(FlowKind::kTimeWait, place));
  DiscardTcb(c);
}

void Engine::ForgetTimeWait(uint32_t place) {
  const TimeWait& t = time_waits_[place];
  table_.Erase(table_.Hash(FlowKey::Of(t)), IndexOf(FlowKind::kTimeWait, place));
  time_wait_wheel_.Cancel(place);
  DropProfile(t.profile);
  time_waits_.Free(place);
  --time_wait_count_;
  counters_.Add(Counter::kTcpClosed);
}

void Engine::TimeWaitExpired(uint32_t place) {
  const TimeWait& t = time_waits_[place];
  if (t.ends_at > now_ms()) {
    time_wait_wheel_.Arm(place, t.ends_at);
  } else {
    ForgetTimeWait(place);
  }
}

// What a segment is to a tuple in TIME-WAIT. RST is ignored (RFC 1337). A SYN that is newer than
// everything the old connection can have sent may reuse the tuple: RFC 6191 3. The last sequence
// number of the old connection is that of the FIN, `rcv_nxt` - 1.
Engine::OldTuple Engine::MeetsTimeWait(const Segment& segment, Seq rcv_nxt,
                                       std::optional<uint32_t> ts_recent) {
  const wire::TcpHeader& h = segment.frame->tcp;
  if (h.rst()) return OldTuple::kIgnored;
  if (!h.syn() || h.has_ack() || h.fin() ||
      FindListener(h.destination_port, segment.local) == nullptr) {
    return OldTuple::kOrdinary;
  }
  const bool later = h.seq > rcv_nxt - 1;
  const bool timestamps = h.options.has(wire::TcpOptions::kTimestamps) && config_.timestamps;
  bool accept = later;
  if (timestamps && ts_recent) {
    const auto step = static_cast<int32_t>(h.options.ts_value - *ts_recent);
    accept = step > 0 || (step == 0 && later);
  } else if (timestamps) {
    accept = true;
  }
  return accept ? OldTuple::kReused : OldTuple::kRefused;
}

// While the application has not heard of the end, or not read everything. False: the segment goes
// the ordinary way.
bool Engine::TimeWaitArrives(Tcb& c, const Segment& segment) {
  std::optional<uint32_t> ts_recent;
  if (c.has(kTimestamps)) ts_recent = c.ts_recent;
  const OldTuple is = MeetsTimeWait(segment, c.rcv.nxt, ts_recent);
  if (is == OldTuple::kOrdinary) return false;
  Drop(Counter::kDropTcpTimeWait);  // OnClosed first; the peer sends its SYN again
  if (is == OldTuple::kRefused) {
    ChallengeAck(c);  // limited; tells a peer with an old SYN where we are
    Touch(c);
  }
  return true;
}

void Engine::TimeWaitArrives(uint32_t place, Segment& segment, uint64_t hash) {
  TimeWait& t = time_waits_[place];
  std::optional<uint32_t> ts_recent;
  if (t.timestamps != 0) ts_recent = t.ts_recent;
  switch (MeetsTimeWait(segment, t.rcv_nxt, ts_recent)) {
    case OldTuple::kIgnored:
      Drop(Counter::kDropTcpTimeWait);
      return;
    case OldTuple::kReused:
      return ReuseTuple(place, segment, hash);
    case OldTuple::kRefused: {
      Drop(Counter::kDropTcpTimeWait);
      Tcb& c = ScratchOf(t);
      ChallengeAck(c);
      break;
    }
    case OldTuple::kOrdinary:
      SegmentArrives(ScratchOf(t), segment);
      break;
  }
  Tcb& c = tcbs_[kScratch];
  t.challenge_slot = c.challenge_slot;
  t.ends_at = c.retransmit_at;  // the FIN sent again has moved it
  t.ts_recent = c.ts_recent;
  wheel_.Cancel(kScratch);
  if (c.owes(kAckNow) && *segment.packet) AnswerWithAck(segment, c);
}

// The record as a control block, for the steps of RFC 9293 3.10.7.4 to look at.
Tcb& Engine::ScratchOf(const TimeWait& t) {
  Tcb& c = Scratch(FlowKey::Of(t), t.profile);
  c.state = TcpState::kTimeWait;
  c.set(kCloseRequested | kFinSent | kPeerFin | kOrphan | kRetransmitArmed);
  if (t.timestamps != 0) c.set(kTimestamps);
  c.clear(kKeepAlive);
  c.scale = t.scale;
  c.snd.una = c.snd.nxt = t.snd_nxt;
  c.wnd_max = 0xffffu << c.send_scale();
  c.rcv.nxt = t.rcv_nxt;
  c.rcv.adv = t.rcv_nxt + (static_cast<uint32_t>(t.window) << c.receive_scale());
  c.snd.wl1 = t.rcv_nxt;
  c.ts_recent = t.ts_recent;
  c.retransmit_at = t.ends_at;
  c.challenge_slot = t.challenge_slot;
  return c;
}

// A new connection on the old tuple. It goes past cookies and the early answers to a full backlog,
// but not past the backlogs themselves: without room the old connection stays, and nothing is lost.
void Engine::ReuseTuple(uint32_t place, Segment& segment, uint64_t hash) {
  Listener& l = *FindListener(segment.frame->tcp.destination_port, segment.local);
  if (!AdmitsSyn(l, segment) || !TakesSyns(l)) return;
  if (l.half_open >= l.parameters.syn_backlog || !HalfOpenHasRoom()) {
    Drop(Counter::kDropTcpBacklogFull);
    return;
  }
  const Seq floor = time_waits_[place].snd_nxt + kReuseGap;
  ForgetTimeWait(place);
  counters_.Add(Counter::kTcpTimeWaitReused);
  ReusedTupleArrives({&segment, hash, &l, &profiles_[l.profile]}, floor);
}

}  // namespace weir::tcp
