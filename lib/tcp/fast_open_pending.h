// PendingFastOpens: how many connections of a listener fast open has begun and no handshake has
// confirmed (PendingFastOpenRequests, RFC 7413 5.1).
#pragma once

#include <cstdint>

#include "base/time.h"

namespace weir::tcp {

// A cookie proves only that its client was there once: with cookies that it has collected, a flood
// from forged addresses could have the application work and answer. What such a connection costs is
// bounded by how many there may be at a time. One that ends before its handshake is over, as by the
// RST of a host that never sent the SYN, goes on to count for about as long as it would have waited
// for its peer: from one minute to two.
class PendingFastOpens {
 public:
  static constexpr Duration kWindow = Seconds(60);

  uint32_t count(Time now) {
    Turn(now);
    return open_ + ended_ + ended_before_;
  }
  void Begin() { ++open_; }
  // The handshake is over, or the peer never said anything.
  void End() { --open_; }
  void EndEarly(Time now) {
    Turn(now);
    --open_;
    ++ended_;
  }

 private:
  void Turn(Time now) {
    const int64_t window = now.us / kWindow.us;
    if (window == window_) return;
    ended_before_ = window == window_ + 1 ? ended_ : 0;
    ended_ = 0;
    window_ = window;
  }

  uint32_t open_ = 0;
  // Those that ended early in this window and in the one before it.
  uint32_t ended_ = 0;
  uint32_t ended_before_ = 0;
  int64_t window_ = 0;
};

}  // namespace weir::tcp
