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

FlowTable::FlowTable(uint32_t capacity, const SipKey& key, const Tcb* tcbs)
    : key_(key),
      tcbs_(tcbs),
      bucket_count_(static_cast<uint32_t>(
          std::max<uint64_t>(2, (uint64_t{capacity} * 100 / kLoadPercent + kSlots - 1) / kSlots))),
      buckets_(bucket_count_) {}

void FlowTable::PrefetchTcb(uint64_t hash) const {
  const uint16_t tag = TagOf(hash);
  const uint32_t first = BucketOf(hash);
  uint32_t found = Match(buckets_[first], tag);
  if (found == 0) {
    __builtin_prefetch(&buckets_[Other(first, tag)]);
    return;
  }
  for (; found != 0; found &= found - 1) {
    const Tcb& c = tcbs_[buckets_[first].indices[std::countr_zero(found)]];
    __builtin_prefetch(&c);
    __builtin_prefetch(&c.user);
  }
}

uint32_t FlowTable::FindIn(const Bucket& bucket, uint16_t tag, const FlowKey& key) const {
  for (uint32_t found = Match(bucket, tag); found != 0; found &= found - 1) {
    const uint32_t index = bucket.indices[std::countr_zero(found)];
    const Tcb& c = tcbs_[index];
    if (c.remote == key.remote && c.remote_port == key.remote_port &&
        c.local_port == key.local_port && c.local == key.local) {
      return index;
    }
  }
  return kNone;
}

uint32_t FlowTable::Find(const FlowKey& key, uint64_t hash) const {
  const uint16_t tag = TagOf(hash);
  const uint32_t first = BucketOf(hash);
  const uint32_t index = FindIn(buckets_[first], tag, key);
  if (index != kNone) return index;
  return FindIn(buckets_[Other(first, tag)], tag, key);
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

bool FlowTable::EraseIn(uint32_t bucket, uint16_t tag, uint32_t index) {
  Bucket& b = buckets_[bucket];
  for (uint32_t found = Match(b, tag); found != 0; found &= found - 1) {
    const int slot = std::countr_zero(found);
    if (b.indices[slot] == index) {
      b.tags[slot] = 0;
      return true;
    }
  }
  return false;
}

void FlowTable::Erase(uint64_t hash, uint32_t index) {
  const uint16_t tag = TagOf(hash);
  const uint32_t first = BucketOf(hash);
  if (EraseIn(first, tag, index) || EraseIn(Other(first, tag), tag, index)) --size_;
}

}  // namespace weir::tcp
