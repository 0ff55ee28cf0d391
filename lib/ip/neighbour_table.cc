// NeighbourTable: hash chains over a fixed array, and one list per class for eviction.
#include "ip/neighbour_table.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/prng.h"

namespace weir::ip {
namespace {

// What those we only heard of may fill, and questions without an answer: a flood of either leaves
// room for the other and for real neighbours.
constexpr uint32_t kLearnedShare = 4;
constexpr uint32_t kIncompleteShare = 2;

}  // namespace

NeighbourTable::NeighbourTable(uint16_t capacity, uint64_t seed)
    : entries_(capacity), buckets_(std::bit_ceil(size_t{capacity}) * 2, kNone) {
  WEIR_CHECK(capacity > 0 && capacity < kNone);
  Prng prng(seed);
  key_ = {prng.Next(), prng.Next()};
  for (uint16_t i = 0; i < capacity; ++i) Link(i, NeighbourClass::kFree);
}

uint32_t NeighbourTable::BucketOf(const IpAddress& address, uint16_t interface) const {
  const uint64_t words[3] = {address.high(), address.low(), interface};
  return static_cast<uint32_t>(SipHash24(key_, words, 3) & (buckets_.size() - 1));
}

uint16_t NeighbourTable::Find(const IpAddress& address, uint16_t interface) const {
  uint16_t index = buckets_[BucketOf(address, interface)];
  while (index != kNone && !Is(index, address, interface)) index = entries_[index].next_in_bucket;
  return index;
}

uint16_t NeighbourTable::PlaceFor(NeighbourClass kept) const {
  const uint32_t share = kept == NeighbourClass::kLearned ? kLearnedShare : kIncompleteShare;
  if (count(kept) >= std::max<uint32_t>(1, capacity() / share)) return OldestOf(kept);
  if (count(NeighbourClass::kFree) > 0) return OldestOf(NeighbourClass::kFree);
  if (count(NeighbourClass::kLearned) > 0) return OldestOf(NeighbourClass::kLearned);
  if (kept == NeighbourClass::kLearned) return kNone;
  if (count(NeighbourClass::kStale) > 0) return OldestOf(NeighbourClass::kStale);
  return OldestOf(NeighbourClass::kIncomplete);  // kNone when there is none
}

void NeighbourTable::Insert(uint16_t index, const IpAddress& address, uint16_t interface,
                            NeighbourClass kept) {
  Neighbour& n = entries_[index];
  WEIR_DCHECK(n.state == NeighbourState::kFree);
  Unlink(index);
  n = Neighbour{};
  n.address = address;
  n.interface = interface;
  n.state = NeighbourState::kIdle;
  uint16_t& bucket = buckets_[BucketOf(address, interface)];
  n.next_in_bucket = bucket;
  bucket = index;
  Link(index, kept);
}

void NeighbourTable::Remove(uint16_t index) {
  Neighbour& n = entries_[index];
  WEIR_DCHECK(n.state != NeighbourState::kFree && n.waiting_count == 0);
  uint16_t* link = &buckets_[BucketOf(n.address, n.interface)];
  while (*link != index) link = &entries_[*link].next_in_bucket;
  *link = n.next_in_bucket;
  n.state = NeighbourState::kFree;
  Unlink(index);
  Link(index, NeighbourClass::kFree);
}

void NeighbourTable::Reclass(uint16_t index, NeighbourClass kept) {
  if (entries_[index].kept == NeighbourClass::kPinned) return;
  Unlink(index);
  Link(index, kept);
}

void NeighbourTable::Link(uint16_t index, NeighbourClass kept) {
  List& list = ListOf(kept);
  Neighbour& n = entries_[index];
  n.kept = kept;
  n.older = list.youngest;
  n.younger = kNone;
  (list.youngest == kNone ? list.oldest : entries_[list.youngest].younger) = index;
  list.youngest = index;
  ++list.count;
}

void NeighbourTable::Unlink(uint16_t index) {
  Neighbour& n = entries_[index];
  List& list = ListOf(n.kept);
  (n.older == kNone ? list.oldest : entries_[n.older].younger) = n.younger;
  (n.younger == kNone ? list.youngest : entries_[n.younger].older) = n.older;
  --list.count;
}

}  // namespace weir::ip
