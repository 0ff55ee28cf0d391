// SynPolicy: how a listener deals with SYNs, by how many handshakes are open; and what is kept of
// cookies that have come back.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/reserved_array.h"
#include "base/time.h"
#include "tcp/syn_cookie.h"
#include "weir/listener.h"

namespace weir::tcp {

enum class SynState : uint8_t { kNormal, kPressure, kCookie };

// Three states. From half of the backlog on SYN-ACKs are sent again less often; when it is full,
// SYNs are answered by cookie and nothing is remembered of them (not with SynCookies::kOff). The
// way back has hysteresis: kPressure ends below a quarter of the backlog, kCookie after a window of
// a second in which no more SYNs came than would have fitted into that quarter.
class SynPolicy {
 public:
  static constexpr Duration kWindow = Milliseconds(1000);

  SynPolicy() = default;
  // `shared`: the secret of the cookies is.
  SynPolicy(SynCookies mode, uint32_t backlog, bool shared = false)
      : mode_(mode), shared_(shared), backlog_(backlog) {}

  // Brings the state up to date.
  SynState Update(uint32_t half_open, Time now) {
    if (mode_ == SynCookies::kAlways) return state_ = SynState::kCookie;
    if (state_ == SynState::kCookie) {
      const Duration since = now - window_began_;
      if (since < kWindow) return state_;
      const bool quiet = since >= kWindow * 2 || sent_in_window_ < Quarter();
      window_began_ = now;
      sent_in_window_ = 0;
      if (!quiet || half_open >= backlog_) return state_;
      state_ = SynState::kPressure;
    }
    if (half_open >= backlog_ && mode_ != SynCookies::kOff) {
      window_began_ = now;
      sent_in_window_ = 0;
      return state_ = SynState::kCookie;
    }
    if (half_open >= (backlog_ + 1) / 2) {
      state_ = SynState::kPressure;
    } else if (half_open < Quarter()) {
      state_ = SynState::kNormal;
    }
    return state_;
  }
  SynState state() const { return state_; }

  // How often a SYN-ACK may be sent again, of `configured` times. Without cookies who is given up
  // early is lost.
  uint32_t RetriesMax(uint32_t configured) const {
    constexpr uint32_t kUnderPressure = 2;
    if (state_ == SynState::kNormal || mode_ == SynCookies::kOff) return configured;
    return state_ == SynState::kCookie ? 0 : std::min(configured, kUnderPressure);
  }

  // A SYN was answered and not remembered, or something remembered was given up early: from now on
  // cookies are believed for as long as they live.
  void Arm(Time now) {
    if (mode_ == SynCookies::kOff) return;
    armed_ = true;
    armed_until_ = now + Milliseconds(SynCookieCodec::kLifeMs);
  }
  void CookieSent(Time now) {
    ++sent_in_window_;
    Arm(now);
  }
  // Only a listener that has sent cookies lately has any that could come back,
  bool CookiesAreGood(Time now) {
    if (armed_ && now >= armed_until_) armed_ = false;
    return armed_;
  }
  // unless other servers have its address and the secret: the network may send the acknowledgement
  // to another server than the SYN.
  bool BelievesCookies(Time now) {
    return (shared_ && mode_ != SynCookies::kOff) || CookiesAreGood(now);
  }

 private:
  uint32_t Quarter() const { return std::max(1u, backlog_ / 4); }

  SynCookies mode_ = SynCookies::kAuto;
  SynState state_ = SynState::kNormal;
  bool shared_ = false;
  bool armed_ = false;
  uint32_t backlog_ = 0;
  uint32_t sent_in_window_ = 0;
  Time window_began_;
  Time armed_until_;
};

// The cookies that were accepted lately, so that one that comes again after its connection has
// ended does not begin another (requirement C9). Thirty-one bits of each are kept, in a place that
// others may take: some are forgotten early, but none is ever seen that was not there, but for one
// time in two thousand million.
class CookiesTaken {
 public:
  static constexpr uint32_t kPlaces = 1u << 15;

  CookiesTaken() : marks_(kPlaces) {}

  // `cookie` is a keyed hash of the flow and the ISS.
  bool Contains(uint64_t cookie) const { return marks_[PlaceOf(cookie)] == MarkOf(cookie); }
  void Add(uint64_t cookie) { marks_[PlaceOf(cookie)] = MarkOf(cookie); }

 private:
  static uint32_t PlaceOf(uint64_t cookie) { return static_cast<uint32_t>(cookie) & (kPlaces - 1); }
  static uint32_t MarkOf(uint64_t cookie) { return static_cast<uint32_t>(cookie >> 32) | 1; }

  ReservedArray<uint32_t> marks_;
};

}  // namespace weir::tcp
