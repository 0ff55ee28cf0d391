// FlowTable: from a 4-tuple to what is known of it: a connection, a half-open one, or TIME-WAIT.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <cstdint>
#include <span>

#include "base/reserved_array.h"
#include "base/siphash.h"
#include "tcp/half_open.h"
#include "tcp/tcb.h"
#include "tcp/time_wait.h"
#include "weir/address.h"

namespace weir::tcp {

// What names a connection within one shard.
struct FlowKey {
  IpAddress remote;
  uint16_t remote_port = 0;
  uint16_t local_port = 0;
  uint8_t local = 0;  // index of our address

  template <class Record>
  static FlowKey Of(const Record& r) {
    return {r.remote, r.remote_port, r.local_port, r.local};
  }
};

// What an index of the table is one of: its two highest bits.
enum class FlowKind : uint8_t { kConnection, kHalfOpen, kTimeWait, kNone };

constexpr FlowKind KindOf(uint32_t index) { return static_cast<FlowKind>(index >> 30); }
// The index within its kind, and the way back.
constexpr uint32_t PlaceOf(uint32_t index) { return index & 0x3fffffffu; }
constexpr uint32_t IndexOf(FlowKind kind, uint32_t place) {
  return static_cast<uint32_t>(kind) << 30 | place;
}

// Where the records lie that indices name, by kind; none of a kind that the table never gets.
struct FlowRecords {
  const Tcb* connections = nullptr;
  const HalfOpen* half_open = nullptr;
  const TimeWait* time_wait = nullptr;
};

// A bucketed hash table: buckets of one cache line hold ten tags and ten indices, every key has
// two buckets, and a full pair makes room by moving an entry to its other bucket. Entries are four
// octets of index and two of tag; the key itself stands in the record. The hash is SipHash under a
// secret key, so that nobody outside can aim at a bucket. One lookup tells connections, half-open
// ones and those in TIME-WAIT apart.
class FlowTable {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  // Room for `capacity` records at 85 % load.
  FlowTable(uint32_t capacity, const SipKey& key, const FlowRecords& records);

  uint64_t Hash(const FlowKey& key) const {
    if (key.remote.is_v4()) {
      const uint64_t words[2] = {static_cast<uint64_t>(key.remote.v4()) << 32 |
                                     static_cast<uint32_t>(key.remote_port) << 16 | key.local_port,
                                 key.local};
      return SipHash24(key_, words, 2);
    }
    const uint64_t words[3] = {key.remote.high(), key.remote.low(),
                               static_cast<uint64_t>(key.local) << 32 |
                                   static_cast<uint32_t>(key.remote_port) << 16 | key.local_port};
    return SipHash24(key_, words, 3);
  }

  // Brings the first bucket of a hash, or both, into the cache.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[BucketOf(hash)]); }
  // Brings the records that the hash may mean into the cache; the bucket should be there.
  void PrefetchRecord(uint64_t hash) const;

  // The index, or kNone.
  [[gnu::always_inline]] uint32_t Find(const FlowKey& key, uint64_t hash) const {
    const uint16_t tag = TagOf(hash);
    const uint32_t first = BucketOf(hash);
    const Bucket& b = buckets_[first];
    if (const uint32_t found = Match(b, tag); found != 0) {
      const uint32_t index = Among(b, found, key);
      if (index != kNone) return index;
    }
    const Bucket& other = buckets_[Other(first, tag)];
    const uint32_t found = Match(other, tag);
    return found == 0 ? kNone : Among(other, found, key);
  }
  // False when no room can be made; the key must not be in the table yet.
  [[nodiscard]] bool Insert(uint64_t hash, uint32_t index);
  void Erase(uint64_t hash, uint32_t index);
  // The record of this key has become another one.
  void Replace(uint64_t hash, uint32_t index, uint32_t by);

  // Goes up whenever what Find returned before may not be true any more.
  uint64_t changes() const { return changes_; }

  uint32_t size() const { return size_; }
  uint64_t octets() const { return buckets_.size() * sizeof(Bucket); }

 private:
  static constexpr unsigned kSlots = 10;

  struct alignas(64) Bucket {
    uint16_t tags[kSlots];  // 0 = empty
    uint32_t indices[kSlots];
    uint32_t spare;
  };
  static_assert(sizeof(Bucket) == 64);

  static uint16_t TagOf(uint64_t hash) {
    const auto tag = static_cast<uint16_t>(hash);
    return tag == 0 ? 1 : tag;
  }
  uint32_t BucketOf(uint64_t hash) const {
    return static_cast<uint32_t>((hash >> 32) * bucket_count_ >> 32);
  }
  // The other bucket of an entry, from either of them; its own inverse.
  uint32_t Other(uint32_t bucket, uint16_t tag) const {
    const uint32_t sum =
        static_cast<uint32_t>(static_cast<uint64_t>(tag * 0x9e3779b1u) * bucket_count_ >> 32);
    return sum >= bucket ? sum - bucket : sum + bucket_count_ - bucket;
  }
  // One bit per slot whose tag is `tag`.
  static uint32_t Match(const Bucket& bucket, uint16_t tag) {
#ifdef __SSE2__
    // All tags in two comparisons, the last two with what lies behind them: a comparison's mask has
    // two bits a tag, of which packing leaves one.
    const auto* at = reinterpret_cast<const __m128i*>(bucket.tags);
    const __m128i wanted = _mm_set1_epi16(static_cast<int16_t>(tag));
    const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(at), wanted);
    const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(at + 1), wanted);
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    return mask & ((1u << kSlots) - 1);
#else
    uint32_t found = 0;
    for (unsigned i = 0; i < kSlots; ++i) {
      found |= static_cast<uint32_t>(bucket.tags[i] == tag) << i;
    }
    return found;
#endif
  }
  bool Put(uint32_t bucket, uint16_t tag, uint32_t index);
  bool MakeRoom(uint32_t bucket);
  bool Is(uint32_t index, const FlowKey& key) const;
  // Which of the entries `found` of a bucket is the key's: its index, or kNone.
  uint32_t Among(const Bucket& bucket, uint32_t found, const FlowKey& key) const;
  // Where the entry of `index` is; bucket null when it is nowhere.
  struct Place {
    Bucket* bucket = nullptr;
    int slot = 0;
  };
  Place Locate(uint64_t hash, uint32_t index);

  SipKey key_;
  FlowRecords records_;
  uint32_t bucket_count_;
  uint32_t size_ = 0;
  uint64_t changes_ = 0;
  ReservedArray<Bucket> buckets_;
};

}  // namespace weir::tcp
