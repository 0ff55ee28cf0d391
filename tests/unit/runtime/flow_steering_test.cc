// FlowSteering: which worker a frame goes to, over octets of every kind.
#include "runtime/flow_steering.h"

#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "gtest/gtest.h"

namespace weir::runtime {
namespace {

using Kind = Destination::Kind;
using Frame = std::vector<uint8_t>;

constexpr unsigned kWorkers = 3;
const FlowTuple kFlow4{*IpAddress::Parse("198.18.0.1"), *IpAddress::Parse("198.18.0.2"), 40001, 80};
const FlowTuple kFlow6{*IpAddress::Parse("2001:2::1"), *IpAddress::Parse("2001:2::2"), 40001, 80};

std::vector<uint8_t> Key() {
  std::vector<uint8_t> key(52);
  Prng prng(1);
  for (uint8_t& octet : key) octet = static_cast<uint8_t>(prng.Next());
  return key;
}

// One octet at a time: g++ 12 warns about vector::insert of what may be empty.
void Append(Frame& frame, const Frame& more) {
  for (uint8_t octet : more) frame.push_back(octet);
}

Frame Ethernet(uint16_t type, const Frame& payload, unsigned tags = 0) {
  Frame frame(12, 2);
  for (unsigned i = 0; i < tags; ++i) Append(frame, {0x81, 0x00, 0x00, 0x05});
  Append(frame, {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)});
  Append(frame, payload);
  return frame;
}

Frame Tcp(const FlowTuple& flow) {
  Frame segment(20);
  StoreBe16(&segment[0], flow.source_port);
  StoreBe16(&segment[2], flow.destination_port);
  return segment;
}

Frame Ipv4(const FlowTuple& flow, uint8_t protocol, const Frame& payload, uint16_t fragment = 0) {
  Frame packet(20);
  packet[0] = 0x45;
  StoreBe16(&packet[6], fragment);
  packet[9] = protocol;
  StoreBe32(&packet[12], flow.source.v4());
  StoreBe32(&packet[16], flow.destination.v4());
  Append(packet, payload);
  return packet;
}

Frame Ipv6(const FlowTuple& flow, uint8_t next, const Frame& payload) {
  Frame packet(40);
  packet[0] = 0x60;
  packet[6] = next;
  std::copy_n(flow.source.octets().begin(), 16, packet.begin() + 8);
  std::copy_n(flow.destination.octets().begin(), 16, packet.begin() + 24);
  Append(packet, payload);
  return packet;
}

// What a router would quote of a segment that we sent on the flow.
FlowTuple Reversed(const FlowTuple& flow) {
  return {flow.destination, flow.source, flow.destination_port, flow.source_port};
}

Frame Icmp(uint8_t type, const Frame& quoted) {
  Frame message(8);
  message[0] = type;
  Append(message, quoted);
  return message;
}

class FlowSteeringTest : public testing::Test {
 protected:
  void ExpectOwner(const Frame& frame, const FlowTuple& flow, bool queue_is_owner = false) {
    const Destination d = steering_.Decide(frame, queue_is_owner);
    EXPECT_EQ(d.kind, Kind::kWorker);
    EXPECT_EQ(d.worker, steering_.Owner(flow));
  }
  Kind KindOf(const Frame& frame, bool queue_is_owner = false) {
    return steering_.Decide(frame, queue_is_owner).kind;
  }

  FlowSteering steering_{Key(), kWorkers};
};

TEST_F(FlowSteeringTest, FlowsSpreadOverAllWorkers) {
  std::vector<int> flows(kWorkers);
  FlowTuple flow = kFlow4;
  for (uint16_t port = 1024; port < 4096; ++port) {
    flow.source_port = port;
    ++flows[steering_.Owner(flow)];
  }
  for (int count : flows) EXPECT_NEAR(count, 3072 / kWorkers, 300);
}

TEST_F(FlowSteeringTest, TcpGoesToItsOwner) {
  ExpectOwner(Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4))), kFlow4);
  ExpectOwner(Ethernet(0x86dd, Ipv6(kFlow6, 6, Tcp(kFlow6))), kFlow6);
}

TEST_F(FlowSteeringTest, VlanTagsDoNotHideAFlow) {
  ExpectOwner(Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4)), 1), kFlow4);
  ExpectOwner(Ethernet(0x86dd, Ipv6(kFlow6, 6, Tcp(kFlow6)), 2), kFlow6);
}

TEST_F(FlowSteeringTest, TrustedQueuesKeepPlainTcp) {
  EXPECT_EQ(KindOf(Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4))), true), Kind::kHere);
  EXPECT_EQ(KindOf(Ethernet(0x86dd, Ipv6(kFlow6, 6, Tcp(kFlow6))), true), Kind::kHere);
}

