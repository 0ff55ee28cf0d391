// Device on a pair of rings: frames cross, memory comes back, refusals say why.
#include "port/device.h"

#include <array>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "packet/pool_mempool.h"
#include "packet/received_copy.h"
#include "port/ring_pair.h"
#include "port/rss.h"
#include "unit/port/test_eal.h"

namespace weir::port {
namespace {

constexpr uint8_t kKey[kRssKeySizeMax] = {0x6d};

// Two devices on one pool, joined back to back.
class RingDevices {
 public:
  explicit RingDevices(const std::string& name) : pool_("pool_" + name, 255, 2048, -1) {
    EXPECT_TRUE(pool_.ok()) << pool_.error();
    auto pair = CreateRingPair(name, 1, 64);
    EXPECT_TRUE(pair.ok()) << pair.status();
    a = Open(pair->first);
    b = Open(pair->second);
  }

  PacketPool& pool() { return pool_; }
  std::unique_ptr<Device> Open(const std::string& device) {
    DeviceOptions options;
    options.name = device;
    options.device = device;
    options.fallback_mac = {2, 0, 0, 0, 0, 9};
    options.rss_key = kKey;
    PacketPool* pools[] = {&pool_};
    auto opened = Device::Open(options, pools);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  Packet Make(uint16_t size) {
    Packet packet = AllocatePacket(pool_);
    uint8_t* octets = packet.Append(size);
    for (uint16_t i = 0; i < size; ++i) octets[i] = static_cast<uint8_t>(i);
    return packet;
  }

 private:
  PacketPool pool_;

 public:
  std::unique_ptr<Device> a, b;
};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override { EnsureEal(); }
};

TEST_F(DeviceTest, FramesCrossAPairOfRings) {
  RingDevices rings("cross");
  std::array<Packet, 3> out = {rings.Make(60), rings.Make(61), rings.Make(62)};
  EXPECT_EQ(rings.a->Transmit(0, out), 3);
  for (const Packet& packet : out) EXPECT_FALSE(packet);
  std::array<Packet, 8> in;
  ASSERT_EQ(rings.b->Receive(0, in), 3);
  for (uint16_t i = 0; i < 3; ++i) {
    EXPECT_EQ(in[i].size(), 60u + i);
    EXPECT_EQ(in[i].port(), rings.b->id());
  }
}

TEST_F(DeviceTest, AFullRingTakesWhatItCanAndLeavesTheRest) {
  RingDevices rings("full");
  std::vector<Packet> out;
  for (int i = 0; i < 100; ++i) out.push_back(rings.Make(60));
  const uint16_t sent = rings.a->Transmit(0, out);
  EXPECT_EQ(sent, 63);  // 64 places, one of which stays empty
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(static_cast<bool>(out[i]), i >= sent);
  std::array<Packet, 64> in;
  EXPECT_EQ(rings.b->Receive(0, in), sent);
}

TEST_F(DeviceTest, MemoryComesBack) {
  RingDevices rings("memory");
  {
    std::array<Packet, 2> out = {rings.Make(60), rings.Make(60)};
    ASSERT_EQ(rings.a->Transmit(0, out), 2);
    std::array<Packet, 2> in;
    ASSERT_EQ(rings.b->Receive(0, in), 2);
    EXPECT_EQ(PacketsInUse(rings.pool()), 2u);
  }
  rings.a.reset();
  rings.b.reset();
  EXPECT_EQ(PacketsInUse(rings.pool()), 0u);
}

TEST_F(DeviceTest, ADeviceWithoutAddressGetsTheFallback) {
  RingDevices rings("address");
  EXPECT_THAT(rings.a->mac(), testing::Not(testing::Each(0)));
  EXPECT_EQ(rings.a->mac()[0] & 1, 0);
}

TEST_F(DeviceTest, GrantsAreOnlyWhatTheDeviceReports) {
  RingDevices rings("grants");
  EXPECT_FALSE(rings.a->grants().tx_tcp_checksum);
  EXPECT_FALSE(rings.a->grants().rx_tcp_checksum);
  EXPECT_FALSE(rings.a->grants().rss);
  EXPECT_TRUE(rings.a->grants().tx_chains);
  EXPECT_THAT(rings.a->Describe(), testing::HasSubstr("tx checksum no"));
}

TEST_F(DeviceTest, ANameThatDpdkDoesNotKnowIsRefused) {
  PacketPool pool("pool_unknown", 63, 2048, -1);
  PacketPool* pools[] = {&pool};
  DeviceOptions options;
  options.name = "lan";
  options.device = "net_tap77";
  const auto device = Device::Open(options, pools);
  EXPECT_EQ(device.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(device.status().message()),
              testing::AllOf(testing::HasSubstr("lan"), testing::HasSubstr("net_tap77")));
}

TEST_F(DeviceTest, MoreQueuesThanTheDeviceHasAreRefused) {
  PacketPool pool("pool_queues", 255, 2048, -1);
  auto pair = CreateRingPair("queues", 1, 64);
  ASSERT_TRUE(pair.ok()) << pair.status();
  PacketPool* pools[] = {&pool, &pool};
  DeviceOptions options;
  options.name = "lan";
  options.device = pair->first;
  const auto device = Device::Open(options, pools);
  EXPECT_EQ(device.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(device.status().message()), testing::HasSubstr("2 workers"));
}

TEST_F(DeviceTest, ACopyOfAReceivedFrameIsItsOwn) {
  RingDevices rings("copy");
  Packet frame = rings.Make(100);
  frame.set_port(3);
  Packet copy = CopyReceived(frame, rings.pool());
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy.port(), 3);
  EXPECT_TRUE(std::equal(copy.first().begin(), copy.first().end(), frame.first().begin(),
                         frame.first().end()));
  copy.data()[0] ^= 0xff;
  EXPECT_NE(copy.data()[0], frame.data()[0]);
}

}  // namespace
}  // namespace weir::port
