// PacketRing: order, bounds and memory.
#include "port/packet_ring.h"

#include <array>

#include "gtest/gtest.h"
#include "packet/pool_mempool.h"
#include "unit/port/test_eal.h"

namespace weir::port {
namespace {

class PacketRingTest : public testing::Test {
 protected:
  void SetUp() override { EnsureEal(); }
};

std::vector<Packet> Make(PacketPool& pool, uint16_t count) {
  std::vector<Packet> packets;
  for (uint16_t i = 0; i < count; ++i) {
    packets.push_back(AllocatePacket(pool));
    packets.back().Append(static_cast<uint16_t>(60 + i));
  }
  return packets;
}

TEST_F(PacketRingTest, KeepsTheOrder) {
  PacketPool pool("ring_order", 63, 2048, -1);
  auto ring = PacketRing::Create("ring_order", 16);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_TRUE((*ring)->empty());
  std::vector<Packet> in = Make(pool, 5);
  EXPECT_EQ((*ring)->Push(in), 5u);
  for (const Packet& packet : in) EXPECT_FALSE(packet);
  std::array<Packet, 8> out;
  ASSERT_EQ((*ring)->Pop(out), 5u);
  for (uint16_t i = 0; i < 5; ++i) EXPECT_EQ(out[i].size(), 60u + i);
}

TEST_F(PacketRingTest, RefusesWhatIsTooMuch) {
  PacketPool pool("ring_bound", 63, 2048, -1);
  auto ring = PacketRing::Create("ring_bound", 8);
  ASSERT_TRUE(ring.ok()) << ring.status();
  std::vector<Packet> in = Make(pool, 10);
  EXPECT_EQ((*ring)->Push(in), 7u);
  EXPECT_FALSE(in[6]);
  EXPECT_TRUE(in[7]);
}

TEST_F(PacketRingTest, FreesWhatIsLeftInside) {
  PacketPool pool("ring_free", 63, 2048, -1);
  auto ring = PacketRing::Create("ring_free", 64);
  ASSERT_TRUE(ring.ok()) << ring.status();
  std::vector<Packet> in = Make(pool, 40);
  ASSERT_EQ((*ring)->Push(in), 40u);
  EXPECT_EQ(PacketsInUse(pool), 40u);
  ring->reset();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

}  // namespace
}  // namespace weir::port
