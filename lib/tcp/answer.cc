// Answers that belong to no connection: RST, SYN-ACK, and the ACKs of half-open connections and of
// TIME-WAIT. They are built in the buffer in which their cause arrived and go straight back to
// where it came from: no buffer, no route and no neighbour is looked for.
#include "tcp/answer.h"

#include <algorithm>

namespace weir::tcp {

// 3.10.7.1: the RST carries what makes it acceptable to the sender. Never in answer to an RST, and
// not faster than the limit.
[[gnu::noinline]] bool Engine::AnswerWithReset(const Segment& segment) {
  const wire::Frame& frame = *segment.frame;
  const wire::TcpHeader& cause = frame.tcp;
  if (cause.rst()) return false;
  if (!resets_.Take(now_)) {
    counters_.Add(Counter::kTcpResetsLimited);
    return false;
  }
  wire::TcpHeader h;
  h.flags = wire::kTcpRst;
  if (cause.has_ack()) {
    h.seq = cause.ack;
  } else {
    h.flags |= wire::kTcpAck;
    h.ack = cause.seq + frame.text_size + (cause.syn() ? 1u : 0u) + (cause.fin() ? 1u : 0u);
  }
  Answer(segment, h, nullptr);
  counters_.Add(Counter::kTcpResetsSent);
  return true;
}

// What a connection without a place of its own owes: where both sides are.
void Engine::AnswerWithAck(const Segment& segment, Tcb& c) {
  wire::TcpHeader h;
  h.flags = wire::kTcpAck;
  h.seq = c.snd.nxt;
  h.ack = c.rcv.nxt;
  h.window = AdvertiseWindow(c);
  if (c.has(kTimestamps)) {
    h.options.present = wire::TcpOptions::kTimestamps;
    h.options.ts_value = TimestampNow(c);
    h.options.ts_echo = c.ts_recent;
  }
  Answer(segment, h, &SettingsOf(c), c.ts_offset);
}

// What every SYN-ACK says beyond its numbers: the listener's window and options. `present` names
// the options, as in wire::TcpOptions.
void Engine::DescribeSynAck(const Profile& profile, uint8_t local, uint8_t present,
                            wire::TcpHeader& h) const {
  h.flags = wire::kTcpSyn | wire::kTcpAck;
  h.window = profile.syn_window;
  h.options.present = present;
  h.options.mss = std::min(profile.mss_limit, mss_[local]);
  h.options.window_scale = profile.window_scale;
}

}  // namespace weir::tcp
