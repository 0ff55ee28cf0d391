// Phase 3 of the turn: a burst of segments against the connections of the shard. State only;
// nothing is sent and no handler runs here.
#include <algorithm>

#include "tcp/engine.h"
#include "tcp/flow_hash.h"

namespace weir::tcp {
namespace {

// While the port is overrun and connections have segments in the burst, SYNs are answered for as
// much as this part of it (requirement K8).
constexpr size_t kSynShare = 4;

}  // namespace

// The burst goes through the table in three steps, so that the memory of all its connections is on
// the way before the first is needed. Known connections come first, half-open ones and TIME-WAIT
// next, new SYNs last: under a flood of SYNs the established ones are served before it.
void Engine::Receive(std::span<Segment> segments, Time now, bool pressed) {
  now_ = now;
  starved_ = false;
  WatchMemory();
  const size_t count = segments.size();
  WEIR_CHECK(count <= config_.segments_per_turn);
  counters_.Add(Counter::kTcpSegmentsIn, count);
  keys_.resize(count);
  hashes_.resize(count);
  HashFlows(
      config_.keys.table, count, [&](size_t i) { return SetKey(keys_[i], segments[i]); },
      [&](size_t i, uint64_t hash) {
        hashes_[i] = hash;
        table_.Prefetch(hash);
      });
  for (const uint64_t hash : hashes_) table_.PrefetchRecord(hash);
  others_.Clear();
  const uint64_t changes = table_.changes();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t index = table_.Find(keys_[i], hashes_[i]);
    if (KindOf(index) == FlowKind::kConnection) {
      ConnectionArrives(tcbs_[index], segments[i]);
    } else if (index != FlowTable::kNone || !TakesPlainSyn(segments[i], hashes_[i])) {
      others_.Add() = {static_cast<uint32_t>(i), index};
    }
  }
  const bool all_new = others_.size() + syns_.size() >= count;
  OthersArrive(segments, changes);
  if (pressed && !all_new) LimitSyns(count);
  if (!syns_.empty()) AnswerSyns(changes);
}

void Engine::Arrive(uint32_t index, Segment& s, uint64_t hash) {
  switch (KindOf(index)) {
    case FlowKind::kConnection:
      return ConnectionArrives(tcbs_[index], s);
    case FlowKind::kHalfOpen:
      return HalfOpenArrives(PlaceOf(index), s, hash);
    case FlowKind::kTimeWait:
      return TimeWaitArrives(PlaceOf(index), s, hash);
    case FlowKind::kNone:
      return NoConnection(s, hash);
  }
}

// What has no control block. `changes` are the table's when `others_` were looked up.
void Engine::OthersArrive(std::span<Segment> segments, uint64_t changes) {
  for (const auto& [i, found] : others_) {
    // An earlier segment of this burst may have opened the connection, or ended it.
    const uint32_t index = table_.changes() == changes ? found : table_.Find(keys_[i], hashes_[i]);
    Arrive(index, segments[i], hashes_[i]);
  }
}

// Under a flood this is every segment: a SYN to a listener without limits, which waits until the
// end of the burst whatever the others are.
inline bool Engine::TakesPlainSyn(Segment& segment, uint64_t hash) {
  constexpr uint8_t kAsked = wire::kTcpSyn | wire::kTcpAck | wire::kTcpRst | wire::kTcpFin;
  const wire::TcpHeader& h = segment.frame->tcp;
  if ((h.flags & kAsked) != wire::kTcpSyn || h.source_port == 0) return false;
  Listener* const l = FindListener(h.destination_port, segment.local);
  if (l == nullptr || !AdmitsEverySyn(*l)) return false;
  TakeSyn(*l, segment, hash);
  return true;
}

// The first ones are answered, whichever listener they are for: those of listeners with limits were
// queued behind the others.
void Engine::LimitSyns(size_t segments) {
  const size_t share = std::max<size_t>(1, segments / kSynShare);
  if (syns_.size() <= share) return;
  std::sort(syns_.begin(), syns_.end(),
            [](const Syn& a, const Syn& b) { return a.segment < b.segment; });
  while (syns_.size() > share) {
    Drop(Counter::kDropTcpSynShare);
    syns_.RemoveLast();
  }
}

void Engine::ConnectionArrives(Tcb& c, Segment& segment) {
  if (c.state == TcpState::kTimeWait && TimeWaitArrives(c, segment)) return;
  SegmentArrives(c, segment);
}

// The connection has ended, and its block waits for the end of the turn, or for a reader. A SYN
// need not wait with it, or whoever connects again right behind its RST would lose a second.
void Engine::EndedArrives(const Tcb& c, Segment& segment) {
  const wire::TcpHeader& h = segment.frame->tcp;
  if (!h.syn() || h.has_ack() || h.rst()) {
    Drop(Counter::kDropTcpNoConnection);
    return;
  }
  const uint64_t hash = table_.Hash(FlowKey::Of(c));
  table_.Erase(hash, tcbs_.IndexOf(c));
  NoConnection(segment, hash);
}

// RFC 9293 3.10.7: the door that the state asks for. The steps of 3.10.7.4 are in the RFC's order;
// each names its drop reason when it stops.
void Engine::SegmentArrives(Tcb& c, Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  if (c.state == TcpState::kClosed) return EndedArrives(c, segment);
  Touch(c);
  if (c.state == TcpState::kSynSent) return SynSentArrives(c, segment);

  Arrival a{c,
            frame,
            frame.tcp,
            segment.packet,
            segment.packet->data() + frame.text_offset,
            frame.tcp.seq + (frame.tcp.syn() ? 1u : 0u),
            frame.text_size,
            frame.tcp.fin()};
  const bool go = CheckTimestamp(a)    // RFC 7323 5.3, before everything
                  && CheckSequence(a)  // first
                  && CheckReset(a)     // second; RFC 5961 3
                  && CheckSyn(a)       // fourth; RFC 5961 4
                  && CheckAck(a)       // fifth; RFC 5961 5
                  && CheckUrgent(a)    // sixth
                  && TakeText(a);      // seventh
  if (go) CheckFin(a);                 // eighth
}

}  // namespace weir::tcp
