// Ip against arbitrary input and failing allocation: nothing crashes, nothing leaks (LinkRig checks
// that when it goes).
#include <gtest/gtest.h>

#include "base/prng.h"
#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

// A few addresses, so that random frames meet existing entries.
IpAddress SomeAddress(Prng& prng, bool v4) {
  static const IpAddress kV4[] = {kOurs4,
                                  kGateway4,
                                  Address("198.18.0.5"),
                                  Address("198.18.0.6"),
                                  Address("0.0.0.0"),
                                  Address("203.0.113.9")};
  static const IpAddress kV6[] = {kOurs6,
                                  kGateway6,
                                  Address("2001:2::5"),
                                  Address("2001:2::6"),
                                  Address("fe80::ff:fe00:1"),
                                  Address("fe80::5"),
                                  IpAddress()};
  return v4 ? kV4[prng.Below(std::size(kV4))] : kV6[prng.Below(std::size(kV6))];
}

wire::MacAddress SomeMac(Prng& prng) {
  return prng.Chance(300) ? kOurMac : HostMac(static_cast<uint8_t>(prng.Below(4)));
}

void FeedArp(LinkRig& rig, Prng& prng) {
  std::vector<uint8_t> octets(wire::kEthernetHeaderSize + wire::kArpSize);
  const auto to = prng.Chance(500) ? kOurMac : wire::kBroadcastMac;
  wire::WriteEthernet(octets.data(), to, SomeMac(prng), 0, wire::kEtherTypeArp);
  wire::WriteArp(&octets[wire::kEthernetHeaderSize],
                 {.operation = static_cast<uint16_t>(1 + prng.Below(2)),
                  .sender_mac = SomeMac(prng),
                  .sender = SomeAddress(prng, true),
                  .target_mac = SomeMac(prng),
                  .target = SomeAddress(prng, true)});
  if (prng.Chance(100)) octets[prng.Below(octets.size())] = static_cast<uint8_t>(prng.Next());
  rig.Receive(octets);
}

void FeedIcmpv6(LinkRig& rig, Prng& prng) {
  const IpAddress source = SomeAddress(prng, false);
  IpAddress destination = SomeAddress(prng, false);
  if (prng.Chance(400)) destination = wire::SolicitedNodeAddress(kOurs6);
  if (prng.Chance(200)) destination = Address("ff02::1");
  std::vector<uint8_t> message(24 + 8 * prng.Below(3));
  for (uint8_t& octet : message) octet = static_cast<uint8_t>(prng.Next());
  static const uint8_t kTypes[] = {1, 2, 3, 4, 128, 129, 130, 131, 133, 134, 135, 136, 137, 143};
  message[0] = kTypes[prng.Below(std::size(kTypes))];
  message[1] = 0;
  const IpAddress target = SomeAddress(prng, false);
  std::memcpy(&message[8], target.octets().data(), 16);
  for (size_t at = 24; at < message.size(); at += 8) {
    message[at] = static_cast<uint8_t>(1 + prng.Below(2));
    message[at + 1] = 1;
    std::memcpy(&message[at + 2], SomeMac(prng).octets.data(), 6);
  }
  wire::SetIcmpv6Checksum(message, source, destination);
  std::vector<uint8_t> octets(wire::kEthernetHeaderSize + wire::kIpv6HeaderSize);
  const auto to = destination.is_multicast() ? wire::MulticastMac(destination) : kOurMac;
  wire::WriteEthernet(octets.data(), to, SomeMac(prng), 0, wire::kEtherTypeIpv6);
  const uint8_t hop_limit = message[0] == wire::kMldQuery ? 1 : 255;
  wire::WriteIpv6(&octets[wire::kEthernetHeaderSize],
                  {.source = source,
                   .destination = destination,
                   .protocol = wire::kProtocolIcmpv6,
                   .hop_limit = hop_limit,
                   .payload_size = static_cast<uint16_t>(message.size())});
  octets.insert(octets.end(), message.begin(), message.end());
  rig.Receive(octets);
}

void FeedIcmp(LinkRig& rig, Prng& prng) {
  std::vector<uint8_t> message(8 + prng.Below(60));
  for (uint8_t& octet : message) octet = static_cast<uint8_t>(prng.Next());
  message[0] = static_cast<uint8_t>(prng.Below(14));
  rig.ReceiveIcmp(Address("198.18.0.5"), prng.Chance(800) ? kOurs4 : Address("198.18.0.255"),
                  prng.Chance(800) ? kOurMac : wire::kBroadcastMac, message);
}

TEST(Robustness, RandomFramesNeitherCrashNorLeak) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    IpConfig config = RigConfig();
    config.seed = seed;
    config.neighbours = static_cast<uint32_t>(4 + prng.Below(8));
    config.waiting_packets = static_cast<uint32_t>(prng.Below(6));
    config.owner = prng.Chance(800);
    LinkRig rig(config, static_cast<uint32_t>(4 + prng.Below(64)));
    rig.Start();
    if (prng.Chance(800)) rig.Advance(Seconds(3));
    for (int round = 0; round < 1500; ++round) {
      if (prng.Chance(20)) rig.pool.FailAllocation(1 + prng.Below(4));
      switch (prng.Below(6)) {
        case 0:
          FeedArp(rig, prng);
          break;
        case 1:
          FeedIcmpv6(rig, prng);
          break;
        case 2:
          rig.pool.FailAllocation(0);
          FeedIcmp(rig, prng);
          break;
        case 3: {
          const bool v4 = prng.Chance(500);
          Packet packet = AllocatePacket(rig.pool);
          if (!packet) break;
          (void)packet.Append(static_cast<uint16_t>(prng.Below(100)));
          uint16_t hint = static_cast<uint16_t>(prng.Below(20));
          rig.ip->Send(std::move(packet), v4 ? 0 : 1, SomeAddress(prng, v4), {.protocol = 253},
                       hint, rig.now, rig.out);
          break;
        }
        case 4:
          rig.ip->Confirm(static_cast<uint16_t>(prng.Below(20)), rig.now);
          break;
        default:
          rig.Advance(Milliseconds(static_cast<int64_t>(prng.Below(3000))));
          break;
      }
      if (prng.Chance(300)) rig.Sent();  // every frame that leaves is well-formed
    }
    // After the storm everything still works.
    rig.pool.FailAllocation(0);
    rig.Sent();
    ASSERT_LE(rig.ip->neighbours().waiting(), config.waiting_packets);
    rig.Advance(Seconds(20));
    rig.Sent();
    EXPECT_EQ(rig.ip->neighbours().waiting(), 0u);
  }
}

// The n-th allocation fails, for every n.
TEST(Robustness, EveryFailedAllocationIsSurvivedAndMadeGood) {
  for (uint64_t nth = 1; nth <= 20; ++nth) {
    SCOPED_TRACE(nth);
    LinkRig rig;
    rig.pool.FailAllocation(nth);
    rig.Start();
    rig.Advance(Seconds(4));
    rig.Sent();
    const IpAddress host = Address("198.18.0.5");
    bool answered = false;
    for (int i = 0; i < 4; ++i) {
      if (rig.pool.allocations() + 1 >= nth) rig.pool.FailAllocation(0);
      rig.Send(host, "text");
      if (rig.CountRequests(host) > 0) answered = true;
      if (answered) rig.Advertise(host, HostMac(5));
      rig.Advance(Milliseconds(1100));
    }
    EXPECT_EQ(rig.StateOf(host), NeighbourState::kReachable);
  }
}

}  // namespace
}  // namespace weir::ip
