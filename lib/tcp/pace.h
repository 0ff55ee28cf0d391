// Pace: what a connection was doing when its limits for slow peers were looked at last.
#pragma once

#include <cstdint>

#include "base/seq.h"
#include "base/time.h"

namespace weir::tcp {

// Nothing on the path of a segment writes this: the limits are looked at by timer, and what moved
// since the last look is told by sequence numbers. It lies beside the control block, in memory that
// is not touched while a connection has no such limit.
struct Pace {
  Millis look_at;  // when next, while `watched`

  // --- idle_timeout_ms ---
  Millis moved_at;  // no octet has moved after that
  uint32_t moved;   // RCV.NXT + SND.UNA at the last look: every octet changes it

  // --- first_text_ms ---
  Millis text_due;  // while `silent`

  // --- min_rate and min_request_rate, an interval at a time ---
  Millis interval_ends;
  Seq una;             // SND.UNA when it began
  uint32_t owed;       // what the peer has to acknowledge beyond that before it ends
  Seq sent;            // SND.NXT when it began
  Seq heard;           // RCV.NXT when it began
  Seq request;         // RCV.NXT when the peer last was as fast as it has to be
  uint16_t intervals;  // whole ones since then, while `requesting`
  bool requesting;     // text has come that nothing was sent after
  bool silent;         // no text has come
  bool watched;
  bool doubted;  // too slow, unless the second look says otherwise
};
static_assert(sizeof(Pace) <= 48);

}  // namespace weir::tcp
