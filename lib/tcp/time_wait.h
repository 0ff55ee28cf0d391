// TimeWait: a connection that is over, and remembered for a while.
#pragma once

#include <cstdint>

#include "base/aged_slab.h"
#include "base/seq.h"
#include "base/time.h"
#include "base/timing_wheel.h"
#include "weir/address.h"

namespace weir::tcp {

// TIME-WAIT in one cache line (RFC 9293 3.6.1): as much as its few answers and RFC 6191 need. The
// application has heard OnClosed and read everything.
struct alignas(64) TimeWait {
  IpAddress remote;
  uint16_t remote_port;
  uint16_t local_port;
  Seq snd_nxt;
  Seq rcv_nxt;
  uint32_t ts_recent;
  WheelLink wheel_link;
  Millis wheel_at;
  Millis ends_at;
  AgeLink age;
  uint16_t profile;
  uint16_t window;  // the field as last sent
  uint8_t local;    // which of our addresses
  uint8_t scale;    // as Tcb::scale
  uint8_t challenge_slot;
  uint8_t timestamps;  // 0 or 1
};
static_assert(sizeof(TimeWait) == 64, "one cache line");

}  // namespace weir::tcp
