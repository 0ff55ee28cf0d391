// Path MTUs: reading claims, and the table of those that were believed.
#include "ip/path_mtu.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "base/prng.h"

namespace weir::ip {
namespace {

constexpr Time kLongAgo{std::numeric_limits<int64_t>::min()};

// RFC 1191 7.1, largest first: the sizes that links are likely to have.
constexpr uint16_t kPlateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

// The next plateau below a packet that was too big.
uint16_t PlateauBelow(uint16_t size) {
  for (const uint16_t plateau : kPlateaus) {
    if (plateau < size) return plateau;
  }
  return kPlateaus[std::size(kPlateaus) - 1];
}

}  // namespace

uint16_t ClaimedMtu(const wire::QuotedSegment& quoted, uint16_t interface_mtu, uint16_t floor_v4) {
  if (!quoted.source.is_v4()) {
    // RFC 8201 4: less than every path takes is discarded; more than a packet can have, too.
    const bool possible = quoted.mtu >= kMtuMinV6 && quoted.mtu <= 0xffff;
    return possible ? static_cast<uint16_t>(quoted.mtu) : uint16_t{0};
  }
  // RFC 1191 5: a router from before it names no MTU. What it quotes says how big the packet was,
  // and is believed as far as we can have sent that.
  const uint16_t mtu = quoted.mtu != 0 ? static_cast<uint16_t>(quoted.mtu)
                                       : PlateauBelow(std::min(quoted.packet_size, interface_mtu));
  return std::max(mtu, floor_v4);
}

PathMtuTable::PathMtuTable(uint32_t entries, Duration lifetime, uint64_t seed)
    : entries_(std::bit_ceil((std::max(entries, 1u) + kPlaces - 1) / kPlaces) * kPlaces,
               Entry{IpAddress(), kLongAgo, 0}),
      lifetime_(lifetime),
      none_after_(kLongAgo) {
  Prng prng(seed);
  key_ = {prng.Next(), prng.Next()};
}

uint32_t PathMtuTable::BucketOf(const IpAddress& destination) const {
  const uint64_t words[2] = {destination.high(), destination.low()};
  const auto buckets = static_cast<uint32_t>(entries_.size() / kPlaces);
  return static_cast<uint32_t>(SipHash24(key_, words, 2) & (buckets - 1)) * kPlaces;
}

uint16_t PathMtuTable::Search(const IpAddress& destination, Time now) const {
  const uint32_t bucket = BucketOf(destination);
  for (uint32_t i = bucket; i < bucket + kPlaces; ++i) {
    const Entry& entry = entries_[i];
    if (entry.destination == destination && now < entry.until) return entry.mtu;
  }
  return 0;
}

PathMtuTable::Entry& PathMtuTable::Place(const IpAddress& destination, Time now) {
  const uint32_t bucket = BucketOf(destination);
  Entry* place = &entries_[bucket];
  for (uint32_t i = bucket; i < bucket + kPlaces; ++i) {
    Entry& entry = entries_[i];
    if (entry.destination == destination) {
      if (now >= entry.until) entry.mtu = 0;
      return entry;
    }
    if (entry.until < place->until) place = &entry;
  }
  place->destination = destination;
  place->mtu = 0;
  return *place;
}

void PathMtuTable::Lower(const IpAddress& destination, uint16_t mtu, Time now) {
  WEIR_DCHECK(mtu != 0);
  Entry& entry = Place(destination, now);
  if (entry.mtu != 0 && entry.mtu < mtu) return;
  entry.mtu = mtu;
  entry.until = now + lifetime_;
  none_after_ = std::max(none_after_, entry.until);
}

void PathMtuTable::Set(const IpAddress& destination, uint16_t mtu, Time now) {
  Place(destination, now).mtu = 0;
  Lower(destination, mtu, now);
}

}  // namespace weir::ip
