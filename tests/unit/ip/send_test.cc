// Ip::Send and Ip::Reply: headers, routes, sources, and what cannot be sent.
#include <gtest/gtest.h>

#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

const IpAddress kHost4 = Address("198.18.0.5");
const IpAddress kHost6 = Address("2001:2::5");
const IpAddress kFar4 = Address("203.0.113.5");
const IpAddress kFar6 = Address("2001:db8::5");

Packet Text(LinkRig& rig) {
  const uint8_t text[] = {'t', 'e', 'x', 't'};
  return PacketOf(rig.pool, text);
}

TEST(Sending, WritesAnAtomicIpv4Header) {  // RFC1191-3
  LinkRig rig;
  rig.StartUp();
  uint16_t hint = kNoNeighbour;
  rig.AskForUs(kHost4, HostMac(5));
  rig.Sent();
  const SendOptions options{.protocol = 253, .ttl = 17, .dscp_ecn = 0xb9};
  ASSERT_TRUE(rig.ip->Send(Text(rig), 0, kHost4, options, hint, rig.now, rig.out));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].octets.size(), 14u + 20 + 4);
  wire::Ipv4Header ip;
  ASSERT_EQ(wire::ParseIpv4(std::span(sent[0].octets).subspan(14), false, ip), wire::kNoDrop);
  EXPECT_EQ(ip.source, kOurs4);
  EXPECT_EQ(ip.destination, kHost4);
  EXPECT_EQ(ip.ttl, 17);
  EXPECT_EQ(ip.dscp_ecn, 0xb9);
  EXPECT_EQ(ip.protocol, 253);
  EXPECT_EQ(ip.payload_size, 4);
  EXPECT_TRUE(ip.df);  // RFC 6864 4.1
  EXPECT_EQ(ip.id, 0);
}

TEST(Sending, WritesAnIpv6HeaderWithItsFlowLabel) {
  LinkRig rig;
  rig.StartUp();
  uint16_t hint = kNoNeighbour;
  rig.AskForUs(kHost6, HostMac(5));
  rig.Sent();
  const SendOptions options{.protocol = 253, .ttl = 17, .dscp_ecn = 0xb9, .flow_label = 0xabcde};
  ASSERT_TRUE(rig.ip->Send(Text(rig), 1, kHost6, options, hint, rig.now, rig.out));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  wire::Ipv6Header ip;
  ASSERT_EQ(wire::ParseIpv6(std::span(sent[0].octets).subspan(14), ip), wire::kNoDrop);
  EXPECT_EQ(ip.source, kOurs6);
  EXPECT_EQ(ip.destination, kHost6);
  EXPECT_EQ(ip.hop_limit, 17);
  EXPECT_EQ(ip.dscp_ecn, 0xb9);
  EXPECT_EQ(ip.flow_label, 0xabcdeu);
  EXPECT_EQ(ip.payload_size, 4);
}

TEST(Sending, TagsFramesOfAVlan) {
  IpConfig config = RigConfig();
  config.interfaces[0].vlan = 42;
  config.interfaces[0].dad = false;
  LinkRig rig(config);
  rig.Start();
  for (const SentFrame& one : rig.Sent()) EXPECT_EQ(one.frame.vlan, 42);
  EXPECT_EQ(rig.ip->link_header_size(0), 18);
  ASSERT_TRUE(rig.Send(kHost4, "text"));
  auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].frame.vlan, 42);
  // The answer is tagged as well.
  std::vector<uint8_t> reply(18 + wire::kArpSize);
  const size_t at = wire::WriteEthernet(reply.data(), kOurMac, HostMac(5), 42, wire::kEtherTypeArp);
  wire::WriteArp(&reply[at], {.operation = wire::kArpReply,
                              .sender_mac = HostMac(5),
                              .sender = kHost4,
                              .target_mac = kOurMac,
                              .target = kOurs4});
  ASSERT_TRUE(rig.Receive(reply));
  sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].frame.vlan, 42);
  EXPECT_EQ(sent[0].frame.destination_mac, HostMac(5));
  const auto message = sent[0].message();
  EXPECT_EQ(std::string(message.begin(), message.end()), "text");
  // The same without tag is not for us.
  reply.assign(14 + wire::kArpSize, 0);
  wire::WriteEthernet(reply.data(), kOurMac, HostMac(5), 0, wire::kEtherTypeArp);
  wire::WriteArp(&reply[14], {.sender_mac = HostMac(5), .sender = kHost4, .target = kOurs4});
  ASSERT_TRUE(rig.Receive(reply));
  EXPECT_EQ(rig[Counter::kDropVlan], 1u);
}

