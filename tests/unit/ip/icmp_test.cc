// ICMP and ICMPv6: echo rules, the limit, errors for TCP.
#include <gtest/gtest.h>

#include <numeric>

#include "ip/icmp_limiter.h"
#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

class Icmp : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { rig.StartUp(); }

  bool v4() const { return GetParam(); }
  IpAddress ours() const { return v4() ? kOurs4 : kOurs6; }
  IpAddress host() const { return v4() ? Address("203.0.113.5") : Address("2001:db8::5"); }

  std::vector<uint8_t> Echo(size_t data_size) const {
    std::vector<uint8_t> message(wire::kIcmpHeaderSize + data_size);
    std::iota(message.begin(), message.end(), uint8_t{3});
    wire::WriteIcmp(message.data(), {.type = v4() ? wire::kIcmpEcho : wire::kIcmpv6Echo,
                                     .rest = wire::IcmpHeader::EchoRest(0x1234, 77)});
    return message;
  }
  // An error about a packet from `source`, with `transport` as its first eight octets.
  std::vector<uint8_t> ErrorAbout(const IpAddress& source, uint8_t type, uint8_t code,
                                  uint32_t rest, uint8_t protocol = wire::kProtocolTcp) const {
    std::vector<uint8_t> message(wire::kIcmpHeaderSize);
    wire::WriteIcmp(message.data(), {.type = type, .code = code, .rest = rest});
    uint8_t header[wire::kIpv6HeaderSize];
    const uint16_t size = v4() ? wire::WriteIpv4(header, {.source = source,
                                                          .destination = host(),
                                                          .protocol = protocol,
                                                          .payload_size = 1000})
                               : wire::WriteIpv6(header, {.source = source,
                                                          .destination = host(),
                                                          .protocol = protocol,
                                                          .payload_size = 1000});
    message.insert(message.end(), header, header + size);
    message.resize(message.size() + 8);
    uint8_t* transport = &message[message.size() - 8];
    StoreBe16(transport, 80);
    StoreBe16(transport + 2, 40000);
    StoreBe32(transport + 4, 0xfffffff0u);
    return message;
  }
  uint8_t Unreachable() const { return v4() ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable; }
  IpAddress Group() const { return v4() ? Address("224.0.0.1") : Address("ff02::1"); }
  wire::MacAddress GroupMac() const {
    return v4() ? wire::kBroadcastMac : wire::MulticastMac(Group());
  }

  LinkRig rig;
};

// RFC 1122 3.2.2.6, RFC 4443 4.2: the same data, from the address that was asked.
TEST_P(Icmp, EchoIsAnsweredWithTheSameData) {  // RFC1122-3.2.2.6, RFC4443-4.2
  for (const size_t size : {size_t{0}, size_t{1}, size_t{56}, size_t{1452}}) {
    rig.ReceiveIcmp(host(), ours(), kOurMac, Echo(size));
    const auto sent = rig.Sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].frame.source, ours());
    EXPECT_EQ(sent[0].frame.destination, host());
    EXPECT_EQ(sent[0].frame.destination_mac, HostMac(9));  // straight back
    std::vector<uint8_t> expected = Echo(size);
    expected[0] = v4() ? wire::kIcmpEchoReply : wire::kIcmpv6EchoReply;
    v4() ? wire::SetIcmpChecksum(expected) : wire::SetIcmpv6Checksum(expected, ours(), host());
    const auto message = sent[0].message();
    EXPECT_EQ(std::vector<uint8_t>(message.begin(), message.end()), expected);
  }
  EXPECT_EQ(rig[Counter::kIcmpEchoReplies], 4u);
}

TEST_P(Icmp, EchoIsAnsweredInItsOwnBuffer) {
  const uint64_t before = rig.pool.allocations();
  rig.ReceiveIcmp(host(), ours(), kOurMac, Echo(56));
  EXPECT_EQ(rig.pool.allocations(), before + 1);
}

