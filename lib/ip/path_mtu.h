// What is known of the path to a destination: the MTU that packets to it have met (RFC 1191, RFC
// 8201), and what to make of a message that claims one.
#pragma once

#include <cstdint>
#include <vector>

#include "base/siphash.h"
#include "base/time.h"
#include "weir/address.h"
#include "wire/icmp.h"

namespace weir::ip {

// RFC 8200 5: every path takes this much, whatever a message claims.
inline constexpr uint16_t kMtuMinV6 = 1280;

// What a packet-too-big message says that the path takes, or 0 when it cannot be meant.
// `interface_mtu` is the most that we can have sent, `floor_v4` the least that is believed of an
// IPv4 path.
uint16_t ClaimedMtu(const wire::QuotedSegment& quoted, uint16_t interface_mtu, uint16_t floor_v4);

// A bounded table of destinations whose path takes less than the interface. An entry lives for one
// lifetime (RFC 1191 6.3); then the path is tried anew. Each address has one bucket of a few
// places, so that all work is bounded; who finds no free place displaces the entry that would go
// first. Losing an entry costs its destination one more discovery and nothing else.
//
// Entries must only be made for what the layer above has believed: then filling the table takes a
// connection for each, and a stranger who forges messages gets nowhere near it.
class PathMtuTable {
 public:
  // `entries` is rounded up to whole buckets; memory is reserved here.
  PathMtuTable(uint32_t entries, Duration lifetime, uint64_t seed);

  // The largest packet that is known to reach `destination`; 0 when nothing is known.
  uint16_t Find(const IpAddress& destination, Time now) const {
    return now < none_after_ ? Search(destination, now) : uint16_t{0};
  }
  // A message was believed. While the entry lives it can only lower it; the same value again proves
  // it for another lifetime.
  void Lower(const IpAddress& destination, uint16_t mtu, Time now);
  // It was measured by packets that were acknowledged: true whatever a message said before.
  void Set(const IpAddress& destination, uint16_t mtu, Time now);

  uint32_t capacity() const { return static_cast<uint32_t>(entries_.size()); }

 private:
  static constexpr uint32_t kPlaces = 4;  // of a bucket: two cache lines

  struct Entry {
    IpAddress destination;
    Time until{0};  // free at this time and after
    uint16_t mtu = 0;
  };

  uint32_t BucketOf(const IpAddress& destination) const;
  uint16_t Search(const IpAddress& destination, Time now) const;
  // The destination's entry, or the place it would get with mtu 0.
  Entry& Place(const IpAddress& destination, Time now);

  SipKey key_;
  std::vector<Entry> entries_;
  Duration lifetime_;
  Time none_after_;  // no entry lives longer: an empty table costs nothing to ask
};

}  // namespace weir::ip
