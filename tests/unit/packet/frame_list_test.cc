// FrameList: order, room, and who frees what.
#include "packet/frame_list.h"

#include <gtest/gtest.h>

#include "packet/pool_heap.h"

namespace weir {
namespace {

TEST(FrameList, KeepsTheOrderOfItsFrames) {
  HeapPool pool(3);
  FrameList list(3);
  for (uint16_t port = 0; port < 3; ++port) {
    Packet packet = AllocatePacket(pool);
    packet.set_port(port);
    ASSERT_TRUE(list.Push(std::move(packet)));
  }
  uint16_t expected = 0;
  for (const Packet& packet : list.frames()) EXPECT_EQ(packet.port(), expected++);
  EXPECT_EQ(expected, 3);
}

TEST(FrameList, LeavesAFrameWithItsOwnerWhenFull) {
  HeapPool pool(2);
  FrameList list(1);
  ASSERT_TRUE(list.Push(AllocatePacket(pool)));
  EXPECT_TRUE(list.full());
  EXPECT_EQ(list.room(), 0u);
  Packet packet = AllocatePacket(pool);
  EXPECT_FALSE(list.Push(std::move(packet)));
  EXPECT_TRUE(packet);  // NOLINT: refused, so not moved from
  EXPECT_EQ(list.size(), 1u);
}

TEST(FrameList, FreesWhatNobodyTook) {
  HeapPool pool(2);
  FrameList list(2);
  ASSERT_TRUE(list.Push(AllocatePacket(pool)));
  ASSERT_TRUE(list.Push(AllocatePacket(pool)));
  const Packet taken = std::move(list.frames()[0]);
  list.Clear();
  EXPECT_EQ(PacketsInUse(pool), 1u);
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.capacity(), 2u);
}

TEST(FrameList, NeverMovesItsMemory) {
  HeapPool pool(8);
  FrameList list(8);
  ASSERT_TRUE(list.Push(AllocatePacket(pool)));
  const Packet* first = list.frames().data();
  while (list.Push(AllocatePacket(pool))) {
  }
  EXPECT_EQ(list.frames().data(), first);
}

}  // namespace
}  // namespace weir
