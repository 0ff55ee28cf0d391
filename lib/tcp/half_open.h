// HalfOpen: a handshake of which the first two segments are out: what a SYN leaves behind.
#pragma once

#include <cstdint>

#include "base/aged_slab.h"
#include "base/seq.h"
#include "base/time.h"
#include "base/timing_wheel.h"
#include "weir/address.h"

namespace weir::tcp {

// An entry of the SYN cache, SYN-RECEIVED after a passive open (RFC 9293 3.3.2) in one cache line
// and without a control block. Where its listener uses SYN cookies `iss` is one, so that nothing is
// lost when the entry is.
struct alignas(64) HalfOpen {
  static constexpr uint8_t kNoScale = 15;
  // Its lists by age. Who gives way may go before its time, for want of room or memory: its peer
  // has a cookie, and has not acknowledged it yet. A peer that has may be silent until the cookie
  // is no longer good, and believes itself connected.
  enum List : uint8_t { kGivesWay, kStays, kLists };

  IpAddress remote;
  uint16_t remote_port;
  uint16_t local_port;
  Seq irs;
  Seq iss;
  uint32_t ts_recent;
  WheelLink wheel_link;
  Millis wheel_at;
  AgeLink age;
  uint32_t sent_us;  // when the SYN-ACK was sent, microseconds mod 2^32
  uint16_t mss;      // as the peer announced it
  uint16_t profile;
  uint8_t local;             // which of our addresses
  uint8_t window_scale : 4;  // the peer's, or kNoScale
  uint8_t timestamps : 1;
  uint8_t sack : 1;
  uint8_t is_cookie : 1;  // `iss`
  uint8_t timed_out : 1;  // the SYN-ACK was sent again
  uint8_t deferred : 1;   // waits for text, its ACK has come
  uint8_t answered : 1;   // its ACK has come, and could not open it yet
  uint8_t retransmits : 6;
  uint8_t challenge_slot;  // as Tcb::challenge_slot; SYNs that come again count as well

  bool gives_way() const { return is_cookie != 0 && answered == 0; }
};
static_assert(sizeof(HalfOpen) == 64, "one cache line");

using HalfOpens = AgedSlab<HalfOpen, HalfOpen::kLists>;

}  // namespace weir::tcp
