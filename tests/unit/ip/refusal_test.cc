// ICMP errors of our own: who is told what, and who is not.
#include <gtest/gtest.h>

#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

constexpr uint8_t kGre = 47;

class Refusal : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { rig.StartUp(); }

  bool v4() const { return GetParam(); }
  IpAddress ours() const { return v4() ? kOurs4 : kOurs6; }
  IpAddress host() const { return v4() ? Address("203.0.113.5") : Address("2001:db8::5"); }

  // A whole frame to us with this behind the IP header.
  std::vector<uint8_t> FrameOf(uint8_t protocol, const std::vector<uint8_t>& payload,
                               const IpAddress& to, const wire::MacAddress& mac = kOurMac) const {
    std::vector<uint8_t> octets(wire::kEthernetHeaderSize);
    wire::WriteEthernet(octets.data(), mac, HostMac(9), 0,
                        v4() ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
    uint8_t header[wire::kIpv6HeaderSize];
    const auto size = static_cast<uint16_t>(payload.size());
    const uint16_t written =
        v4()
            ? wire::WriteIpv4(
                  header,
                  {.source = host(), .destination = to, .protocol = protocol, .payload_size = size})
            : wire::WriteIpv6(header, {.source = host(),
                                       .destination = to,
                                       .protocol = protocol,
                                       .payload_size = size});
    octets.insert(octets.end(), header, header + written);
    octets.insert(octets.end(), payload.begin(), payload.end());
    return octets;
  }
  std::vector<uint8_t> FrameOf(uint8_t protocol, const std::vector<uint8_t>& payload) const {
    return FrameOf(protocol, payload, ours());
  }
  // A UDP datagram with this much in it.
  std::vector<uint8_t> Datagram(size_t size) const {
    std::vector<uint8_t> datagram(8 + size, 0x5a);
    StoreBe16(&datagram[0], 1234);
    StoreBe16(&datagram[2], 53);
    StoreBe16(&datagram[4], static_cast<uint16_t>(datagram.size()));
    StoreBe16(&datagram[6], 0);
    StoreBe16(&datagram[6], wire::TransportChecksum(host(), ours(), wire::kProtocolUdp, datagram));
    return datagram;
  }
  // As the stack does: parse, and refuse what the wire layer dropped for its protocol.
  void Give(LinkRig& to, const std::vector<uint8_t>& octets) const {
    wire::Frame frame;
    wire::ParseFrame(octets, {}, frame);
    ASSERT_EQ(frame.drop, Counter::kDropIpProtocol);
    Packet packet = PacketOf(to.pool, octets);
    packet.set_port(kPort);
    to.ip->Refuse(frame, packet, to.now, to.out);
  }
  // The error that answers the frame, from the address that was asked straight back.
  void ExpectError(const std::vector<uint8_t>& octets, uint8_t type, uint8_t code, uint32_t rest) {
    Give(rig, octets);
    const auto sent = rig.Sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].frame.kind, v4() ? wire::FrameKind::kIcmp : wire::FrameKind::kIcmpv6);
    EXPECT_EQ(sent[0].frame.source, ours());
    EXPECT_EQ(sent[0].frame.destination, host());
    EXPECT_EQ(sent[0].frame.destination_mac, HostMac(9));
    wire::IcmpHeader header;
    ASSERT_TRUE(wire::ParseIcmp(sent[0].message(), header));
    EXPECT_EQ(header.type, type);
    EXPECT_EQ(header.code, code);
    EXPECT_EQ(header.rest, rest);
    const auto quoted = sent[0].message().subspan(wire::kIcmpHeaderSize);
    const auto packet = std::span(octets).subspan(wire::kEthernetHeaderSize);
    const size_t limit = v4() ? 576 - 28 : 1280 - 48;
    ASSERT_EQ(quoted.size(), std::min(packet.size(), limit));
    EXPECT_TRUE(std::equal(quoted.begin(), quoted.end(), packet.begin()));
  }
  void ExpectSilence(LinkRig& from, const std::vector<uint8_t>& octets) const {
    Give(from, octets);
    EXPECT_TRUE(from.Sent().empty());
  }

  LinkRig rig;
};

// RFC 1122 3.2.2.1, RFC 4443 3.1
TEST_P(Refusal, OfADatagramSaysThatThePortIsUnreachable) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{600}, size_t{1400}}) {
    ExpectError(FrameOf(wire::kProtocolUdp, Datagram(size)), v4() ? 3 : 1, v4() ? 3 : 4, 0);
  }
  EXPECT_EQ(rig[Counter::kIcmpErrorsSent], 4u);
}