TEST_P(Icmp, EchoInASharedBufferIsAnsweredInAnother) {
  auto message = Echo(56);
  rig.ReceiveIcmp(host(), ours(), kOurMac, message);
  const auto expected = rig.Sent().at(0).octets;
  // The same frame again, with another owner of its octets.
  std::vector<uint8_t> request(wire::kEthernetHeaderSize);
  wire::WriteEthernet(request.data(), kOurMac, HostMac(9), 0,
                      v4() ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
  v4() ? wire::SetIcmpChecksum(message) : wire::SetIcmpv6Checksum(message, host(), ours());
  uint8_t header[wire::kIpv6HeaderSize];
  const auto payload_size = static_cast<uint16_t>(message.size());
  const uint16_t size = v4() ? wire::WriteIpv4(header, {.source = host(),
                                                        .destination = ours(),
                                                        .protocol = wire::kProtocolIcmp,
                                                        .payload_size = payload_size})
                             : wire::WriteIpv6(header, {.source = host(),
                                                        .destination = ours(),
                                                        .protocol = wire::kProtocolIcmpv6,
                                                        .payload_size = payload_size});
  request.insert(request.end(), header, header + size);
  request.insert(request.end(), message.begin(), message.end());
  wire::Frame frame;
  wire::ParseFrame(request, {}, frame);
  Packet packet = PacketOf(rig.pool, request);
  packet.set_port(kPort);
  const Packet other = packet.Share();
  rig.ip->Receive(frame, std::move(packet), rig.now, rig.out);
  EXPECT_EQ(rig.Sent().at(0).octets, expected);
  EXPECT_TRUE(std::equal(request.begin(), request.end(), other.first().begin()));
}

TEST_P(Icmp, EchoToManyIsNotAnswered) {
  rig.ReceiveIcmp(host(), ours(), wire::kBroadcastMac, Echo(8));
  rig.ReceiveIcmp(host(), Group(), GroupMac(), Echo(8));
  EXPECT_EQ(rig[Counter::kDropIcmpMulticast], 2u);
  if (v4()) {
    rig.ReceiveIcmp(host(), Address("198.18.0.255"), kOurMac, Echo(8));
    EXPECT_EQ(rig[Counter::kDropNotOurs], 1u);
  }
  EXPECT_TRUE(rig.Sent().empty());
}

TEST_P(Icmp, EchoToOthersIsNotAnswered) {
  rig.ReceiveIcmp(host(), v4() ? Address("198.18.0.9") : Address("2001:2::9"), kOurMac, Echo(8));
  EXPECT_EQ(rig[Counter::kDropNotOurs], 1u);
  EXPECT_TRUE(rig.Sent().empty());
}

TEST_P(Icmp, EchoIsNotAnsweredWhereThatIsOff) {
  IpConfig config = RigConfig();
  config.echo_reply = false;
  LinkRig silent(config);
  silent.StartUp();
  silent.ReceiveIcmp(host(), ours(), kOurMac, Echo(8));
  EXPECT_EQ(silent[Counter::kDropIcmpEchoOff], 1u);
  EXPECT_TRUE(silent.Sent().empty());
}

TEST_P(Icmp, EchoIsLimited) {
  IpConfig config = RigConfig();
  config.icmp_rate_per_s = 100;
  LinkRig limited(config);
  limited.StartUp();
  for (int i = 0; i < 1000; ++i) {
    limited.ReceiveIcmp(host(), ours(), kOurMac, Echo(8));
    limited.Sent();
  }
  const uint64_t burst = limited[Counter::kIcmpEchoReplies];
  EXPECT_GE(burst, 75u);
  EXPECT_LE(burst, 150u);
  EXPECT_EQ(limited[Counter::kDropIcmpLimited], 1000 - burst);
}

TEST_P(Icmp, OtherMessagesAreCountedAndForgotten) {
  for (const uint8_t type : {uint8_t{0}, uint8_t{13}, uint8_t{17}, uint8_t{100}, uint8_t{200}}) {
    std::vector<uint8_t> message(20);
    message[0] = type;
    rig.ReceiveIcmp(host(), ours(), kOurMac, message);
  }
  EXPECT_EQ(rig[Counter::kDropIcmpType], 5u);
  EXPECT_TRUE(rig.Sent().empty());
}

// MUST-54: the error goes to the connection that it is about.
TEST_P(Icmp, ErrorsAboutOurSegmentsAreHandedOn) {
  rig.ReceiveIcmp(host(), ours(), kOurMac, ErrorAbout(ours(), Unreachable(), 1, 0));
  ASSERT_TRUE(rig.error);
  EXPECT_EQ(rig.error->local, rig.ip->LocalIndex(ours(), kPort));
  EXPECT_EQ(rig.error->segment.kind, wire::IcmpErrorKind::kUnreachable);
  EXPECT_EQ(rig.error->segment.source, ours());
  EXPECT_EQ(rig.error->segment.destination, host());
  EXPECT_EQ(rig.error->segment.source_port, 80);
  EXPECT_EQ(rig.error->segment.destination_port, 40000);
  EXPECT_EQ(rig.error->segment.seq, Seq(0xfffffff0u));
}

TEST_P(Icmp, PacketTooBigTellsItsMtu) {
  rig.ReceiveIcmp(
      host(), ours(), kOurMac,
      v4() ? ErrorAbout(ours(), wire::kIcmpUnreachable, wire::kIcmpFragmentationNeeded, 1400)
           : ErrorAbout(ours(), wire::kIcmpv6PacketTooBig, 0, 1400));
  ASSERT_TRUE(rig.error);
  EXPECT_EQ(rig.error->segment.kind, wire::IcmpErrorKind::kPacketTooBig);
  EXPECT_EQ(rig.error->segment.mtu, 1400u);
}

TEST_P(Icmp, PacketTooBigComesWithAnMtuThatCanBeMeant) {
  const uint8_t type = v4() ? wire::kIcmpUnreachable : wire::kIcmpv6PacketTooBig;
  const uint8_t code = v4() ? wire::kIcmpFragmentationNeeded : 0;
  rig.ReceiveIcmp(host(), ours(), kOurMac, ErrorAbout(ours(), type, code, 1400));
  ASSERT_TRUE(rig.error);
  EXPECT_EQ(rig.error->path_mtu, 1400);
  rig.ReceiveIcmp(host(), ours(), kOurMac, ErrorAbout(ours(), type, code, 100));
  if (v4()) {
    ASSERT_TRUE(rig.error);
    EXPECT_EQ(rig.error->path_mtu, 552);
    rig.ReceiveIcmp(host(), ours(), kOurMac, ErrorAbout(ours(), type, code, 0));
    ASSERT_TRUE(rig.error);
    EXPECT_EQ(rig.error->path_mtu, 1006);  // RFC 1191 5: the packet had 1020 octets
  } else {
    EXPECT_FALSE(rig.error);
    EXPECT_EQ(rig[Counter::kDropIcmpMtu], 1u);
  }
}

TEST_P(Icmp, ErrorsAboutOthersPacketsAreDropped) {
  rig.ReceiveIcmp(host(), ours(), kOurMac, ErrorAbout(host(), Unreachable(), 1, 0));
  EXPECT_FALSE(rig.error);
  rig.ReceiveIcmp(host(), ours(), kOurMac,
                  ErrorAbout(ours(), Unreachable(), 1, 0, wire::kProtocolUdp));
  EXPECT_FALSE(rig.error);
  auto cut = ErrorAbout(ours(), Unreachable(), 1, 0);
  cut.resize(cut.size() - 1);
  rig.ReceiveIcmp(host(), ours(), kOurMac, cut);
  EXPECT_FALSE(rig.error);
  EXPECT_EQ(rig[Counter::kDropIcmpQuote], 3u);
}

// MUST-55
TEST_P(Icmp, SourceQuenchIsIgnored) {  // RFC5927-4.1q
  if (!v4()) return;
  rig.ReceiveIcmp(host(), ours(), kOurMac, ErrorAbout(ours(), wire::kIcmpSourceQuench, 0, 0));
  EXPECT_FALSE(rig.error);
  EXPECT_EQ(rig[Counter::kDropIcmpType], 1u);
}

INSTANTIATE_TEST_SUITE_P(Family, Icmp, testing::Values(true, false),
                         [](const auto& family) { return family.param ? "v4" : "v6"; });

TEST(IcmpLimiter, LetsTheConfiguredRateThroughOnAverage) {
  IcmpLimiter limiter(1000, 5);
  Time now{int64_t{1} << 32};
  uint64_t passed = 0;
  while (limiter.Take(now)) {
  }
  for (int ms = 0; ms < 20000; ++ms) {
    now = now + Milliseconds(1);
    for (int i = 0; i < 10; ++i) passed += limiter.Take(now);
  }
  EXPECT_GT(passed, 19000u);
  EXPECT_LT(passed, 21000u);
}

TEST(IcmpLimiter, CannotBeCountedFromOutside) {
  // Bursts from a full bucket differ from key to key: the number of answers tells nothing exact.
  std::vector<int> bursts;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    IcmpLimiter limiter(50, seed);
    int burst = 0;
    while (limiter.Take(Time{1000})) ++burst;
    bursts.push_back(burst);
  }
  std::sort(bursts.begin(), bursts.end());
  EXPECT_NE(bursts.front(), bursts.back());
}

TEST(IcmpLimiter, OfRateZeroLetsNothingThrough) {
  IcmpLimiter limiter(0, 1);
  EXPECT_FALSE(limiter.Take(Time{0}));
  EXPECT_FALSE(limiter.Take(Time{10000000}));
}

}  // namespace
}  // namespace weir::ip
