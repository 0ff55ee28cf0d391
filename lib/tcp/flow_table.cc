// Two-choice buckets with displacement (Pagh and Rodler 2001; Fan et al. 2014 for the tags).
#include "tcp/flow_table.h"

#include <algorithm>
#include <bit>

namespace weir::tcp {
namespace {

constexpr uint64_t kLoadPercent = 85;
// Buckets looked at when making room; at 85 % load a handful is enough, and the bound keeps an
// insertion cheap when the table is abused beyond its capacity.
constexpr unsigned kSearchBuckets = 256;

}  // namespace

FlowTable::FlowTable(uint32_t capacity, const SipKey& key, const FlowRecords& records)
    : key_(key),
      records_(records),
      bucket_count_(static_cast<uint32_t>(
          std::max<uint64_t>(2, (uint64_t{capacity} * 100 / kLoadPercent + kSlots - 1) / kSlots))),
      buckets_(bucket_count_) {}

void FlowTable::PrefetchRecord(uint64_t hash) const {
  const uint16_t tag = TagOf(hash);
  const uint32_t first = BucketOf(hash);
  uint32_t found = Match(buckets_[first], tag);
  if (found == 0) {
    __builtin_prefetch(&buckets_[Other(first, tag)]);
    return;
  }
  for (; found != 0; found &= found - 1) {
    const uint32_t index = buckets_[first].indices[std::countr_zero(found)];
    const uint32_t place = PlaceOf(index);
    if (KindOf(index) == FlowKind::kConnection) [[likely]] {
      const Tcb& c = records_.connections[place];
      __builtin_prefetch(&c);
      __builtin_prefetch(&c.user);
    } else if (KindOf(index) == FlowKind::kHalfOpen) {
      __builtin_prefetch(&records_.half_open[place]);
    } else {
      __builtin_prefetch(&records_.time_wait[place]);
    }
  }
}

bool FlowTable::Is(uint32_t index, const FlowKey& key) const {
  const auto is = [&key](const auto& r) {
    return r.remote == key.remote && r.remote_port == key.remote_port &&
           r.local_port == key.local_port && r.local == key.local;
  };
  const uint32_t place = PlaceOf(index);
  if (KindOf(index) == FlowKind::kConnection) [[likely]]
    return is(records_.connections[place]);
  return KindOf(index) == FlowKind::kHalfOpen ? is(records_.half_open[place])
                                              : is(records_.time_wait[place]);
}

uint32_t FlowTable::Among(const Bucket& bucket, uint32_t found, const FlowKey& key) const {
  for (; found != 0; found &= found - 1) {
    const uint32_t index = bucket.indices[std::countr_zero(found)];
    if (Is(index, key)) return index;
  }
  return kNone;
}

bool FlowTable::Put(uint32_t bucket, uint16_t tag, uint32_t index) {
  Bucket& b = buckets_[bucket];
  const uint32_t empty = Match(b, 0);
  if (empty == 0) return false;
  const int slot = std::countr_zero(empty);
  b.tags[slot] = tag;
  b.indices[slot] = index;
  return true;
}

bool FlowTable::Insert(uint64_t hash, uint32_t index) {
  const uint16_t tag = TagOf(hash);
  const uint32_t first = BucketOf(hash);
  const uint32_t second = Other(first, tag);
  // The emptier of the two keeps both far from full.
  const bool second_emptier =
      std::popcount(Match(buckets_[second], 0)) > std::popcount(Match(buckets_[first], 0));
  const uint32_t preferred = second_emptier ? second : first;
  if (Put(preferred, tag, index) || (MakeRoom(preferred) && Put(preferred, tag, index))) {
    ++size_;
    ++changes_;
    return true;
  }
  return false;
}

// Breadth-first search for a bucket with an empty slot, reached by moving entries to their other
// buckets; then moves them, last one first, which frees a slot in `bucket`.
bool FlowTable::MakeRoom(uint32_t bucket) {
  struct Step {
    uint32_t bucket;
    uint16_t parent;
    uint16_t slot;  // of the parent's entry that would move here
  };
  std::array<Step, kSearchBuckets> steps;
  steps[0] = {bucket, 0, 0};
  unsigned count = 1;
  for (unsigned at = 0; at < count; ++at) {
    const Bucket& b = buckets_[steps[at].bucket];
    for (uint16_t slot = 0; slot < kSlots && count < kSearchBuckets; ++slot) {
      const uint32_t other = Other(steps[at].bucket, b.tags[slot]);
      steps[count++] = {other, static_cast<uint16_t>(at), slot};
      if (Match(buckets_[other], 0) == 0) continue;
      // A path that crosses itself would move the wrong entry: check on the way back.
      for (unsigned child = count - 1; child != 0; child = steps[child].parent) {
        Bucket& from = buckets_[steps[steps[child].parent].bucket];
        const uint16_t moved = steps[child].slot;
        if (from.tags[moved] == 0 ||
            Other(steps[steps[child].parent].bucket, from.tags[moved]) != steps[child].bucket ||
            !Put(steps[child].bucket, from.tags[moved], from.indices[moved])) {
          return false;
        }
        from.tags[moved] = 0;
      }
      return true;
    }
  }
  return false;
}

FlowTable::Place FlowTable::Locate(uint64_t hash, uint32_t index) {
  const uint16_t tag = TagOf(hash);
  const uint32_t first = BucketOf(hash);
  for (const uint32_t bucket : {first, Other(first, tag)}) {
    Bucket& b = buckets_[bucket];
    for (uint32_t found = Match(b, tag); found != 0; found &= found - 1) {
      const int slot = std::countr_zero(found);
      if (b.indices[slot] == index) return {&b, slot};
    }
  }
  return {};
}

void FlowTable::Erase(uint64_t hash, uint32_t index) {
  const Place place = Locate(hash, index);
  if (place.bucket == nullptr) return;
  place.bucket->tags[place.slot] = 0;
  --size_;
  ++changes_;
}

void FlowTable::Replace(uint64_t hash, uint32_t index, uint32_t by) {
  const Place place = Locate(hash, index);
  WEIR_DCHECK(place.bucket != nullptr);
  if (place.bucket != nullptr) place.bucket->indices[place.slot] = by;
  ++changes_;
}

}  // namespace weir::tcp
