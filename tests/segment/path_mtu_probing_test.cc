// Segment sizes found by trying: RFC 4821, RFC 8899, where no message comes.
#include <gtest/gtest.h>

#include <map>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kBase = 1024;

// The peer behind a path that takes so many octets of text in a segment and says nothing about the
// rest. It keeps what comes out of order, and acknowledges every segment.
class NarrowPath {
 public:
  NarrowPath(Rig& rig, uint32_t limit) : rig_(rig), limit_(limit) {}

  // Takes what has been sent, and answers 10 ms later.
  void Deliver() {
    std::vector<Seg> acks;
    while (rig_.pending() != 0) {
      const Seg seg = rig_.Any();
      const auto size = static_cast<uint32_t>(seg.text.size());
      largest_ = std::max(largest_, size);
      if (size > limit_) {
        ++lost_;
        continue;
      }
      if (size == 0) continue;
      EXPECT_EQ(seg.text, Pattern(seg.seq, size));
      ends_[seg.seq] = std::max(ends_[seg.seq], seg.seq + size);
      for (auto it = ends_.begin(); it != ends_.end() && it->first <= next_; it = ends_.erase(it)) {
        next_ = std::max(next_, it->second);
      }
      acks.push_back(Ack(1).Acks(next_));
    }
    rig_.Advance(Milliseconds(10));
    for (const Seg& ack : acks) rig_.In(ack);
  }
  // The application sends so much.
  uint32_t Begin(uint32_t size) {
    const auto taken = static_cast<uint32_t>(rig_.Send(size));
    given_ += taken;
    return taken;
  }
  // The same, and all of it arrives in the end.
  void Transfer(uint32_t size) {
    const uint32_t end = 1 + given_ + size;
    for (int i = 0; i < 5000 && next_ != end; ++i) {
      if (size != 0) size -= Begin(size);
      Deliver();
    }
    EXPECT_EQ(next_, end) << "did not arrive";
  }
  void set_limit(uint32_t limit) { limit_ = limit; }
  uint32_t largest() const { return largest_; }
  uint32_t lost() const { return lost_; }
  // For a connection that begins anew.
  void Restart() {
    next_ = 1;
    given_ = largest_ = 0;
    ends_.clear();
  }

 private:
  Rig& rig_;
  uint32_t limit_;
  uint32_t next_ = 1, given_ = 0, largest_ = 0, lost_ = 0;
  std::map<uint32_t, uint32_t> ends_;
};

class MtuProbing : public TransferTest {
 protected:
  Options With(tcp::MtuProbing probing) const {
    Options options = Base();
    options.tcp.mtu_probing = probing;
    options.tcp.send_buffer = 1 << 20;
    return options;
  }
  static uint32_t Mss(Rig& rig) { return rig.c().Info().mss; }
};

TEST_P(MtuProbing, IsOffUnlessAskedFor) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(4 * kMss), 4 * kMss);
  rig.Discard();
  int64_t ms = 200;
  for (int i = 0; i < 8; ++i, ms *= 2) rig.OutAfter(Milliseconds(ms), Data(1, kMss));
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuBlackHoles), 0u);
}

// RFC 4821 7.7: at R1, the base size of 1024.
TEST_P(MtuProbing, FallsToTheBaseWhenFullSegmentsVanish) {
  Rig rig(With(tcp::MtuProbing::kBlackHole));
  rig.Establish();
  EXPECT_EQ(rig.Send(4 * kMss), 4 * kMss);
  rig.Discard();
  rig.OutAfter(Milliseconds(200), Data(1, kMss));
  rig.OutAfter(Milliseconds(400), Data(1, kMss));
  rig.OutAfter(Milliseconds(800), Data(1, kBase));
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuBlackHoles), 1u);
  rig.OutAfter(Milliseconds(1600), Data(1, kBase));  // no smaller than that
}

TEST_P(MtuProbing, DoesNotSuspectThePathOfSmallSegments) {
  Rig rig(With(tcp::MtuProbing::kBlackHole));
  rig.Establish();
  EXPECT_EQ(rig.Send(kBase), kBase);
  rig.Discard();
  int64_t ms = 200;
  for (int i = 0; i < 5; ++i, ms *= 2) rig.OutAfter(Milliseconds(ms), Data(1, kBase));
  EXPECT_EQ(Mss(rig), kMss);
}

// The search ends less than 8 octets below what the path takes, and the next connection begins
// there.
TEST_P(MtuProbing, FindsWhatABlackHoleLetsThrough) {
  for (const uint32_t limit : {1030u, 1100u, 1250u, 1400u, 1455u}) {
    SCOPED_TRACE(limit);
    Rig rig(With(tcp::MtuProbing::kBlackHole));
    NarrowPath path(rig, limit);
    rig.Establish();
    path.Transfer(400000);
    EXPECT_LE(Mss(rig), limit);
    EXPECT_GT(Mss(rig) + 8, limit);
    EXPECT_EQ(rig.counter(Counter::kTcpPathMtuBlackHoles), 1u);
    const uint32_t found = Mss(rig), lost = path.lost();
    rig.NewConnection(kPeerPort + 1);
    path.Restart();
    rig.Establish();
    EXPECT_EQ(Mss(rig), found);
    path.Transfer(100000);
    EXPECT_EQ(path.lost(), lost);
  }
}

