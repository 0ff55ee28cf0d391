// Frames as one line of text.
#include "wire/printer.h"

#include <gtest/gtest.h>

#include "unit/wire/sample_frames.h"
#include "wire/arp.h"
#include "wire/ipv4.h"

namespace weir::wire {
namespace {

TEST(Printer, PrintsASynWithItsOptions) {
  TcpHeader syn = SynHeader();
  syn.seq = Seq(1);
  EXPECT_EQ(PrintFrame(TcpFrame(true, syn)),
            "198.18.0.1:4000 > 198.18.0.2:80 S 1:1(0) win 64240 "
            "<mss 1460,sackOK,TS 1 ecr 0,nop,ws 7>");
}

TEST(Printer, PrintsTextAcrossTheWrap) {
  const Octets text = {1, 2, 3, 4};
  EXPECT_EQ(PrintFrame(TcpFrame(false, DataHeader(), text)),
            "[2001:2::1]:4000 > [2001:2::2]:80 P. 4294967294:2(4) ack 9 win 502 "
            "<nop,nop,TS 2147483649 ecr 4294967280>");
}

TEST(Printer, PrintsEveryFlagAndTheUrgentPointer) {
  TcpHeader header;
  header.flags = 0xff;
  header.urgent = 5;
  EXPECT_EQ(PrintFrame(TcpFrame(true, header)),
            "198.18.0.1:0 > 198.18.0.2:0 SFRPWEU. 0:0(0) ack 0 win 0 urg 5");
  header.flags = 0;
  EXPECT_EQ(PrintFrame(TcpFrame(true, header)), "198.18.0.1:0 > 198.18.0.2:0 none 0:0(0) win 0");
}

TEST(Printer, PrintsOptionsOfEveryKind) {
  EXPECT_EQ(PrintTcpOptions(Octets{}), "");
  EXPECT_EQ(PrintTcpOptions(Octets{5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 9}),
            "sack 1:2 3:4,eol");
  EXPECT_EQ(PrintTcpOptions(Octets{253, 4, 1, 2, 2, 3, 0}), "opt-253:4,opt-2:3");
  EXPECT_EQ(PrintTcpOptions(Octets{34, 2, 34, 6, 0, 0x1f, 0xa0, 0xff}),
            "tfo cookiereq,tfo cookie 001fa0ff");
  EXPECT_EQ(PrintTcpOptions(Octets{254, 4, 0xf9, 0x89, 254, 6, 0xf9, 0x89, 1, 2, 254, 4, 1, 2}),
            "exp-tfo cookiereq,exp-tfo cookie 0102,opt-254:4");
  EXPECT_EQ(PrintTcpOptions(Octets{1, 8, 0}), "nop,malformed");
  EXPECT_EQ(PrintTcpOptions(Octets{4, 2, 8}), "sackOK,malformed");
}

TEST(Printer, PrintsArp) {
  EXPECT_EQ(PrintFrame(ArpFrame()), "arp who-has 198.18.0.2 tell 198.18.0.1");
  Octets reply = ArpFrame();
  reply[21] = kArpReply;
  EXPECT_EQ(PrintFrame(reply), "arp 198.18.0.1 is-at 02:00:00:00:00:01");
}

TEST(Printer, PrintsIcmpOfBothFamilies) {
  EXPECT_EQ(PrintFrame(EchoFrame(true)), "198.18.0.1 > 198.18.0.2 icmp echo request id 7 seq 1");
  EXPECT_EQ(PrintFrame(EchoFrame(false)), "2001:2::1 > 2001:2::2 icmp6 echo request id 7 seq 1");
  EXPECT_EQ(PrintFrame(PacketTooBigFrame(true, 1400)),
            "198.18.0.1 > 198.18.0.2 icmp packet too big code 4 mtu 1400 for "
            "198.18.0.2:80 > 198.18.0.1:4000 seq 4294967280");
  EXPECT_EQ(PrintFrame(PacketTooBigFrame(false, 1280)),
            "2001:2::1 > 2001:2::2 icmp6 packet too big code 0 mtu 1280 for "
            "[2001:2::2]:80 > [2001:2::1]:4000 seq 4294967280");
  EXPECT_EQ(PrintFrame(Ipv4Frame(kProtocolIcmp, WithIcmpChecksum({13, 1, 0, 0, 0, 0, 0, 0}))),
            "198.18.0.1 > 198.18.0.2 icmp type 13 code 1");
}

TEST(Printer, PrintsNeighbourDiscovery) {
  NdMessage nd{.type = kNdNeighborSolicitation, .target = kServer6};
  EXPECT_EQ(PrintFrame(NdFrame(nd, kClient6, kServer6)),
            "2001:2::1 > 2001:2::2 icmp6 who-has 2001:2::2");
  EXPECT_EQ(PrintFrame(NdFrame(nd, kClient6, kServer6, 64)),
            "2001:2::1 > 2001:2::2 icmp6 invalid DropNdHopLimit");
  nd = {.type = kNdNeighborAdvertisement,
        .solicited = true,
        .override = true,
        .target = kClient6,
        .has_target_mac = true,
        .target_mac = kClientMac};
  EXPECT_EQ(PrintFrame(NdFrame(nd, kClient6, kServer6)),
            "2001:2::1 > 2001:2::2 icmp6 2001:2::1 is-at 02:00:00:00:00:01 solicited override");
  EXPECT_EQ(PrintFrame(MldReportFrame()), "fe80::1 > ff02::16 icmp6 listener report of 2 groups");
}

TEST(Printer, PrintsTagsOutermostFirst) {
  Octets frame = ArpFrame();
  const uint8_t tags[] = {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6};
  frame.insert(frame.begin() + 12, std::begin(tags), std::end(tags));
  EXPECT_EQ(PrintFrame(frame), "vlan 5 vlan 6 arp who-has 198.18.0.2 tell 198.18.0.1");
}

TEST(Printer, SaysWhyAFrameWouldBeDropped) {
  Octets frame = TcpFrame(true, DataHeader());
  frame.back() ^= 1;
  EXPECT_EQ(PrintFrame(frame), "dropped DropTcpChecksum: TCP segments with a wrong checksum");
  EXPECT_EQ(PrintFrame(frame, {.l4_checksum_good = true}).substr(0, 4), "198.");
}

}  // namespace
}  // namespace weir::wire
