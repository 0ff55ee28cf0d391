// Fields of the IP and TCP headers that stay what they are for the whole life of a connection.
#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "segment/rig.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::segment {
namespace {

// What a field of every frame with TCP was, on the way from SYN to TIME-WAIT with a retransmission
// between.
template <class F>
std::set<uint32_t> ThroughAWholeConnection(Rig& rig, F field) {
  std::set<uint32_t> values;
  rig.on_frame = [&](const std::vector<uint8_t>& frame) {
    wire::Frame parsed;
    wire::ParseFrame(frame, {}, parsed);
    if (parsed.kind == wire::FrameKind::kTcp) values.insert(field(frame));
  };
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.Advance(Seconds(2));
  rig.Discard();
  rig.In(Data(1, 10).Acks(11));
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(11).Acks(11));
  rig.In(Fin(11).Acks(12));
  rig.Out(Ack(12).Acks(12));
  rig.on_frame = nullptr;
  return values;
}

class HeaderFields : public RigTest {};

// RFC6437-3
TEST(HeaderFieldsOfIpv6, FlowLabelIsOneForAConnectionAndAnotherForTheNext) {
  Rig rig({.v4 = false});
  const auto label = [](const std::vector<uint8_t>& frame) {
    return LoadBe32(&frame[wire::kEthernetHeaderSize]) & 0xfffffu;
  };
  std::set<uint32_t> all;
  for (uint16_t port = 41000; port < 41010; ++port) {
    rig.NewConnection(port);
    const auto labels = ThroughAWholeConnection(rig, label);
    EXPECT_EQ(labels.size(), 1u);
    all.insert(labels.begin(), labels.end());
  }
  EXPECT_EQ(all.size(), 10u);
  EXPECT_FALSE(all.contains(0)) << "zero says that there is none";
}

// RFC1191-3: DF on everything, retransmissions included; RFC6864-4.1.
TEST(HeaderFieldsOfIpv4, DontFragmentIsInEveryDatagram) {
  Rig rig({.v4 = true});
  const auto flags = ThroughAWholeConnection(rig, [](const std::vector<uint8_t>& frame) {
    return uint32_t{LoadBe16(&frame[wire::kEthernetHeaderSize + 6])};
  });
  EXPECT_EQ(flags, std::set<uint32_t>{0x4000});
}

// SHLD-23: nothing but the application changes it.
TEST_P(HeaderFields, DscpIsOneForAConnection) {
  Options options = Base();
  options.listen.connection.dscp = 10;
  Rig rig(options);
  const bool v4 = GetParam();
  const auto values = ThroughAWholeConnection(rig, [v4](const std::vector<uint8_t>& frame) {
    const uint32_t first = LoadBe16(&frame[wire::kEthernetHeaderSize]);
    return (v4 ? first & 0xff : first >> 4 & 0xff) >> 2;
  });
  EXPECT_EQ(values, std::set<uint32_t>{10});
}

// SHLD-13: there is no way to send urgent text, so that no application of ours begins with it.
TEST_P(HeaderFields, UrgentIsNeverSent) {
  Rig rig(Base());
  const size_t flags_at =
      wire::kEthernetHeaderSize + (GetParam() ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize) + 13;
  const auto values = ThroughAWholeConnection(
      rig, [=](const std::vector<uint8_t>& frame) { return frame[flags_at] & wire::kTcpUrg; });
  EXPECT_EQ(values, std::set<uint32_t>{0});
}

// RFC1122-3.2.1.7: whoever sent it meant it for us, and here it is.
TEST_P(HeaderFields, TimeToLiveOfOneIsEnoughToArrive) {
  Rig rig(Base());
  const size_t headers =
      wire::kEthernetHeaderSize + (GetParam() ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize);
  const auto whole = BuildFrame(rig.path(), Syn(kPeerIss.value).Mss(1460));
  const auto frame = IpFrame(GetParam(), wire::kProtocolTcp, 1, std::span(whole).subspan(headers));
  rig.InFrame(frame);
  rig.Out(SynAck(0).Acks(1));
}

WEIR_BOTH_FAMILIES(HeaderFields);

}  // namespace
}  // namespace weir::segment
