// MempoolPool: the same Packet over DPDK's pool, in a process with an EAL of its own.
#include "packet/pool_mempool.h"

#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

TEST(MempoolPool, HandsOutAsManyBuffersAsItHas) {
  MempoolPool pool("all", 63, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(pool.ok()) << pool.error();
  EXPECT_EQ(PacketCapacity(pool), 63u);
  EXPECT_EQ(PacketRoom(pool), 512u);
  std::vector<Packet> taken;
  while (Packet packet = AllocatePacket(pool)) taken.push_back(std::move(packet));
  EXPECT_EQ(taken.size(), 63u);
  EXPECT_EQ(PacketsInUse(pool), 63u);
  taken.clear();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(MempoolPool, StartsPacketsWithHeadroomRoomAndScratch) {
  MempoolPool pool("shape", 15, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(pool.ok()) << pool.error();
  Packet packet = AllocatePacket(pool);
  EXPECT_EQ(packet.headroom(), Packet::kHeadroom);
  EXPECT_EQ(packet.tailroom(), 512);
  EXPECT_EQ(static_cast<void*>(&packet.scratch()), rte_mbuf_to_priv(packet.raw()));
  EXPECT_EQ(packet.raw()->priv_size, sizeof(PacketScratch));
}

TEST(MempoolPool, FreesChainsAndSharedBuffersWithTheirLastOwner) {
  MempoolPool pool("chains", 15, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(pool.ok()) << pool.error();
  Packet packet = AllocatePacket(pool);
  packet.Chain(AllocatePacket(pool));
  Packet shared = packet.Share();
  packet.Reset();
  EXPECT_EQ(PacketsInUse(pool), 2u);
  EXPECT_TRUE(shared.unique());
  shared.Reset();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(MempoolPool, KnowsAnIndirectBufferAsNotItsOwn) {
  MempoolPool pool("indirect", 15, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(pool.ok()) << pool.error();
  Packet direct = AllocatePacket(pool);
  Packet indirect = AllocatePacket(pool);
  rte_pktmbuf_attach(indirect.raw(), direct.raw());
  EXPECT_FALSE(indirect.unique());
  indirect.ClearOffloads();
  direct.Reset();
  indirect.Reset();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(MempoolPool, AllocatesABurstOrNothing) {
  MempoolPool pool("burst", 31, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(pool.ok()) << pool.error();
  std::array<Packet, 20> burst;
  ASSERT_TRUE(AllocatePackets(pool, burst));
  EXPECT_EQ(PacketsInUse(pool), 20u);
  std::array<Packet, 20> more;
  EXPECT_FALSE(AllocatePackets(pool, more));
  EXPECT_FALSE(more[0]);
  burst[3].Reset();  // an empty handle among them
  FreePackets(burst);
  EXPECT_FALSE(burst[0]);
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(MempoolPool, CountsOwnersOnTwoThreadsAtOnce) {
  MempoolPool pool("threads", 15, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(pool.ok()) << pool.error();
  Packet packet = AllocatePacket(pool);
  constexpr int kShares = 20000;
  auto share_and_free = [&packet] {
    for (int i = 0; i < kShares; ++i) packet.Share().Reset();
  };
  std::thread other(share_and_free);
  share_and_free();
  other.join();
  EXPECT_TRUE(packet.unique());
  EXPECT_EQ(PacketsInUse(pool), 1u);
}

TEST(MempoolPool, SaysWhyItCouldNotBeMade) {
  MempoolPool first("same", 15, 512, SOCKET_ID_ANY);
  ASSERT_TRUE(first.ok()) << first.error();
  const MempoolPool second("same", 15, 512, SOCKET_ID_ANY);
  EXPECT_FALSE(second.ok());
  EXPECT_FALSE(second.error().empty());
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> words = {
      "pool_mempool_test", "--no-huge",           "-m",          "64", "--no-pci", "--no-shconf",
      "--no-telemetry",    "--log-level=*:error", "--lcores=0@0"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) return 1;
  const int status = RUN_ALL_TESTS();
  rte_eal_cleanup();
  return status;
}
