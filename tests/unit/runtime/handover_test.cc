// Handover: each frame ends on the shard of its flow, once.
#include "runtime/handover.h"

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "packet/pool_mempool.h"
#include "unit/port/test_eal.h"

namespace weir::runtime {
namespace {

constexpr unsigned kWorkers = 2;
constexpr size_t kBurst = 32;
constexpr uint8_t kKey[52] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                              0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb};

class HandoverTest : public testing::Test {
 protected:
  HandoverTest() : steering_(kKey, kWorkers) {
    port::EnsureEal();
    static int instance = 0;
    const std::string name = "handover" + std::to_string(++instance);
    pool_ = std::make_unique<PacketPool>(name, 511, 2048, -1);
    for (unsigned i = 0; i < kWorkers; ++i) {
      auto ring = port::PacketRing::Create(name + "_" + std::to_string(i), 64);
      EXPECT_TRUE(ring.ok()) << ring.status();
      rings_.push_back(*std::move(ring));
    }
    for (unsigned i = 0; i < kWorkers; ++i) {
      sides_.emplace_back(i, steering_,
                          std::vector<port::PacketRing*>{rings_[0].get(), rings_[1].get()}, *pool_,
                          counters_[i], kBurst);
    }
  }

  Packet Segment(uint16_t source_port) {
    Packet packet = AllocatePacket(*pool_);
    uint8_t* frame = packet.Append(54);
    std::memset(frame, 0, 54);
    StoreBe16(frame + 12, 0x0800);
    frame[14] = 0x45;
    frame[23] = 6;
    StoreBe32(frame + 26, 0xc6120001);
    StoreBe32(frame + 30, 0xc6120002);
    StoreBe16(frame + 34, source_port);
    StoreBe16(frame + 36, 80);
    return packet;
  }
  Packet Arp() {
    Packet packet = AllocatePacket(*pool_);
    uint8_t* frame = packet.Append(42);
    std::memset(frame, 0, 42);
    StoreBe16(frame + 12, 0x0806);
    packet.set_port(1);
    return packet;
  }
  unsigned OwnerOf(const Packet& packet) {
    return steering_.Owner(
        {IpAddress::V4(0xc6120001), IpAddress::V4(0xc6120002), LoadBe16(packet.data() + 34), 80});
  }

  FlowSteering steering_;
  std::unique_ptr<PacketPool> pool_;
  std::vector<std::unique_ptr<port::PacketRing>> rings_;
  std::array<Counters, kWorkers> counters_;
  std::vector<Handover> sides_;
};

TEST_F(HandoverTest, EachFrameEndsWithItsOwnerInOrder) {
  std::vector<Packet> burst;
  for (uint16_t i = 0; i < kBurst; ++i) burst.push_back(Segment(static_cast<uint16_t>(1024 + i)));
  const size_t kept = sides_[0].Sort(burst, false);
  std::array<Packet, kBurst> taken;
  const size_t handed = sides_[1].Take(taken);
  EXPECT_EQ(kept + handed, kBurst);
  EXPECT_GT(kept, 0u);
  EXPECT_GT(handed, 0u);
  uint16_t last = 0;
  for (size_t i = 0; i < kept; ++i) {
    EXPECT_EQ(OwnerOf(burst[i]), 0u);
    EXPECT_GT(LoadBe16(burst[i].data() + 34), last);
    last = LoadBe16(burst[i].data() + 34);
  }
  for (size_t i = kept; i < kBurst; ++i) EXPECT_FALSE(burst[i]);
  for (size_t i = 0; i < handed; ++i) EXPECT_EQ(OwnerOf(taken[i]), 1u);
  EXPECT_EQ(counters_[0][Counter::kHandoverFramesOut], handed);
  EXPECT_EQ(counters_[1][Counter::kHandoverFramesIn], handed);
}

TEST_F(HandoverTest, FramesThatTeachAreCopied) {
  std::vector<Packet> burst;
  burst.push_back(Arp());
  EXPECT_EQ(sides_[0].Sort(burst, true), 1u);
  std::array<Packet, kBurst> taken;
  ASSERT_EQ(sides_[1].Take(taken), 1u);
  EXPECT_EQ(taken[0].size(), burst[0].size());
  EXPECT_EQ(taken[0].port(), 1);
  EXPECT_NE(taken[0].data(), burst[0].data());
}

TEST_F(HandoverTest, AFullRingDropsAndCounts) {
  for (int round = 0; round < 8; ++round) {
    std::vector<Packet> burst;
    for (uint16_t i = 0; i < kBurst; ++i) burst.push_back(Segment(static_cast<uint16_t>(1024 + i)));
    sides_[0].Sort(burst, false);
  }
  EXPECT_EQ(counters_[0][Counter::kHandoverFramesOut], 63u);
  EXPECT_GT(counters_[0][Counter::kDropHandoverFull], 0u);
  EXPECT_EQ(PacketsInUse(*pool_), 63u);
}

TEST_F(HandoverTest, WithoutBuffersTheOthersMissACopyAndNothingElse) {
  std::vector<Packet> burst;
  burst.push_back(Arp());
  std::vector<Packet> all;
  while (Packet packet = AllocatePacket(*pool_)) all.push_back(std::move(packet));
  EXPECT_EQ(sides_[0].Sort(burst, true), 1u);
  EXPECT_TRUE(sides_[1].empty());
  EXPECT_EQ(counters_[0][Counter::kHandoverNoBuffer], 1u);
}

}  // namespace
}  // namespace weir::runtime
