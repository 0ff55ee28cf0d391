// SYN cookies (RFC 4987 3.6): a handshake that is remembered by the peer instead of by us. The ISS
// of a SYN-ACK, and its timestamp where the peer uses them, hold what the SYN offered and proof
// that we have said so.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/seq.h"
#include "base/siphash.h"
#include "base/siphash_lanes.h"
#include "base/time.h"
#include "tcp/epoch_keys.h"
#include "tcp/syn_cookie_fields.h"

namespace weir::tcp {

// Makes and checks cookies. Layout of the ISS, most significant bits first: 24 of the MAC, then,
// with the first eight of them added modulo 2, index of the MSS (3), index of the window scale (3),
// SACK (1), parity of the epoch (1). With timestamps the low bits of TSval are 16 more bits of the
// MAC, ECN (1) and the exact window scale (4). The MAC is SipHash-2-4 over the flow, everything
// else that the cookie says, the epoch, and `own_scale`, what we announced ourselves; nothing
// outside it has a say in what is accepted.
//
// All workers, and all hosts that share secret and clock, make the same cookies. A cookie is good
// for the epoch in which it was made and the one after; where other hosts make them too, whose
// clocks are not quite ours, also for the one before.
class SynCookieCodec {
 public:
  static constexpr uint32_t kEpochMs = 30000;
  static constexpr uint32_t kLifeMs = 2 * kEpochMs;
  // How many low bits of TSval are not the clock's: no later TSval of the connection is below it.
  static constexpr unsigned kTimestampBits = cookie_detail::kTimestampBits;

  // `shared`: other hosts have the secret, and clocks less than kEpochMs away from ours.
  explicit SynCookieCodec(const SipKey& secret, bool shared = false)
      : keys_(secret, kKeys, kEpochMs), shared_(shared) {}

  using Cookie = tcp::Cookie;
  // `ts_now` is what the connection's timestamp clock shows, `ts_offset` its offset.
  Cookie Make(const CookieFlow& flow, const CookieOptions& options, uint8_t own_scale, Time now,
              uint32_t ts_now, uint32_t ts_offset) const;
  // The same for many SYNs, whose MACs are computed together. For each i below `count` describe(i,
  // request) and name_flow(i, flow) fill in what Make is given otherwise, and done(i, cookie) is
  // called with what it gives, those of one family in order.
  struct Request {
    CookieOptions options;
    uint8_t own_scale = 0;
    uint32_t ts_now = 0;
    uint32_t ts_offset = 0;
  };
  template <class Describe, class NameFlow, class Done>
  void MakeBatch(size_t count, Describe describe, NameFlow name_flow, Time now, Done done) const;

  // The cookie whose ISS is `iss`, made of the same once more: its timestamp is that of now.
  // `made`: when the first one was, or up to an epoch later.
  Cookie MakeAgain(const CookieFlow& flow, const CookieOptions& options, Seq iss, uint8_t own_scale,
                   Time made, uint32_t ts_now, uint32_t ts_offset) const;

  // What the SYN offered, if `iss` (and `ts_echo`, where the acknowledgement has one) is a cookie
  // of ours for this flow that is still good. MSS and, without timestamps, window scale come back
  // rounded down to a value that the cookie can name.
  std::optional<CookieOptions> Check(const CookieFlow& flow, Seq iss,
                                     std::optional<uint32_t> ts_echo, uint8_t own_scale, Time now,
                                     uint32_t ts_offset) const;

 private:
  static constexpr uint64_t kKeys = 0x4987;  // the RFC's number

  // When a cookie was made that is good at `now`.
  int64_t EpochOf(Seq iss, Time now) const;
  uint64_t Mac(const CookieFlow& flow, int64_t epoch, uint64_t said) const;
  // How far TSvals stay behind the clock: none may be above that of a host that the connection goes
  // on with.
  uint32_t Behind() const { return shared_ ? kEpochMs : 0; }

  EpochKeys keys_;
  bool shared_;
};

template <class Describe, class NameFlow, class Done>
void SynCookieCodec::MakeBatch(size_t count, Describe describe, NameFlow name_flow, Time now,
                               Done done) const {
  using namespace cookie_detail;
  constexpr size_t kRoom = SipBatch<3>::kRoom;
  struct Made {
    uint64_t said;
    uint32_t ts_latest, ts_offset;
  };
  const int64_t epoch = keys_.EpochOf(now);
  const SipKey& key = keys_.KeyOf(epoch);
  const uint32_t behind = Behind();
  SipBatch<3> v4;
  SipBatch<6> v6;
  std::array<Made, kRoom> made;
  for (size_t begin = 0; begin < count; begin += kRoom) {
    const size_t size = std::min(kRoom, count - begin);
    for (size_t i = 0; i < size; ++i) {
      Request r;
      describe(begin + i, r);
      const uint64_t said = Said(r.options, epoch, r.own_scale);
      made[i] = {said, r.ts_now - behind, r.ts_offset};
      CookieFlow flow;
      name_flow(begin + i, flow);
      if (flow.remote.is_v4()) {
        v4.Add(i, MessageV4(flow, said));
      } else {
        v6.Add(i, MessageV6(flow, said));
      }
    }
    const auto finish = [&](size_t i, uint64_t mac) {
      done(begin + i, CookieOf(mac, made[i].said, made[i].ts_latest, made[i].ts_offset));
    };
    v4.HashAll(key, finish);
    v6.HashAll(key, finish);
  }
}

}  // namespace weir::tcp