TEST(Sending, TakesChains) {
  LinkRig rig;
  rig.StartUp();
  rig.AskForUs(kHost4, HostMac(5));
  rig.Sent();
  Packet packet = Text(rig);
  packet.Chain(Text(rig));
  uint16_t hint = kNoNeighbour;
  ASSERT_TRUE(
      rig.ip->Send(std::move(packet), 0, kHost4, {.protocol = 253}, hint, rig.now, rig.out));
  EXPECT_EQ(rig.SentTexts(), (std::vector<LinkRig::SentText>{{"texttext", HostMac(5)}}));
}

TEST(Sending, RefusesWhereNoWayLeads) {
  IpConfig config = RigConfig();
  config.interfaces[0].gateway4.reset();
  config.interfaces[0].gateway6.reset();
  LinkRig rig(config);
  rig.StartUp();
  EXPECT_FALSE(rig.Send(kFar4));
  EXPECT_FALSE(rig.Send(kFar6));
  EXPECT_EQ(rig[Counter::kDropIpNoRoute], 2u);
  EXPECT_TRUE(rig.Sent().empty());
}

TEST(Sending, RefusesToReachMoreThanOneHost) {
  LinkRig rig;
  rig.StartUp();
  const char* const many[] = {
      "224.0.0.1", "255.255.255.255", "198.18.0.255", "0.0.0.0", "240.0.0.1", "ff02::1", "::"};
  for (const char* address : many) EXPECT_FALSE(rig.Send(Address(address))) << address;
  EXPECT_EQ(rig[Counter::kDropIpDestination], std::size(many));
  EXPECT_TRUE(rig.Sent().empty());
}

TEST(Sending, DropsAPacketWithoutHeadroom) {
  LinkRig rig;
  rig.StartUp();
  for (const uint16_t room : {uint16_t{0}, uint16_t{19}, uint16_t{33}}) {
    Packet packet = AllocatePacket(rig.pool);
    packet.SetData(room, 4);
    uint16_t hint = kNoNeighbour;
    EXPECT_FALSE(rig.ip->Send(std::move(packet), 0, kHost4, {}, hint, rig.now, rig.out));
  }
  EXPECT_EQ(rig[Counter::kDropIpHeadroom], 3u);
}

TEST(Sending, CountsFramesBeyondWhatATurnMaySend) {
  LinkRig rig(RigConfig(), 16);
  rig.StartUp();
  uint16_t hint = kNoNeighbour;
  ASSERT_TRUE(rig.Send(kHost4, hint));
  ASSERT_TRUE(rig.Send(kHost4, hint));
  rig.Sent();
  while (!rig.out.full()) ASSERT_TRUE(rig.out.Push(AllocatePacket(rig.pool)));
  rig.Advertise(kHost4, HostMac(5));  // what waited finds no room
  EXPECT_EQ(rig[Counter::kDropIpTxFull], 2u);
  EXPECT_FALSE(rig.Send(kHost4, hint));
  EXPECT_EQ(rig[Counter::kDropIpTxFull], 3u);
  rig.out.Clear();
  EXPECT_TRUE(rig.Send(kHost4, hint));
}

TEST(Replying, GoesStraightBackWithoutAskingAnybody) {
  LinkRig rig;
  rig.StartUp();
  for (const bool v4 : {true, false}) {
    wire::Frame request;
    request.v4 = v4;
    request.source = v4 ? kFar4 : kFar6;
    request.destination = v4 ? kOurs4 : kOurs6;
    request.source_mac = HostMac(77);
    const SendOptions options{.protocol = 253, .ttl = 64};
    const auto local = static_cast<uint16_t>(v4 ? 0 : 1);
    ASSERT_TRUE(rig.ip->Reply(Text(rig), request, local, options, rig.out));
    const auto sent = rig.Sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].frame.destination_mac, HostMac(77));
    EXPECT_EQ(sent[0].frame.source, request.destination);
    EXPECT_EQ(sent[0].frame.destination, request.source);
  }
  EXPECT_EQ(rig[Counter::kNeighbourWaits], 0u);
  EXPECT_EQ(rig.ip->neighbours().table().count(NeighbourClass::kIncomplete), 0u);
}