// RFC 1122 3.2.2.1, RFC 4443 3.4: the pointer names the next header field.
TEST_P(Refusal, OfAnotherProtocolSaysSo) {
  const std::vector<uint8_t> payload(20, 1);
  if (v4()) {
    ExpectError(FrameOf(kGre, payload), 3, 2, 0);
  } else {
    ExpectError(FrameOf(kGre, payload), 4, 1, 6);
  }
}

TEST_P(Refusal, PointsBehindExtensionHeaders) {
  if (v4()) return;
  std::vector<uint8_t> payload(16 + 20);
  payload[0] = wire::kHeaderDestinationOptions;  // of a hop-by-hop header, six octets of padding
  payload[2] = 1;
  payload[3] = 4;
  payload[8] = kGre;
  payload[10] = 1;
  payload[11] = 4;
  ExpectError(FrameOf(wire::kHeaderHopByHop, payload), 4, 1, 48);
}

// RFC 8200 4.7
TEST_P(Refusal, IsNotGivenWhereNothingWasAsked) {
  if (v4()) return;
  ExpectSilence(rig, FrameOf(wire::kNoNextHeader, {1, 2, 3}));
}

TEST_P(Refusal, IsNotGivenToADamagedDatagram) {
  auto wrong = Datagram(10);
  wrong[9] ^= 1;
  ExpectSilence(rig, FrameOf(wire::kProtocolUdp, wrong));
  auto cut = Datagram(10);
  cut.pop_back();
  ExpectSilence(rig, FrameOf(wire::kProtocolUdp, cut));
  ExpectSilence(rig, FrameOf(wire::kProtocolUdp, {1, 2, 3, 4, 0, 7, 0}));
  auto without = Datagram(10);  // a checksum; RFC 8200 8.1 asks for one
  StoreBe16(&without[6], 0);
  if (v4()) {
    ExpectError(FrameOf(wire::kProtocolUdp, without), 3, 3, 0);
  } else {
    ExpectSilence(rig, FrameOf(wire::kProtocolUdp, without));
  }
}

// RFC 1122 3.2.2, RFC 4443 2.4 (e).
TEST_P(Refusal, IsNotGivenToWhatWentToMany) {
  const std::vector<uint8_t> payload(20, 1);
  ExpectSilence(rig, FrameOf(kGre, payload, ours(), wire::kBroadcastMac));
  const IpAddress group = v4() ? Address("224.0.0.1") : Address("ff02::1");
  ExpectSilence(rig, FrameOf(kGre, payload, group, wire::MulticastMac(Address("ff02::1"))));
  ExpectSilence(rig, FrameOf(kGre, payload, group));
  if (v4()) ExpectSilence(rig, FrameOf(kGre, payload, Address("198.18.0.255")));
}

TEST_P(Refusal, IsNotGivenForOthers) {
  const std::vector<uint8_t> payload(20, 1);
  ExpectSilence(rig, FrameOf(kGre, payload, v4() ? Address("198.18.0.9") : Address("2001:2::9")));
  ExpectSilence(rig, FrameOf(kGre, payload, ours(), HostMac(7)));
}

// RFC4443-2.4f
TEST_P(Refusal, IsLimited) {
  IpConfig config = RigConfig();
  config.icmp_rate_per_s = 10;
  LinkRig limited(config);
  limited.StartUp();
  for (int i = 0; i < 100; ++i) {
    Give(limited, FrameOf(kGre, {1, 2}));
    limited.Sent();
  }
  const uint64_t sent = limited[Counter::kIcmpErrorsSent];
  EXPECT_GE(sent, 7u);
  EXPECT_LE(sent, 15u);
  EXPECT_EQ(limited[Counter::kIcmpErrorsLimited], 100 - sent);
}

TEST_P(Refusal, IsNotGivenWhereThatIsOff) {
  IpConfig config = RigConfig();
  config.icmp_errors = false;
  LinkRig silent(config);
  silent.StartUp();
  ExpectSilence(silent, FrameOf(kGre, {1, 2}));
  ExpectSilence(silent, FrameOf(wire::kProtocolUdp, Datagram(5)));
}

TEST_P(Refusal, WithoutABufferIsCounted) {
  std::vector<Packet> all;
  const auto octets = FrameOf(kGre, {1, 2});
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  Packet packet = PacketOf(rig.pool, octets);
  packet.set_port(kPort);
  while (Packet one = AllocatePacket(rig.pool)) all.push_back(std::move(one));
  rig.ip->Refuse(frame, packet, rig.now, rig.out);
  EXPECT_TRUE(rig.Sent().empty());
  EXPECT_EQ(rig[Counter::kDropIpNoBuffer], 1u);
}

INSTANTIATE_TEST_SUITE_P(Family, Refusal, testing::Values(true, false),
                         [](const auto& family) { return family.param ? "v4" : "v6"; });

}  // namespace
}  // namespace weir::ip
