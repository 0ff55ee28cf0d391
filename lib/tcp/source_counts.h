// SourceCounts: how many connections there are from each source prefix.
#pragma once

#include <cstdint>

#include "base/reserved_array.h"
#include "base/siphash.h"
#include "weir/address.h"

namespace weir::tcp {

// A hash table of counters, open addressing with linear probing, at most half full: no prefix has
// more than the connections that it is reserved for, so it never fills and never forgets. Names are
// keyed, so that nobody can choose prefixes that crowd together; two prefixes share a name once in
// 2^64 times. Memory is reserved by the constructor, and touched as it is used.
class SourceCounts {
 public:
  // For `connections` counted at a time.
  SourceCounts(uint32_t connections, const SipKey& key);

  // The prefix of `bits` bits - of the IPv4 part for IPv4 - as counted for this listener.
  uint64_t NameOf(uint16_t listener, const IpAddress& source, uint8_t bits) const;
  uint32_t CountOf(uint64_t name) const { return places_[Find(name)].count; }
  void Add(uint64_t name);
  // `name` was added once more than removed.
  void Remove(uint64_t name);
  // Prefixes that have any.
  uint32_t size() const { return in_use_; }

 private:
  struct Place {
    uint64_t name;
    uint32_t count;  // 0: nobody's
  };

  uint32_t HomeOf(uint64_t name) const { return static_cast<uint32_t>(name) & mask_; }
  uint32_t Find(uint64_t name) const;

  SipKey key_;
  ReservedArray<Place> places_;
  uint32_t mask_;
  uint32_t in_use_ = 0;
};

}  // namespace weir::tcp
