// Phase 3 of the turn: a burst of segments against the connections of the shard. State only;
// nothing is sent and no handler runs here.
#include "tcp/engine.h"

namespace weir::tcp {

// The burst goes through the table in three steps, so that the memory of all its connections is on
// the way before the first is needed. Known connections come first, the rest after them: under a
// flood of SYNs the established ones are served before it.
void Engine::Receive(std::span<Segment> segments, Time now) {
  now_ = now;
  starved_ = false;
  found_.clear();
  for (const Segment& s : segments) {
    const FlowKey key{s.frame->source, s.frame->tcp.source_port, s.frame->tcp.destination_port,
                      s.local};
    found_.push_back({table_.Hash(key), FlowTable::kNone});
    table_.Prefetch(found_.back().hash);
  }
  for (const Found& found : found_) table_.PrefetchTcb(found.hash);
  bool unknown = false;
  for (size_t i = 0; i < segments.size(); ++i) {
    Segment& s = segments[i];
    const FlowKey key{s.frame->source, s.frame->tcp.source_port, s.frame->tcp.destination_port,
                      s.local};
    counters_.Add(Counter::kTcpSegmentsIn);
    const uint32_t index = table_.Find(key, found_[i].hash);
    if (index == FlowTable::kNone) {
      unknown = true;
      continue;
    }
    found_[i].index = index;
    Tcb& c = tcbs_[index];
    if (c.state == TcpState::kTimeWait && TimeWaitArrives(c, s, found_[i].hash)) continue;
    SegmentArrives(c, s);
  }
  if (!unknown) return;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (found_[i].index != FlowTable::kNone) continue;
    // An earlier segment of this burst may have opened the connection.
    Segment& s = segments[i];
    const FlowKey key{s.frame->source, s.frame->tcp.source_port, s.frame->tcp.destination_port,
                      s.local};
    const uint32_t index = table_.Find(key, found_[i].hash);
    if (index == FlowTable::kNone) {
      NoConnection(s, found_[i].hash);
    } else {
      SegmentArrives(tcbs_[index], s);
    }
  }
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