TEST_F(FlowSteeringTest, ExtensionHeadersAreWalked) {
  Frame options(8);  // destination options: next header TCP, 8 octets
  options[0] = 6;
  const Frame segment = Tcp(kFlow6);
  Append(options, segment);
  ExpectOwner(Ethernet(0x86dd, Ipv6(kFlow6, 60, options)), kFlow6);
  // No device hashes these by ports, so a trusted queue says nothing.
  ExpectOwner(Ethernet(0x86dd, Ipv6(kFlow6, 60, options)), kFlow6, true);
}

TEST_F(FlowSteeringTest, FragmentsStayWhereTheyAre) {
  EXPECT_EQ(KindOf(Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4), 0x2000))), Kind::kHere);
  EXPECT_EQ(KindOf(Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4), 0x0010))), Kind::kHere);
}

TEST_F(FlowSteeringTest, DontFragmentIsNoFragment) {
  ExpectOwner(Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4), 0x4000)), kFlow4);
}

TEST_F(FlowSteeringTest, IcmpErrorsGoToTheOwnerOfTheQuotedFlow) {
  const FlowTuple sent4 = Reversed(kFlow4), sent6 = Reversed(kFlow6);
  const Frame error4 = Icmp(3, Ipv4(sent4, 6, Tcp(sent4)));
  const Frame error6 = Icmp(2, Ipv6(sent6, 6, Tcp(sent6)));
  const FlowTuple router4{*IpAddress::Parse("198.18.0.9"), kFlow4.destination, 0, 0};
  const FlowTuple router6{*IpAddress::Parse("2001:2::9"), kFlow6.destination, 0, 0};
  for (const bool queue_is_owner : {false, true}) {
    ExpectOwner(Ethernet(0x0800, Ipv4(router4, 1, error4)), kFlow4, queue_is_owner);
    ExpectOwner(Ethernet(0x86dd, Ipv6(router6, 58, error6)), kFlow6, queue_is_owner);
  }
}

TEST_F(FlowSteeringTest, PingsStayWhereTheyAre) {
  EXPECT_EQ(KindOf(Ethernet(0x0800, Ipv4(kFlow4, 1, Icmp(8, Frame(32))))), Kind::kHere);
  EXPECT_EQ(KindOf(Ethernet(0x86dd, Ipv6(kFlow6, 58, Icmp(128, Frame(32))))), Kind::kHere);
}

TEST_F(FlowSteeringTest, WhatTeachesNeighboursGoesToEveryone) {
  EXPECT_EQ(KindOf(Ethernet(0x0806, Frame(28))), Kind::kEveryone);
  EXPECT_EQ(KindOf(Ethernet(0x86dd, Ipv6(kFlow6, 58, Icmp(135, Frame(24))))), Kind::kEveryone);
  EXPECT_EQ(KindOf(Ethernet(0x86dd, Ipv6(kFlow6, 58, Icmp(136, Frame(24)))), true),
            Kind::kEveryone);
}

TEST_F(FlowSteeringTest, NoLengthOfAnyFrameIsReadPastItsEnd) {
  const FlowTuple sent4 = Reversed(kFlow4), sent6 = Reversed(kFlow6);
  const Frame frames[] = {
      Ethernet(0x0800, Ipv4(kFlow4, 6, Tcp(kFlow4)), 2),
      Ethernet(0x86dd, Ipv6(kFlow6, 6, Tcp(kFlow6)), 2),
      Ethernet(0x0800, Ipv4(kFlow4, 1, Icmp(3, Ipv4(sent4, 6, Tcp(sent4))))),
      Ethernet(0x86dd, Ipv6(kFlow6, 58, Icmp(1, Ipv6(sent6, 6, Tcp(sent6))))),
      Ethernet(0x86dd, Ipv6(kFlow6, 0, Frame(16))),
  };
  for (const Frame& frame : frames) {
    for (size_t size = 0; size <= frame.size(); ++size) {
      const Frame cut(frame.begin(),
                      frame.begin() + static_cast<long>(size));  // its own heap block
      const Destination d = steering_.Decide(cut, false);
      EXPECT_LT(d.worker, kWorkers);
    }
  }
  Prng prng(2);
  for (int i = 0; i < 20000; ++i) {
    Frame frame = frames[prng.Below(std::size(frames))];
    for (int flips = 0; flips < 4; ++flips) {
      frame[12 + prng.Below(frame.size() - 12)] = static_cast<uint8_t>(prng.Next());
    }
    EXPECT_LT(steering_.Decide(frame, false).worker, kWorkers);
  }
}

}  // namespace
}  // namespace weir::runtime
