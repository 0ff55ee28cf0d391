// Broken frames against a whole stack: nothing crashes, nothing leaks, and every frame is either
// accepted or dropped under exactly one name.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "segment/peer_frames.h"
#include "segment/rig.h"
#include "segment/segment.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/printer.h"

namespace weir {
namespace {

using segment::Ack;
using segment::Data;
using segment::Rig;
using segment::Seg;
using segment::Syn;

constexpr size_t kLinkHeader = wire::kEthernetHeaderSize;

uint64_t Drops(const Rig& rig) {
  uint64_t drops = 0;
  for (size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    if (CounterName(counter).substr(0, 4) == "Drop") drops += rig.counter(counter);
  }
  return drops;
}

// A stack with one established connection to the peer, and frames that mean something to it.
class MalformedFrames : public testing::TestWithParam<bool> {
 protected:
  MalformedFrames() : rig_(RigOptions()) {
    rig_.handler().on_data = [](Connection c, Bytes text) { (void)c.Send(text); };
    rig_.Establish({.ts = 1000});
  }

  static segment::Options RigOptions() {
    segment::Options options;
    options.v4 = GetParam();
    options.tcp.resets_per_second = 1000000;
    return options;
  }

  std::vector<uint8_t> Tcp(Seg seg) const {
    seg.seq += rig_.irs().value;
    if (seg.ack) seg.ack = *seg.ack + rig_.iss().value;
    return segment::BuildFrame(rig_.path(), seg);
  }

  std::vector<std::vector<uint8_t>> Representatives() const {
    const bool v4 = GetParam();
    std::vector<std::vector<uint8_t>> frames;
    frames.push_back(segment::ArpFrame(wire::kArpRequest));
    frames.push_back(segment::ArpFrame(wire::kArpReply));
    frames.push_back(segment::SolicitationFrame());
    frames.push_back(segment::AdvertisementFrame());
    frames.push_back(segment::EchoFrame(v4, 1));
    const auto data = Tcp(Data(1, 20).Acks(1).Ts(1001, 0));
    frames.push_back(segment::UnreachableFrame(v4, std::span(data).subspan(kLinkHeader)));
    frames.push_back(Tcp(Syn(0).Mss(1460).SackOk().Ts(1000, 0).Scale(7).From(41000)));
    frames.push_back(data);
    frames.push_back(Tcp(segment::Fin(21).Acks(1).Ts(1002, 0)));
    frames.push_back(Tcp(segment::Rst(50)));
    segment::Path tagged = rig_.path();
    tagged.vlan = 5;
    frames.push_back(segment::BuildFrame(tagged, Syn(7).Mss(1460).From(41001)));
    return frames;
  }

  // Feeds one frame; returns how many drops it was counted as, which is 0 or 1.
  uint64_t Feed(const std::vector<uint8_t>& octets, const std::string& what) {
    const uint64_t received = rig_.counter(Counter::kRxFrames);
    const uint64_t drops = Drops(rig_);
    rig_.InFrame(octets);
    rig_.Discard();
    EXPECT_GE(rig_.counter(Counter::kRxFrames) - received, 1u) << what;
    const uint64_t dropped = Drops(rig_) - drops;
    EXPECT_LE(dropped, 1u) << what;
    return dropped;
  }

  // Resets what the frames opened, lets every timer run out, and counts the buffers.
  void ExpectNothingLeft() {
    rig_.engine().AbortAll(CloseReason::kShutdown);
    rig_.Turn();
    rig_.Advance(Seconds(200));
    rig_.Discard();
    rig_.ExpectEmpty();
  }

  Rig rig_;
};

TEST_P(MalformedFrames, EveryTruncationIsDroppedUnderOneReason) {
  for (const auto& frame : Representatives()) {
    for (size_t size = 0; size < frame.size(); ++size) {
      const std::string what =
          wire::PrintFrame(frame) + " cut to " + std::to_string(size) + " octets";
      const std::vector<uint8_t> cut(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_EQ(Feed(cut, what), 1u) << what;
      if (HasFailure()) return;
    }
  }
  ExpectNothingLeft();
}

TEST_P(MalformedFrames, EveryCorruptedOctetIsDroppedUnderOneReasonOrAccepted) {
  for (const auto& frame : Representatives()) {
    wire::Frame parsed;
    wire::ParseFrame(frame, {}, parsed);
    for (size_t at = 0; at < frame.size(); ++at) {
      for (unsigned flip = 1; flip < 256; ++flip) {
        std::vector<uint8_t> bad = frame;
        bad[at] = static_cast<uint8_t>(bad[at] ^ flip);
        const std::string what = "octet " + std::to_string(at) + " xor " + std::to_string(flip);
        const uint64_t dropped = Feed(bad, what);
        // Everything from the transport header on is under its checksum (MUST-3).
        const bool covered = parsed.kind == wire::FrameKind::kTcp && at >= parsed.l4_offset;
        if (covered) {
          EXPECT_EQ(dropped, 1u) << what << " of " << wire::PrintFrame(frame);
        }
        if (HasFailure()) return;
      }
    }
  }
  ExpectNothingLeft();
}

// The same corruption with a right checksum gets past the wire layer and into TCP.
TEST_P(MalformedFrames, AnyTcpHeaderOctetWithARightChecksumIsSurvived) {
  for (const auto& frame : Representatives()) {
    wire::Frame parsed;
    wire::ParseFrame(frame, {}, parsed);
    if (parsed.kind != wire::FrameKind::kTcp) continue;
    for (size_t at = parsed.l4_offset; at < parsed.text_offset; ++at) {
      for (unsigned flip = 1; flip < 256; ++flip) {
        std::vector<uint8_t> bad = frame;
        bad[at] = static_cast<uint8_t>(bad[at] ^ flip);
        const auto tcp = std::span(bad).subspan(parsed.l4_offset);
        StoreBe16(&tcp[16], 0);
        StoreBe16(&tcp[16], wire::TransportChecksum(parsed.source, parsed.destination,
                                                    wire::kProtocolTcp, tcp));
        Feed(bad, "octet " + std::to_string(at) + " xor " + std::to_string(flip));
        if (HasFailure()) return;
      }
    }
  }
  ExpectNothingLeft();
}

TEST_P(MalformedFrames, RandomOctetsAreSurvived) {
  Prng prng(1);
  for (int i = 0; i < 20000; ++i) {
    auto frame = Representatives()[prng.Below(11)];
    const uint64_t changes = 1 + prng.Below(8);
    for (uint64_t n = 0; n < changes; ++n) {
      frame[prng.Below(frame.size())] = static_cast<uint8_t>(prng.Next());
    }
    if (prng.Chance(300)) frame.resize(prng.Below(frame.size()));
    if (prng.Chance(100)) frame.resize(frame.size() + prng.Below(64));
    Feed(frame, "random frame " + std::to_string(i));
    if (HasFailure()) return;
  }
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(, MalformedFrames, testing::Bool(), segment::FamilyName);

}  // namespace
}  // namespace weir
