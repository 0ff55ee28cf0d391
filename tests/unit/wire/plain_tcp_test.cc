// The short way for the usual frame: whatever it accepts ParseFrame reads in the same way, and the
// usual frames go it.
#include "wire/plain_tcp.h"

#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "base/prng.h"
#include "unit/wire/sample_frames.h"

namespace weir::wire {
namespace {

const Octets kText = {'h', 'e', 'l', 'l', 'o'};

auto OptionsOf(const TcpOptions& o) {
  std::vector<SackBlock> sack(o.sack, o.sack + o.sack_count);
  return std::tuple(o.present, o.window_scale, o.mss, o.ts_value, o.ts_echo, std::move(sack),
                    o.has(TcpOptions::kFastOpen) ? o.fast_open : FastOpenCookie());
}

auto ValuesOf(const Frame& f) {
  return std::tuple(f.kind, f.v4, f.l2_multicast, f.has_routing_header, f.has_fragment_header,
                    f.ttl, f.dscp_ecn, f.drop, f.vlan, f.outer_vlan, f.l3_offset, f.l4_offset,
                    f.l4_size, f.text_offset, f.text_size, f.source_mac.value(),
                    f.destination_mac.value(), f.source, f.destination, f.tcp.source_port,
                    f.tcp.destination_port, f.tcp.seq.value, f.tcp.ack.value, f.tcp.flags,
                    f.tcp.window, f.tcp.urgent);
}

// As if another frame had been there.
Frame Used() {
  Frame frame;
  std::memset(static_cast<void*>(&frame), 0xa5, sizeof frame);
  return frame;
}

// Whether the frame goes the short way, which must then have found what ParseFrame finds.
bool GoesShort(const Octets& octets, const FrameHints& hints) {
  Frame plain = Used(), whole = Used();
  // Of exactly its size, so that AddressSanitizer sees what is read behind it.
  const Octets copy(octets);
  const bool goes = ReadPlainTcp(copy, hints, plain);
  ParseFrame(copy, hints, whole);
  if (goes && plain.kind == FrameKind::kDropped) {
    EXPECT_TRUE(whole.kind == FrameKind::kDropped && plain.drop == whole.drop);
  } else if (goes) {
    EXPECT_TRUE(ValuesOf(plain) == ValuesOf(whole));
    EXPECT_TRUE(OptionsOf(plain.tcp.options) == OptionsOf(whole.tcp.options));
  }
  return goes;
}

constexpr FrameHints kVouched{.ip_checksum_good = true, .l4_checksum_good = true};

TEST(PlainTcp, IsTheShortWayOfUsualFrames) {
  for (const FrameHints& hints : {kVouched, FrameHints{}}) {
    EXPECT_TRUE(GoesShort(TcpFrame(true, DataHeader(), kText), hints));
    EXPECT_TRUE(GoesShort(TcpFrame(true, DataHeader(), kText) + Octets(7), hints));  // padding
    EXPECT_TRUE(GoesShort(TcpFrame(true, SynHeader(), {}), hints));
  }
}

TEST(PlainTcp, LeavesTheOthersToParseFrame) {
  for (const Octets& octets :
       {TcpFrame(false, DataHeader(), kText), ArpFrame(), EchoFrame(true), EchoFrame(false)}) {
    EXPECT_FALSE(GoesShort(octets, kVouched));
  }
  FrameHints tagged = kVouched;
  tagged.vlan_stripped = true;
  EXPECT_FALSE(GoesShort(TcpFrame(true, DataHeader(), kText), tagged));
}

TEST(PlainTcp, TellsAWrongChecksumItself) {
  Octets octets = TcpFrame(true, DataHeader(), kText);
  octets.back() ^= 1;
  EXPECT_TRUE(GoesShort(octets, {}));
  Frame frame = Used();
  EXPECT_TRUE(ReadPlainTcp(octets, {}, frame));
  EXPECT_EQ(frame.kind, FrameKind::kDropped);
  EXPECT_EQ(frame.drop, Counter::kDropTcpChecksum);
}

// Every octet with every value, and every length, with the checksums verified and vouched for.
TEST(PlainTcp, AgreesAboutDamagedFrames) {
  for (const FrameHints& hints : {kVouched, FrameHints{}}) {
    for (const Octets& whole :
         {TcpFrame(true, DataHeader(), kText), TcpFrame(true, SynHeader(), {})}) {
      size_t went = 0;
      for (size_t at = 0; at < whole.size(); ++at) {
        for (unsigned value = 0; value < 256; ++value) {
          Octets octets = whole;
          octets[at] = static_cast<uint8_t>(value);
          went += GoesShort(octets, hints);
        }
      }
      EXPECT_GT(went, 256u);
      EXPECT_LT(went, whole.size() * 256);
      for (size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(
            GoesShort(Octets(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)), hints));
      }
    }
  }
}

TEST(PlainTcp, AgreesAboutRandomHeaders) {
  Prng prng(11);
  const Octets whole = TcpFrame(true, DataHeader(), kText);
  size_t went = 0;
  for (int n = 0; n < 100000; ++n) {
    Octets octets = whole;
    for (size_t i = 34; i < octets.size(); ++i) octets[i] = static_cast<uint8_t>(prng.Next());
    octets[46] = static_cast<uint8_t>(octets[46] | 0x50);
    went += GoesShort(octets, kVouched);
  }
  EXPECT_GT(went, 10000u);
}

}  // namespace
}  // namespace weir::wire