TEST(Replying, CountsWhatItCannotSend) {
  LinkRig rig(RigConfig(), 16);
  rig.StartUp();
  wire::Frame request;
  request.source = kFar4;
  request.source_mac = HostMac(77);
  Packet packet = AllocatePacket(rig.pool);
  packet.SetData(20, 4);
  EXPECT_FALSE(rig.ip->Reply(std::move(packet), request, 0, {}, rig.out));
  EXPECT_EQ(rig[Counter::kDropIpHeadroom], 1u);
  while (!rig.out.full()) ASSERT_TRUE(rig.out.Push(AllocatePacket(rig.pool)));
  EXPECT_FALSE(rig.ip->Reply(Text(rig), request, 0, {}, rig.out));
  EXPECT_EQ(rig[Counter::kDropIpTxFull], 1u);
  rig.out.Clear();
}

TEST(SourceSelection, PrefersTheAddressOfTheDestinationsPrefix) {
  IpConfig config = RigConfig();
  config.interfaces[0].addresses = {
      {Address("198.18.0.2"), 24}, {Address("198.19.0.2"), 24}, {kOurs6, 64}};
  InterfaceConfig second = config.interfaces[0];
  second.port = kPort + 1;
  second.mac = HostMac(200);
  second.addresses = {{Address("198.18.7.2"), 24}};
  second.gateway4.reset();
  second.gateway6.reset();
  config.interfaces.push_back(second);
  HeapPool pool(64);
  Counters counters;
  FrameList out(64);
  Ip ip(config, pool, counters);
  const Time now{0};
  EXPECT_EQ(ip.SourceFor(Address("198.18.0.9")), -1);  // nothing is usable yet
  ip.Start(now, out);
  EXPECT_EQ(ip.SourceFor(Address("198.18.0.9")), 0);
  EXPECT_EQ(ip.SourceFor(Address("198.19.0.9")), 1);
  EXPECT_EQ(ip.SourceFor(Address("198.18.7.9")), 3);
  EXPECT_EQ(ip.SourceFor(kFar4), 0);  // by the one gateway
  EXPECT_EQ(ip.SourceFor(kFar6), -1);
  ip.Tick(now + Seconds(2), out);
  EXPECT_EQ(ip.SourceFor(kFar6), 2);
  EXPECT_EQ(ip.Local(ip.SourceFor(Address("fe80::9"))).address, Address("fe80::ff:fe00:1"));
}

TEST(Networks, ContainWhatTheirBitsSay) {
  const Network v4(Address("198.18.4.77"), 22);
  EXPECT_TRUE(v4.Contains(Address("198.18.7.255")));
  EXPECT_FALSE(v4.Contains(Address("198.18.8.0")));
  EXPECT_FALSE(v4.Contains(Address("198.18.3.255")));
  EXPECT_EQ(v4.broadcast(), Address("198.18.7.255").v4());
  const Network v6(Address("2001:2:0:8::1"), 61);
  EXPECT_TRUE(v6.Contains(Address("2001:2:0:f::")));
  EXPECT_FALSE(v6.Contains(Address("2001:2:0:10::")));
  EXPECT_EQ(v6.broadcast(), std::nullopt);
  const Network host(Address("2001:2::1"), 128);
  EXPECT_TRUE(host.Contains(Address("2001:2::1")));
  EXPECT_FALSE(host.Contains(Address("2001:2::")));
  // IPv4's everything is not IPv6's.
  const Network all(Address("0.0.0.0"), 0);
  EXPECT_TRUE(all.Contains(Address("255.1.2.3")));
  EXPECT_FALSE(all.Contains(Address("2001:2::1")));
  // RFC 3021: both addresses of a /31 are hosts.
  EXPECT_EQ(Network(Address("198.18.0.0"), 31).broadcast(), std::nullopt);
  EXPECT_EQ(Network(Address("198.18.0.1"), 32).broadcast(), std::nullopt);
}

TEST(Networks, OfAnInterfaceHaveTheirBroadcastAddresses) {
  InterfaceConfig config;
  config.addresses = {{Address("198.18.4.77"), 22}, {Address("2001:2::2"), 64}};
  const Interface nic(config);
  EXPECT_TRUE(nic.IsBroadcast(Address("198.18.7.255")));
  EXPECT_TRUE(nic.IsBroadcast(Address("255.255.255.255")));
  EXPECT_FALSE(nic.IsBroadcast(Address("198.18.6.255")));
  EXPECT_FALSE(nic.IsBroadcast(Address("2001:2::c612:7ff")));  // the same last octets
}

}  // namespace
}  // namespace weir::ip
