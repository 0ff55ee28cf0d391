// The flow table: finds what it holds, up to its capacity, whatever the keys.
#include "tcp/flow_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"
#include "base/slab.h"

namespace weir::tcp {
namespace {

constexpr SipKey kKey{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

// A table over `capacity` control blocks with made-up tuples.
struct Rig {
  explicit Rig(uint32_t capacity) : tcbs(capacity), table(capacity, kKey, {tcbs.items()}) {}

  FlowKey KeyOf(uint32_t i, bool v6) const {
    Prng prng(i);
    FlowKey key;
    if (v6) {
      std::array<uint8_t, 16> octets{0x20, 0x01, 0x00, 0x02};
      for (size_t at = 8; at < 16; ++at) octets[at] = static_cast<uint8_t>(prng.Next());
      key.remote = IpAddress::V6(octets);
    } else {
      key.remote = IpAddress::V4(0xc6120000u + (i >> 8));
    }
    key.remote_port = static_cast<uint16_t>(1024 + (i & 0xff));
    key.local_port = 80;
    key.local = static_cast<uint8_t>(i & 1);
    return key;
  }
  // Adds connection i; false when the table is full.
  bool Add(const FlowKey& key, uint32_t& index) {
    index = tcbs.Allocate();
    Tcb& c = tcbs[index];
    c.remote = key.remote;
    c.remote_port = key.remote_port;
    c.local_port = key.local_port;
    c.local = key.local;
    return table.Insert(table.Hash(key), index);
  }
  Slab<Tcb> tcbs;
  FlowTable table;
};

TEST(FlowTable, HoldsItsWholeCapacityAndFindsEachEntry) {
  for (const uint32_t capacity : {1u, 7u, 100u, 1000u, 100000u}) {
    for (const bool v6 : {false, true}) {
      Rig rig(capacity);
      std::vector<uint32_t> indices(capacity);
      for (uint32_t i = 0; i < capacity; ++i) {
        ASSERT_TRUE(rig.Add(rig.KeyOf(i, v6), indices[i])) << i << " of " << capacity;
      }
      EXPECT_EQ(rig.table.size(), capacity);
      for (uint32_t i = 0; i < capacity; ++i) {
        const FlowKey key = rig.KeyOf(i, v6);
        EXPECT_EQ(rig.table.Find(key, rig.table.Hash(key)), indices[i]);
      }
      const FlowKey absent = rig.KeyOf(capacity + 12345678, v6);
      EXPECT_EQ(rig.table.Find(absent, rig.table.Hash(absent)), FlowTable::kNone);
    }
  }
}

TEST(FlowTable, TakesTwelveOctetsOrLessPerConnection) {
  Rig rig(100000);
  EXPECT_LE(rig.table.octets(), 100000u * 12);
}

TEST(FlowTable, TellsTuplesApartThatDifferInOneField) {
  Rig rig(16);
  const FlowKey base = rig.KeyOf(1, false);
  std::vector<FlowKey> keys(5, base);
  keys[1].remote_port ^= 1;
  keys[2].local_port ^= 1;
  keys[3].local ^= 1;
  keys[4].remote = IpAddress::V4(base.remote.v4() ^ 1);
  std::vector<uint32_t> indices(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) ASSERT_TRUE(rig.Add(keys[i], indices[i]));
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(rig.table.Find(keys[i], rig.table.Hash(keys[i])), indices[i]);
  }
}

TEST(FlowTable, StaysRightUnderChurnAtFullLoad) {
  constexpr uint32_t kCapacity = 5000;
  Rig rig(kCapacity);
  Prng prng(3);
  struct Entry {
    FlowKey key;
    uint32_t index;
  };
  std::vector<Entry> live;
  uint32_t next = 0;
  for (int step = 0; step < 200000; ++step) {
    if (live.size() < kCapacity && !prng.Chance(300)) {
      Entry entry{rig.KeyOf(next++, (step & 1) != 0), 0};
      ASSERT_TRUE(rig.Add(entry.key, entry.index)) << step << " with " << live.size();
      live.push_back(entry);
    } else if (!live.empty()) {
      const size_t victim = prng.Below(live.size());
      const Entry entry = live[victim];
      live[victim] = live.back();
      live.pop_back();
      rig.table.Erase(rig.table.Hash(entry.key), entry.index);
      EXPECT_EQ(rig.table.Find(entry.key, rig.table.Hash(entry.key)), FlowTable::kNone);
      rig.tcbs.Free(entry.index);
    }
  }
  EXPECT_EQ(rig.table.size(), live.size());
  for (const Entry& entry : live) {
    EXPECT_EQ(rig.table.Find(entry.key, rig.table.Hash(entry.key)), entry.index);
  }
}

TEST(FlowTable, RefusesWhatDoesNotFitAndKeepsTheRest) {
  Rig rig(64);  // 8 buckets of ten: more than 80 cannot fit
  Slab<Tcb> spare(200);
  FlowTable table(64, kKey, {spare.items()});
  std::vector<FlowKey> kept;
  bool refused = false;
  for (uint32_t i = 0; i < 200; ++i) {
    const FlowKey key = rig.KeyOf(i, false);
    const uint32_t index = spare.Allocate();
    spare[index].remote = key.remote;
    spare[index].remote_port = key.remote_port;
    spare[index].local_port = key.local_port;
    spare[index].local = key.local;
    if (table.Insert(table.Hash(key), index)) {
      kept.push_back(key);
    } else {
      refused = true;
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(table.size(), kept.size());
  for (const FlowKey& key : kept) {
    EXPECT_NE(table.Find(key, table.Hash(key)), FlowTable::kNone);
  }
}

// --- three kinds of records ---

// Connections, half-open ones and TIME-WAIT in one table.
struct Kinds {
  explicit Kinds(uint32_t capacity)
      : tcbs(capacity),
        half_open(capacity),
        time_waits(capacity),
        table(3 * capacity, kKey, {tcbs.items(), half_open.items(), time_waits.items()}) {}

  template <class Record>
  static void Name(Record& r, const FlowKey& key) {
    r.remote = key.remote;
    r.remote_port = key.remote_port;
    r.local_port = key.local_port;
    r.local = key.local;
  }
  // A record of the kind, with this key, and its index.
  uint32_t Make(FlowKind kind, const FlowKey& key) {
    uint32_t place = 0;
    switch (kind) {
      case FlowKind::kConnection:
        Name(tcbs[place = tcbs.Allocate()], key);
        break;
      case FlowKind::kHalfOpen:
        Name(half_open[place = half_open.Allocate()], key);
        break;
      case FlowKind::kTimeWait:
        Name(time_waits[place = time_waits.Allocate()], key);
        break;
      case FlowKind::kNone:
        break;
    }
    return IndexOf(kind, place);
  }
  void Free(uint32_t index) {
    const uint32_t place = PlaceOf(index);
    switch (KindOf(index)) {
      case FlowKind::kConnection:
        return tcbs.Free(place);
      case FlowKind::kHalfOpen:
        return half_open.Free(place);
      case FlowKind::kTimeWait:
        return time_waits.Free(place);
      case FlowKind::kNone:
        break;
    }
  }
  uint32_t Find(const FlowKey& key) const { return table.Find(key, table.Hash(key)); }

  Slab<Tcb> tcbs;
  AgedSlab<HalfOpen> half_open;
  AgedSlab<TimeWait> time_waits;
  FlowTable table;
};

TEST(FlowTable, IndexSaysTheKindAndThePlace) {
  for (const FlowKind kind : {FlowKind::kConnection, FlowKind::kHalfOpen, FlowKind::kTimeWait}) {
    for (const uint32_t place : {0u, 1u, 0x3fffffffu}) {
      EXPECT_EQ(KindOf(IndexOf(kind, place)), kind);
      EXPECT_EQ(PlaceOf(IndexOf(kind, place)), place);
    }
  }
  EXPECT_EQ(IndexOf(FlowKind::kConnection, 7), 7u) << "connections need no decoding";
  EXPECT_EQ(KindOf(FlowTable::kNone), FlowKind::kNone);
}

// The same place in each kind is another record.
TEST(FlowTable, TellsTheKindsApart) {
  Rig names(1);
  Kinds kinds(100);
  std::vector<uint32_t> indices;
  for (uint32_t i = 0; i < 300; ++i) {
    const FlowKey key = names.KeyOf(i, i % 2 != 0);
    indices.push_back(kinds.Make(static_cast<FlowKind>(i % 3), key));
    ASSERT_TRUE(kinds.table.Insert(kinds.table.Hash(key), indices.back()));
  }
  for (uint32_t i = 0; i < 300; ++i) {
    const FlowKey key = names.KeyOf(i, i % 2 != 0);
    kinds.table.PrefetchRecord(kinds.table.Hash(key));
    EXPECT_EQ(kinds.Find(key), indices[i]);
    EXPECT_EQ(KindOf(indices[i]), static_cast<FlowKind>(i % 3));
  }
}

TEST(FlowTable, ReplacesARecordByOneOfAnotherKind) {
  Rig names(1);
  Kinds kinds(8);
  const FlowKey key = names.KeyOf(1, false);
  const uint64_t hash = kinds.table.Hash(key);
  const uint32_t half_open = kinds.Make(FlowKind::kHalfOpen, key);
  ASSERT_TRUE(kinds.table.Insert(hash, half_open));
  const uint32_t connection = kinds.Make(FlowKind::kConnection, key);
  kinds.table.Replace(hash, half_open, connection);
  EXPECT_EQ(kinds.Find(key), connection);
  const uint32_t time_wait = kinds.Make(FlowKind::kTimeWait, key);
  kinds.table.Replace(hash, connection, time_wait);
  EXPECT_EQ(kinds.Find(key), time_wait);
  EXPECT_EQ(kinds.table.size(), 1u);
  kinds.table.Erase(hash, connection);
  EXPECT_EQ(kinds.Find(key), time_wait) << "the old index is nobody's any more";
  kinds.table.Erase(hash, time_wait);
  EXPECT_EQ(kinds.Find(key), FlowTable::kNone);
  EXPECT_EQ(kinds.table.size(), 0u);
}

// The life of connections: half-open, open, TIME-WAIT, gone, all at once in a table that is full.
TEST(FlowTable, StaysRightWhileRecordsOfAllKindsComeAndGo) {
  constexpr uint32_t kCapacity = 500;
  Rig names(1);
  Kinds kinds(kCapacity);
  Prng prng(8);
  struct Entry {
    FlowKey key;
    uint32_t index;
  };
  std::vector<Entry> live;
  uint32_t next = 0, count[3] = {};
  for (int step = 0; step < 30000; ++step) {
    const size_t at = live.empty() ? 0 : prng.Below(live.size());
    const bool add = live.empty() || prng.Below(2) == 0;
    if (add && count[1] < kCapacity) {
      const FlowKey key = names.KeyOf(next++, prng.Below(2) == 0);
      live.push_back({key, kinds.Make(FlowKind::kHalfOpen, key)});
      ++count[1];
      ASSERT_TRUE(kinds.table.Insert(kinds.table.Hash(key), live.back().index)) << live.size();
      continue;
    }
    Entry& e = live[at];
    const uint64_t hash = kinds.table.Hash(e.key);
    const FlowKind kind = KindOf(e.index);
    const FlowKind then = kind == FlowKind::kHalfOpen ? FlowKind::kConnection : FlowKind::kTimeWait;
    const uint32_t old = e.index;
    if (kind != FlowKind::kTimeWait && count[static_cast<int>(then)] < kCapacity) {
      e.index = kinds.Make(then, e.key);
      ++count[static_cast<int>(then)];
      kinds.table.Replace(hash, old, e.index);
      ASSERT_EQ(kinds.Find(e.key), e.index);
    } else {
      kinds.table.Erase(hash, old);
      ASSERT_EQ(kinds.Find(e.key), FlowTable::kNone);
      std::swap(e, live.back());
      live.pop_back();
    }
    --count[static_cast<int>(kind)];
    kinds.Free(old);
  }
  EXPECT_EQ(kinds.table.size(), live.size());
  for (const Entry& e : live) EXPECT_EQ(kinds.Find(e.key), e.index);
}

}  // namespace
}  // namespace weir::tcp