// A path that was down, and is as wide as ever, is tried with full segments first.
TEST_P(MtuProbing, ReturnsToFullSegmentsAtTheFirstProbe) {
  Rig rig(With(tcp::MtuProbing::kBlackHole));
  NarrowPath path(rig, 0);
  rig.Establish();
  path.Begin(4 * kMss);
  path.Deliver();
  rig.OutAfter(Milliseconds(190), Data(1, kMss));
  rig.OutAfter(Milliseconds(400), Data(1, kMss));
  path.set_limit(kMss);
  path.Transfer(100000);
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuBlackHoles), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuProbes), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuRaised), 1u);
}

// RFC 4821 7.6.2: the loss of a probe is no sign of congestion, and costs no timeout.
TEST_P(MtuProbing, LossIsNoSignOfCongestion) {
  Rig rig(With(tcp::MtuProbing::kOn));
  NarrowPath path(rig, kBase);
  rig.Establish();
  EXPECT_EQ(rig.Send(40 * kBase), 40 * kBase);
  EXPECT_EQ(rig.Any().text.size(), kMss);  // the probe
  uint32_t from = 1 + kMss;
  while (rig.pending() != 0) {
    rig.Out(Data(from, kBase));
    from += kBase;
  }
  const ConnectionInfo before = rig.c().Info();
  for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kTcpFastRetransmits), 1u);
  rig.Discard();
  EXPECT_GE(rig.c().Info().congestion_window, before.congestion_window);
  EXPECT_GE(rig.c().Info().slow_start_threshold, before.congestion_window);
  EXPECT_EQ(rig.counter(Counter::kTcpTimeouts), 0u);
}

TEST_P(MtuProbing, AlwaysBeginsSmallAndGrowsWithTheFirstProbe) {
  Rig rig(With(tcp::MtuProbing::kOn));
  NarrowPath path(rig, kMss);
  rig.Establish();
  EXPECT_EQ(Mss(rig), kBase);
  EXPECT_EQ(rig.c().Info().congestion_window, 10 * kBase);
  path.Transfer(100000);
  EXPECT_EQ(Mss(rig), kMss);
  EXPECT_EQ(path.lost(), 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuProbes), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuRaised), 1u);
  // What was found is remembered: the next connection begins with it.
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  EXPECT_EQ(Mss(rig), kMss);
}

TEST_P(MtuProbing, AlwaysFindsWhatThePathTakes) {
  Rig rig(With(tcp::MtuProbing::kOn));
  NarrowPath path(rig, 1234);
  rig.Establish();
  path.Transfer(400000);
  EXPECT_LE(Mss(rig), 1234u);
  EXPECT_GT(Mss(rig), 1234u - 8);
  EXPECT_EQ(rig.counter(Counter::kTcpTimeouts), 0u);
}

// RFC 8899 5.1.1: PMTU_RAISE_TIMER, 600 s.
TEST_P(MtuProbing, TriesAgainAfterTenMinutes) {
  Rig rig(With(tcp::MtuProbing::kOn));
  NarrowPath path(rig, 1234);
  rig.Establish();
  path.Transfer(400000);
  const uint32_t found = Mss(rig);
  const uint64_t probes = rig.counter(Counter::kTcpPathMtuProbes);
  path.set_limit(kMss);
  rig.Advance(Seconds(590));
  path.Transfer(100000);
  EXPECT_EQ(Mss(rig), found);
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuProbes), probes);
  rig.Advance(Seconds(15));
  path.Transfer(100000);
  EXPECT_EQ(Mss(rig), kMss);
}

TEST_P(MtuProbing, GoesNoFurtherThanThePeerAskedFor) {
  Rig rig(With(tcp::MtuProbing::kOn));
  NarrowPath path(rig, kMss);
  rig.Establish({.mss = 1200});
  path.Transfer(100000);
  EXPECT_EQ(path.largest(), 1200u);
  rig.NewConnection(kPeerPort + 1);  // and says nothing about the path
  rig.Establish();
  EXPECT_EQ(Mss(rig), kBase);
}

TEST_P(MtuProbing, NeedsTextBehindAProbe) {
  Rig rig(With(tcp::MtuProbing::kOn));
  rig.Establish();
  EXPECT_EQ(rig.Send(4 * kBase), 4 * kBase);
  for (uint32_t i = 0; i < 4; ++i) rig.Out(Data(1 + i * kBase, kBase));
  EXPECT_EQ(rig.counter(Counter::kTcpPathMtuProbes), 0u);
}

WEIR_BOTH_FAMILIES(MtuProbing);

}  // namespace
}  // namespace weir::segment
