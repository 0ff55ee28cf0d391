// Packet: both ends of a buffer, chains, copies, owners and offload flags.
#include "packet/packet.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "packet/pool_heap.h"

namespace weir {
namespace {

std::vector<uint8_t> Count(size_t n, uint8_t first = 0) {
  std::vector<uint8_t> octets(n);
  std::iota(octets.begin(), octets.end(), first);
  return octets;
}

std::vector<uint8_t> Content(const Packet& packet) {
  std::vector<uint8_t> octets(packet.size());
  EXPECT_EQ(packet.CopyOut(0, octets), octets.size());
  return octets;
}

TEST(Packet, IsEmptyByDefault) {
  const Packet packet;
  EXPECT_FALSE(packet);
  EXPECT_EQ(packet.raw(), nullptr);
}

TEST(Packet, StartsWithHeadroomAndNothingElse) {
  HeapPool pool(1, 512);
  const Packet packet = AllocatePacket(pool);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet.headroom(), Packet::kHeadroom);
  EXPECT_EQ(packet.tailroom(), 512);
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_TRUE(packet.contiguous());
  EXPECT_TRUE(packet.unique());
}

TEST(Packet, GrowsAndShrinksAtBothEnds) {
  HeapPool pool(1, 64);
  Packet packet = AllocatePacket(pool);
  std::memcpy(packet.Append(4), "body", 4);
  std::memcpy(packet.Prepend(2), "hd", 2);
  std::memcpy(packet.Append(2), "tl", 2);
  EXPECT_EQ(std::string(packet.first().begin(), packet.first().end()), "hdbodytl");
  packet.TrimFront(1);
  packet.TrimBack(2);
  EXPECT_EQ(std::string(packet.first().begin(), packet.first().end()), "dbody");
  EXPECT_EQ(packet.size(), 5u);
}

TEST(Packet, RefusesToGrowBeyondItsRoom) {
  HeapPool pool(1, 64);
  Packet packet = AllocatePacket(pool);
  EXPECT_EQ(packet.Append(65), nullptr);
  EXPECT_NE(packet.Append(64), nullptr);
  EXPECT_EQ(packet.Append(1), nullptr);
  EXPECT_EQ(packet.Prepend(Packet::kHeadroom + 1), nullptr);
  EXPECT_NE(packet.Prepend(Packet::kHeadroom), nullptr);
  EXPECT_EQ(packet.Prepend(1), nullptr);
  EXPECT_EQ(packet.size(), 64u + Packet::kHeadroom);
}

TEST(Packet, SetsItsDataAnywhereInTheBuffer) {
  HeapPool pool(1, 64);
  Packet packet = PacketOf(pool, Count(40));
  packet.SetData(Packet::kHeadroom + 10, 20);
  EXPECT_EQ(Content(packet), Count(20, 10));
}

TEST(Packet, CopiesFromAnyOffsetOfAChain) {
  HeapPool pool(3, 64);
  Packet packet = PacketOf(pool, Count(10));
  Packet middle = PacketOf(pool, Count(7, 10));
  middle.Chain(PacketOf(pool, Count(13, 17)));
  packet.Chain(std::move(middle));
  EXPECT_EQ(packet.size(), 30u);
  EXPECT_EQ(packet.first_size(), 10);
  EXPECT_FALSE(packet.contiguous());
  EXPECT_EQ(packet.raw()->nb_segs, 3);
  const auto all = Count(30);
  for (size_t offset = 0; offset <= 31; ++offset) {
    for (size_t size = 0; size <= 31; ++size) {
      std::vector<uint8_t> out(size, 0xee);
      const size_t copied = packet.CopyOut(offset, out);
      const size_t left = offset < 30 ? 30 - offset : 0;
      ASSERT_EQ(copied, std::min(size, left));
      ASSERT_TRUE(std::equal(out.begin(), out.begin() + static_cast<long>(copied),
                             all.begin() + static_cast<long>(std::min<size_t>(offset, 30))));
    }
  }
}

TEST(Packet, PrependsToAChain) {
  HeapPool pool(2, 64);
  Packet packet = PacketOf(pool, Count(10));
  packet.Chain(PacketOf(pool, Count(10)));
  ASSERT_NE(packet.Prepend(20), nullptr);
  EXPECT_EQ(packet.size(), 40u);
  EXPECT_EQ(packet.first_size(), 30);
  packet.TrimFront(25);
  EXPECT_EQ(packet.size(), 15u);
}

TEST(Packet, GivesTheWholeChainBack) {
  HeapPool pool(3, 64);
  {
    Packet packet = AllocatePacket(pool);
    packet.Chain(AllocatePacket(pool));
    packet.Chain(AllocatePacket(pool));
    EXPECT_EQ(PacketsInUse(pool), 3u);
  }
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(Packet, MovesItsBufferAndFreesTheOneItHad) {
  HeapPool pool(2, 64);
  Packet a = PacketOf(pool, Count(3));
  Packet b = PacketOf(pool, Count(5));
  b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT: moved from on purpose
  EXPECT_EQ(b.size(), 3u);
  EXPECT_EQ(PacketsInUse(pool), 1u);
}

TEST(Packet, ReleasesItsBufferToSomebodyElse) {
  HeapPool pool(1, 64);
  Packet packet = AllocatePacket(pool);
  rte_mbuf* raw = packet.Release();
  EXPECT_FALSE(packet);
  EXPECT_EQ(PacketsInUse(pool), 1u);
  Packet(raw).Reset();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(Packet, SharedBuffersLiveAsLongAsTheirLastOwner) {
  HeapPool pool(2, 64);
  Packet first = PacketOf(pool, Count(8));
  first.Chain(PacketOf(pool, Count(8, 8)));
  Packet second = first.Share();
  EXPECT_FALSE(first.unique());
  EXPECT_FALSE(second.unique());
  first.Reset();
  EXPECT_EQ(PacketsInUse(pool), 2u);
  EXPECT_TRUE(second.unique());
  EXPECT_EQ(Content(second), Count(16));
  second.Reset();
  EXPECT_EQ(PacketsInUse(pool), 0u);
}

TEST(Packet, IsNotUniqueWhileOneBufferOfItsChainIsShared) {
  HeapPool pool(2, 64);
  Packet text = AllocatePacket(pool);
  Packet also = text.Share();
  Packet packet = AllocatePacket(pool);
  packet.Chain(std::move(text));
  EXPECT_FALSE(packet.unique());
  also.Reset();
  EXPECT_TRUE(packet.unique());
}

TEST(Packet, PinsWholeBuffersWhateverTheyCarry) {
  HeapPool pool(2, 512);
  Packet packet = PacketOf(pool, Count(1));
  const uint32_t one = packet.pinned_size();
  EXPECT_GE(one, 512u + Packet::kHeadroom);
  packet.Chain(AllocatePacket(pool));
  EXPECT_EQ(packet.pinned_size(), 2 * one);
}

TEST(Packet, TrustsOnlyAChecksumThatTheDeviceCallsGood) {
  HeapPool pool(1, 64);
  const Packet packet = AllocatePacket(pool);
  struct Row {
    uint64_t flags;
    ChecksumStatus ip, l4;
  };
  for (const Row& row : {
           Row{0, ChecksumStatus::kUnknown, ChecksumStatus::kUnknown},
           Row{RTE_MBUF_F_RX_IP_CKSUM_GOOD, ChecksumStatus::kGood, ChecksumStatus::kUnknown},
           Row{RTE_MBUF_F_RX_L4_CKSUM_GOOD, ChecksumStatus::kUnknown, ChecksumStatus::kGood},
           Row{RTE_MBUF_F_RX_IP_CKSUM_BAD, ChecksumStatus::kBad, ChecksumStatus::kUnknown},
           Row{RTE_MBUF_F_RX_L4_CKSUM_BAD, ChecksumStatus::kUnknown, ChecksumStatus::kBad},
           // "NONE": not in the packet's data; nothing is proved.
           Row{RTE_MBUF_F_RX_IP_CKSUM_NONE, ChecksumStatus::kUnknown, ChecksumStatus::kUnknown},
           Row{RTE_MBUF_F_RX_L4_CKSUM_NONE, ChecksumStatus::kUnknown, ChecksumStatus::kUnknown},
       }) {
    packet.raw()->ol_flags = row.flags;
    EXPECT_EQ(packet.ip_checksum(), row.ip);
    EXPECT_EQ(packet.l4_checksum(), row.l4);
  }
}

TEST(Packet, AsksTheDeviceForTheTcpChecksum) {
  HeapPool pool(1, 64);
  Packet packet = AllocatePacket(pool);
  packet.RequestTcpChecksum({true, 18, 20}, 32);
  const rte_mbuf* m = packet.raw();
  EXPECT_EQ(m->ol_flags, RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4);
  EXPECT_EQ(m->l2_len, 18);
  EXPECT_EQ(m->l3_len, 20);
  EXPECT_EQ(m->l4_len, 32);
  packet.ClearOffloads();
  EXPECT_EQ(m->ol_flags, 0u);
  EXPECT_EQ(m->tx_offload, 0u);
  packet.RequestTcpChecksum({false, 14, 40}, 20);
  EXPECT_EQ(m->ol_flags, RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV6);
}

TEST(Packet, KeepsItsScratchApartFromItsData) {
  HeapPool pool(1, 64);
  Packet packet = AllocatePacket(pool);
  for (uint32_t i = 0; i < 16; ++i) packet.scratch().words[i] = ~i;
  std::memset(packet.Prepend(Packet::kHeadroom), 0, Packet::kHeadroom);
  for (uint32_t i = 0; i < 16; ++i) EXPECT_EQ(packet.scratch().words[i], ~i);
}

}  // namespace
}  // namespace weir
