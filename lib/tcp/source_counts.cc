// Counting by source prefix.
#include "tcp/source_counts.h"

#include <bit>

namespace weir::tcp {
namespace {

// The first `bits` of 64, 0..64 of them.
constexpr uint64_t FirstBits(unsigned bits) {
  return bits == 0 ? 0 : ~uint64_t{0} << (64 - (bits < 64 ? bits : 64));
}

constexpr unsigned kV4Offset = 96;  // of the IPv4 part in a mapped address

}  // namespace

SourceCounts::SourceCounts(uint32_t connections, const SipKey& key)
    : key_(key),
      places_(std::bit_ceil(uint64_t{connections} * 2)),
      mask_(static_cast<uint32_t>(places_.size() - 1)) {}

uint64_t SourceCounts::NameOf(uint16_t listener, const IpAddress& source, uint8_t bits) const {
  const unsigned all = source.is_v4() ? kV4Offset + bits : bits;
  const uint64_t words[3] = {source.high() & FirstBits(all),
                             all > 64 ? source.low() & FirstBits(all - 64) : 0,
                             uint64_t{listener} << 8 | all};
  return SipHash24(key_, words, 3);
}

// Its place, or the free one in which it would go.
uint32_t SourceCounts::Find(uint64_t name) const {
  uint32_t i = HomeOf(name);
  while (places_[i].count != 0 && places_[i].name != name) i = (i + 1) & mask_;
  return i;
}

void SourceCounts::Add(uint64_t name) {
  Place& place = places_[Find(name)];
  if (place.count++ != 0) return;
  place.name = name;
  ++in_use_;
  WEIR_DCHECK(in_use_ <= places_.size() / 2);
}

// Whoever had to go further because of this place moves up, so that no search ever meets a gap.
void SourceCounts::Remove(uint64_t name) {
  uint32_t gap = Find(name);
  WEIR_DCHECK(places_[gap].count != 0);
  if (places_[gap].count == 0 || --places_[gap].count != 0) return;
  --in_use_;
  for (uint32_t i = (gap + 1) & mask_; places_[i].count != 0; i = (i + 1) & mask_) {
    const uint32_t away = (i - HomeOf(places_[i].name)) & mask_;
    if (away < ((i - gap) & mask_)) continue;
    places_[gap] = places_[i];
    places_[i].count = 0;
    gap = i;
  }
}

}  // namespace weir::tcp
