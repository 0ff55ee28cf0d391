// Ip::Receive: what is for us, ARP and neighbour discovery answers, what is not acted upon.
#include <gtest/gtest.h>

#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

const IpAddress kHost4 = Address("198.18.0.5");
const IpAddress kHost6 = Address("2001:2::5");

class Reception : public testing::Test {
 protected:
  void SetUp() override { rig.StartUp(); }

  wire::Frame TcpFrame() const {
    wire::Frame frame;
    frame.kind = wire::FrameKind::kTcp;
    frame.v4 = true;
    frame.source = kHost4;
    frame.destination = kOurs4;
    frame.source_mac = HostMac(5);
    frame.destination_mac = kOurMac;
    return frame;
  }

  LinkRig rig;
};

TEST_F(Reception, AdmitsWhatIsForThisHost) { EXPECT_TRUE(rig.ip->Admits(TcpFrame(), kPort)); }

TEST_F(Reception, CountsWhyAFrameIsNotForThisHost) {  // RFC1122-3.2.1.3d
  struct Row {
    Counter reason;
    void (*change)(wire::Frame&);
  };
  const Row rows[] = {
      {Counter::kDropVlan, [](wire::Frame& f) { f.vlan = 5; }},
      {Counter::kDropVlan, [](wire::Frame& f) { f.outer_vlan = 5; }},
      {Counter::kDropEthernetDestination, [](wire::Frame& f) { f.destination_mac = HostMac(6); }},
      {Counter::kDropEthernetOwn, [](wire::Frame& f) { f.source_mac = kOurMac; }},
      {Counter::kDropSourceIsDestination, [](wire::Frame& f) { f.source = f.destination; }},
      // MUST-63: an invalid source address
      {Counter::kDropSourceDirectedBroadcast,
       [](wire::Frame& f) { f.source = Address("198.18.0.255"); }},
  };
  for (const Row& row : rows) {
    wire::Frame frame = TcpFrame();
    row.change(frame);
    const uint64_t before = rig[row.reason];
    EXPECT_FALSE(rig.ip->Admits(frame, kPort));
    EXPECT_EQ(rig[row.reason], before + 1) << CounterName(row.reason);
  }
  EXPECT_FALSE(rig.ip->Admits(TcpFrame(), kPort + 1));
  EXPECT_FALSE(rig.ip->Admits(TcpFrame(), kPort - 1));
  EXPECT_FALSE(rig.ip->Admits(TcpFrame(), 0xffff));
  EXPECT_EQ(rig[Counter::kDropPortUnknown], 3u);
}

TEST_F(Reception, FindsItsAddressesOnTheirOwnPortOnly) {
  EXPECT_EQ(rig.ip->LocalIndex(kOurs4, kPort), 0);
  EXPECT_EQ(rig.ip->LocalIndex(kOurs4, kPort + 1), -1);
  EXPECT_EQ(rig.ip->LocalIndex(kHost4, kPort), -1);
  EXPECT_EQ(rig.ip->LocalIndex(Address("198.18.0.255"), kPort), -1);
  EXPECT_EQ(rig.ip->Local(0).port, kPort);
}

TEST_F(Reception, AnswersArpRequestsForItsAddress) {
  rig.ReceiveArp({.sender_mac = HostMac(5), .sender = kHost4, .target = kOurs4},
                 wire::kBroadcastMac);
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_TRUE(sent[0].IsArp(wire::kArpReply));
  EXPECT_EQ(sent[0].frame.destination_mac, HostMac(5));
  const wire::ArpPacket arp = sent[0].arp();
  EXPECT_EQ(arp.sender_mac, kOurMac);
  EXPECT_EQ(arp.sender, kOurs4);
  EXPECT_EQ(arp.target_mac, HostMac(5));
  EXPECT_EQ(arp.target, kHost4);
  EXPECT_EQ(rig[Counter::kNeighbourAnswers], 1u);
}

// RFC 5227 2.1.1: a probe is answered, and nobody is learned from it.
TEST_F(Reception, AnswersArpProbesForItsAddress) {
  rig.ReceiveArp({.sender_mac = HostMac(5), .sender = IpAddress::V4(0), .target = kOurs4},
                 wire::kBroadcastMac);
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].IsArp(wire::kArpReply));
  EXPECT_EQ(rig[Counter::kNeighbourLearned], 0u);
}

