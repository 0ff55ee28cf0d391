// HeapPool: capacity, planned failures, and a free path that does what DPDK's does.
#include "packet/pool_heap.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace weir {
namespace {

TEST(HeapPool, HandsOutAsManyBuffersAsItHas) {
  HeapPool pool(3, 100);
  EXPECT_EQ(PacketCapacity(pool), 3u);
  EXPECT_EQ(PacketRoom(pool), 100u);
  std::vector<Packet> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(AllocatePacket(pool));
  EXPECT_FALSE(AllocatePacket(pool));
  EXPECT_EQ(PacketsInUse(pool), 3u);
  taken.pop_back();
  EXPECT_TRUE(AllocatePacket(pool));
}

TEST(HeapPool, FailsTheAllocationItWasToldToFail) {
  HeapPool pool(10);
  for (uint64_t n = 1; n <= 4; ++n) {
    pool.FailAllocation(n);
    for (uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(static_cast<bool>(AllocatePacket(pool)), i != n);
  }
  pool.FailAllocation(1);
  pool.FailAllocation(0);
  EXPECT_TRUE(AllocatePacket(pool));
  EXPECT_EQ(pool.allocations(), 21u);
}

TEST(HeapPool, FailsEveryAllocationWhileExhausted) {
  HeapPool pool(10);
  pool.set_exhausted(true);
  EXPECT_FALSE(AllocatePacket(pool));
  pool.set_exhausted(false);
  EXPECT_TRUE(AllocatePacket(pool));
}

TEST(HeapPool, GivesEachBufferBackToItsOwnPool) {
  HeapPool a(1), b(1);
  Packet packet = AllocatePacket(a);
  packet.Chain(AllocatePacket(b));
  packet.Reset();
  EXPECT_EQ(PacketsInUse(a), 0u);
  EXPECT_EQ(PacketsInUse(b), 0u);
}

TEST(HeapPool, ForgetsWhatABufferWasBefore) {
  HeapPool pool(1, 64);
  Packet packet = AllocatePacket(pool);
  packet.RequestTcpChecksum({true, 14, 20}, 20);
  packet.set_port(7);
  (void)packet.Append(10);
  packet.Reset();
  packet = AllocatePacket(pool);
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_EQ(packet.raw()->ol_flags, 0u);
  EXPECT_EQ(packet.raw()->next, nullptr);
}

TEST(HeapPool, RefusesOctetsThatDoNotFitOneBuffer) {
  HeapPool pool(1, 64);
  EXPECT_FALSE(PacketOf(pool, std::vector<uint8_t>(65)));
  EXPECT_EQ(PacketOf(pool, std::vector<uint8_t>(64)).size(), 64u);
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(HeapPool, LetsTheDirectBufferGoWithItsLastIndirectOne) {
  HeapPool pool(2, 64);
  Packet direct = AllocatePacket(pool);
  Packet indirect = AllocatePacket(pool);
  rte_mbuf* m = indirect.raw();
  m->buf_addr = direct.raw()->buf_addr;  // as rte_pktmbuf_attach does
  m->priv_size = direct.raw()->priv_size;
  m->ol_flags |= RTE_MBUF_F_INDIRECT;
  ++direct.raw()->refcnt;
  EXPECT_FALSE(indirect.unique());
  EXPECT_FALSE(direct.unique());
  indirect.ClearOffloads();
  EXPECT_TRUE(RTE_MBUF_CLONED(m));  // where the octets lie is no offload
  direct.Reset();
  EXPECT_EQ(PacketsInUse(pool), 2u);
  indirect.Reset();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(HeapPool, CallsTheReleaseOfExternalMemoryOnce) {
  HeapPool pool(2, 64);
  std::array<uint8_t, 64> memory{};
  int released = 0;
  rte_mbuf_ext_shared_info info{};
  info.free_cb = [](void*, void* context) { ++*static_cast<int*>(context); };
  info.fcb_opaque = &released;
  info.refcnt = 2;
  std::array<Packet, 2> packets{AllocatePacket(pool), AllocatePacket(pool)};
  for (Packet& packet : packets) {
    packet.raw()->buf_addr = memory.data();
    packet.raw()->shinfo = &info;
    packet.raw()->ol_flags |= RTE_MBUF_F_EXTERNAL;
  }
  EXPECT_FALSE(packets[0].unique());
  packets[0].Reset();
  EXPECT_EQ(released, 0);
  EXPECT_TRUE(packets[1].unique());
  packets[1].Reset();
  EXPECT_EQ(released, 1);
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(HeapPoolDeathTest, FindsABufferFreedTwice) {
  HeapPool pool(2);
  Packet packet = AllocatePacket(pool);
  rte_mbuf* raw = packet.raw();
  packet.Reset();
  EXPECT_DEATH({ Packet again(raw); }, "");
}

}  // namespace
}  // namespace weir
