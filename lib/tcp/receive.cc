// Phase 3 of the turn: a burst of segments against the connections of the shard. State only;
// nothing is sent and no handler runs here.
#include <algorithm>

#include "tcp/engine.h"

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
  found_.clear();
  for (const Segment& s : segments) {
    found_.push_back({table_.Hash(KeyOf(s)), FlowTable::kNone});
    table_.Prefetch(found_.back().hash);
  }
  for (const Found& found : found_) table_.PrefetchRecord(found.hash);
  size_t others = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    Segment& s = segments[i];
    counters_.Add(Counter::kTcpSegmentsIn);
    const uint32_t index = table_.Find(KeyOf(s), found_[i].hash);
    found_[i].index = index;
    if (KindOf(index) == FlowKind::kConnection) {
      ConnectionArrives(tcbs_[index], s);
    } else {
      found_[others++] = {found_[i].hash, static_cast<uint32_t>(i)};
    }
  }
  if (others != 0) OthersArrive(segments, others, pressed && others < segments.size());
}

// What has no control block: `found_` holds the hashes and places of the `count` segments. SYNs are
// answered after everything else, and only so many of them where `limited`.
void Engine::OthersArrive(std::span<Segment> segments, size_t count, bool limited) {
  for (size_t i = 0; i < count; ++i) {
    Segment& s = segments[found_[i].index];
    const uint64_t hash = found_[i].hash;
    // An earlier segment of this burst may have opened the connection, or ended it.
    const uint32_t index = table_.Find(KeyOf(s), hash);
    switch (KindOf(index)) {
      case FlowKind::kConnection:
        ConnectionArrives(tcbs_[index], s);
        break;
      case FlowKind::kHalfOpen:
        HalfOpenArrives(PlaceOf(index), s, hash);
        break;
      case FlowKind::kTimeWait:
        TimeWaitArrives(PlaceOf(index), s, hash);
        break;
      case FlowKind::kNone:
        NoConnection(s, hash);
        break;
    }
  }
  if (limited) {
    const size_t share = std::max<size_t>(1, segments.size() / kSynShare);
    while (syns_.size() > share) {
      Drop(Counter::kDropTcpSynShare);
      syns_.pop_back();
    }
  }
  AnswerSyns();
}

void Engine::ConnectionArrives(Tcb& c, Segment& segment) {
  if (c.state == TcpState::kTimeWait && TimeWaitArrives(c, segment)) return;
  SegmentArrives(c, segment);
}

// RFC 9293 3.10.7: the door that the state asks for. The steps of 3.10.7.4 are in the RFC's order;
// each names its drop reason when it stops.
void Engine::SegmentArrives(Tcb& c, Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  if (c.state == TcpState::kClosed) {  // ended earlier in this turn
    Drop(Counter::kDropTcpNoConnection);
    return;
  }
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