TEST_F(Reception, IsSilentAboutOthersAddresses) {
  rig.ReceiveArp({.sender_mac = HostMac(5), .sender = kHost4, .target = Address("198.18.0.6")},
                 wire::kBroadcastMac);
  EXPECT_EQ(rig[Counter::kDropArpNotOurs], 1u);
  wire::NdMessage nd{.type = wire::kNdNeighborSolicitation, .target = Address("2001:2::6")};
  rig.ReceiveNd(nd, kHost6, wire::SolicitedNodeAddress(nd.target), HostMac(5));
  EXPECT_EQ(rig[Counter::kDropNdNotOurs], 1u);
  EXPECT_TRUE(rig.Sent().empty());
  EXPECT_EQ(rig.Find(kHost4), nullptr);
}

TEST_F(Reception, AnswersSolicitationsForItsAddress) {  // RFC4861-7.2.4
  rig.AskForUs(kHost6, HostMac(5));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].frame.destination_mac, HostMac(5));
  EXPECT_EQ(sent[0].frame.destination, kHost6);
  EXPECT_EQ(sent[0].frame.source, kOurs6);
  EXPECT_EQ(sent[0].frame.ttl, 255);
  const wire::NdMessage nd = sent[0].nd();
  EXPECT_EQ(nd.type, wire::kNdNeighborAdvertisement);
  EXPECT_TRUE(nd.solicited);
  EXPECT_TRUE(nd.override);
  EXPECT_FALSE(nd.router);
  EXPECT_EQ(nd.target, kOurs6);
  ASSERT_TRUE(nd.has_target_mac);
  EXPECT_EQ(nd.target_mac, kOurMac);
}

TEST_F(Reception, AnswersAUnicastSolicitationWithoutAddressOption) {
  const wire::NdMessage nd{.type = wire::kNdNeighborSolicitation, .target = kOurs6};
  rig.ReceiveNd(nd, kHost6, kOurs6, HostMac(5));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].frame.destination_mac, HostMac(5));
  EXPECT_EQ(rig.Find(kHost6), nullptr);
}

TEST_F(Reception, AnswersInTheReceivedBuffer) {
  const uint64_t before = rig.pool.allocations();
  rig.pool.FailAllocation(2);  // the first is the received frame itself
  rig.AskForUs(kHost6, HostMac(5));
  rig.pool.FailAllocation(2);
  rig.AskForUs(kHost4, HostMac(5));
  EXPECT_EQ(rig.pool.allocations(), before + 2);
  EXPECT_EQ(rig.Sent().size(), 2u);
}

TEST_F(Reception, DropsDiscoveryThatCrossedARouter) {
  std::vector<uint8_t> message(wire::kNdMessageSizeMax);
  wire::NdMessage nd{.type = wire::kNdNeighborSolicitation, .target = kOurs6};
  nd.has_source_mac = true;
  nd.source_mac = HostMac(5);
  wire::WriteNd(message.data(), nd, kHost6, kOurs6);
  rig.ReceiveIcmp(kHost6, kOurs6, kOurMac, message, 254);
  EXPECT_EQ(rig[Counter::kDropNdHopLimit], 1u);
  EXPECT_TRUE(rig.Sent().empty());
  EXPECT_EQ(rig.Find(kHost6), nullptr);
}

TEST_F(Reception, IgnoresRouterMessagesAndRedirects) {
  const IpAddress router = Address("fe80::9");
  std::vector<uint8_t> advertisement(16);
  advertisement[0] = wire::kNdRouterAdvertisement;
  advertisement[6] = 7;  // lifetime
  const IpAddress all_nodes = Address("ff02::1");
  rig.ReceiveIcmp(router, all_nodes, wire::MulticastMac(all_nodes), advertisement, 255);
  EXPECT_EQ(rig[Counter::kDropRouterMessage], 1u);
  std::vector<uint8_t> redirect(40);
  redirect[0] = wire::kNdRedirect;
  std::memcpy(&redirect[8], router.octets().data(), 16);
  std::memcpy(&redirect[24], Address("2001:db8::1").octets().data(), 16);
  rig.ReceiveIcmp(router, kOurs6, kOurMac, redirect, 255);
  EXPECT_EQ(rig[Counter::kDropRedirect], 1u);
  std::vector<uint8_t> redirect4(36);
  redirect4[0] = wire::kIcmpRedirect;
  rig.ReceiveIcmp(kGateway4, kOurs4, kOurMac, redirect4);
  EXPECT_EQ(rig[Counter::kDropRedirect], 2u);
  EXPECT_TRUE(rig.Sent().empty());
}

}  // namespace
}  // namespace weir::ip
