// Device on a pair of rings: frames cross, memory comes back, refusals say why.
#include "port/device.h"

#include <array>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "packet/pool_mempool.h"
#include "packet/received_copy.h"
#include "port/ring_pair.h"
#include "port/rss.h"
#include "unit/port/granting_flows.h"
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

// --- queues for SYNs ---

// A device with two receive queues, of which the peer fills the first or the second.
class SynDevices {
 public:
  explicit SynDevices(const std::string& name) : pool_("pool_" + name, 511, 2048, -1) {
    auto pair = CreateRingPair(name, 2, 64);
    EXPECT_TRUE(pair.ok()) << pair.status();
    PacketPool* one[] = {&pool_};
    PacketPool* two[] = {&pool_, &pool_};
    DeviceOptions options;
    options.name = "lan";
    options.fallback_mac = {2, 0, 0, 0, 0, 9};
    options.rss_key = kKey;
    options.device = pair->second;
    peer = *Device::Open(options, two);
    options.device = pair->first;
    options.syn_queues = true;
    device = *Device::Open(options, one);
  }
  // Sends a frame of this size to queue 0 or 1.
  void Send(uint16_t queue, uint16_t size) {
    std::array<Packet, 1> out = {AllocatePacket(pool_)};
    out[0].Append(size);
    EXPECT_EQ(peer->Transmit(queue, out), 1);
  }

 private:
  PacketPool pool_;

 public:
  std::unique_ptr<Device> device, peer;
};

TEST_F(DeviceTest, SynsComeInAQueueOfTheirOwnWhereTheDeviceTakesTheRules) {
  GrantingFlows flows;
  {
    SynDevices rings("syns");
    EXPECT_TRUE(rings.device->grants().syn_queues);
    EXPECT_EQ(rings.device->syn_refusal(), "");
    EXPECT_THAT(rings.device->Describe(), testing::HasSubstr("syn queue yes"));
    // Asked about the queue that there was, made for the one that came after it.
    ASSERT_EQ(flows.validated.size(), 2u);
    EXPECT_THAT(flows.validated[0].queues, testing::ElementsAre(0));
    ASSERT_EQ(flows.created.size(), 2u);
    EXPECT_THAT(flows.created[0].queues, testing::ElementsAre(1));
    EXPECT_THAT(flows.created[1].queues, testing::ElementsAre(1));
    rings.Send(0, 60);
    rings.Send(1, 70);
    std::array<Packet, 8> in;
    ASSERT_EQ(rings.device->Receive(0, in), 1);
    EXPECT_EQ(in[0].size(), 60u);
    in[0].Reset();
    ASSERT_EQ(rings.device->ReceiveSyns(0, in), 1);
    EXPECT_EQ(in[0].size(), 70u);
    EXPECT_EQ(in[0].port(), rings.device->id());
  }
  EXPECT_EQ(flows.destroyed, 2u);
}

TEST_F(DeviceTest, WorksAsEverWhereTheDeviceRefusesTheRules) {
  SynDevices rings("no_syns");
  EXPECT_FALSE(rings.device->grants().syn_queues);
  EXPECT_EQ(rings.device->syn_refusal(), "Function not implemented");
  EXPECT_THAT(rings.device->Describe(),
              testing::HasSubstr("syn queue no (Function not implemented)"));
  rings.Send(0, 60);
  std::array<Packet, 8> in;
  EXPECT_EQ(rings.device->Receive(0, in), 1);
}

// It said that it would, and did not.
TEST_F(DeviceTest, GoesBackToItsQueuesWhereTheRulesCannotBeMade) {
  GrantingFlows flows;
  flows.create_refused_from = 1;
  SynDevices rings("broken_promise");
  EXPECT_FALSE(rings.device->grants().syn_queues);
  EXPECT_EQ(rings.device->syn_refusal(), "No space left on device");
  EXPECT_EQ(flows.destroyed, 1u);
  rings.Send(0, 60);
  std::array<Packet, 8> in;
  EXPECT_EQ(rings.device->Receive(0, in), 1);
}

TEST_F(DeviceTest, HasNoQueuesForSynsWithoutOurRssTable) {
  GrantingFlows flows;
  PacketPool pool("pool_no_table", 511, 2048, -1);
  auto pair = CreateRingPair("no_table", 4, 64);
  ASSERT_TRUE(pair.ok()) << pair.status();
  DeviceOptions options;
  options.name = "lan";
  options.device = pair->first;
  options.rss_key = kKey;
  options.syn_queues = true;
  PacketPool* pools[] = {&pool, &pool};
  const auto device = Device::Open(options, pools);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ((*device)->syn_refusal(), "no RSS by our table");
  EXPECT_TRUE(flows.created.empty());
}

TEST_F(DeviceTest, HasNoQueueForSynsWhereItHasNoneToSpare) {
  GrantingFlows flows;
  PacketPool pool("pool_one_queue", 255, 2048, -1);
  auto pair = CreateRingPair("one_queue", 1, 64);
  ASSERT_TRUE(pair.ok()) << pair.status();
  DeviceOptions options;
  options.name = "lan";
  options.device = pair->first;
  options.rss_key = kKey;
  options.syn_queues = true;
  PacketPool* pools[] = {&pool};
  const auto device = Device::Open(options, pools);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ((*device)->syn_refusal(), "2 receive queues are needed, there are 1");
  EXPECT_TRUE(flows.created.empty());
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
