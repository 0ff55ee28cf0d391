// Every pool runs dry at every moment: the stack loses a segment or refuses a connection, never
// memory, and goes on when there is room again.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir {
namespace {

using segment::Ack;
using segment::Data;
using segment::Fin;
using segment::Rig;
using segment::Rst;
using segment::Seg;
using segment::Syn;
using segment::SynAck;

constexpr uint32_t kText = 600;  // octets each way

// A peer that does what TCPs do when something is lost: it says again what was not answered.
class Client {
 public:
  explicit Client(Rig& rig) : rig_(rig) {}

  // Opens, sends kText octets, reads as many back, closes. False when that takes too long.
  bool Converse() {
    for (int round = 0; round < 60; ++round) {
      if (Done()) return true;
      Speak();
      Listen();
      rig_.Advance(Milliseconds(500));
      Listen();
    }
    return Done();
  }
  uint32_t echoed() const { return echoed_; }

 private:
  bool Done() const { return peer_fin_ && acked_ == kText + 2; }

  void Speak() {
    if (!open_) return rig_.In(Syn(0).Mss(1460));
    if (acked_ < kText + 1) return rig_.In(Data(acked_, kText + 1 - acked_).Acks(next_));
    if (echoed_ < kText) return rig_.In(Ack(acked_).Acks(next_));
    rig_.In(Fin(kText + 1).Acks(next_));
  }

  void Listen() {
    bool news = false;
    while (rig_.pending() != 0) {
      const Seg seg = rig_.Any();
      if (seg.rst()) continue;
      if (seg.ack && *seg.ack <= kText + 2) acked_ = std::max(acked_, *seg.ack);
      if (seg.syn()) {
        open_ = true;
        next_ = 1;
        news = true;
        continue;
      }
      const auto size = static_cast<uint32_t>(seg.text.size());
      if (seg.length() != 0) news = true;
      if (seg.seq != next_) continue;
      next_ += seg.length();
      echoed_ += size;
      peer_fin_ = peer_fin_ || seg.fin();
    }
    if (!news) return;
    rig_.In(Ack(std::max(acked_, 1u)).Acks(next_));
    Listen();
  }

  Rig& rig_;
  bool open_ = false;
  bool peer_fin_ = false;
  uint32_t acked_ = 0;  // our sequence space that the stack has acknowledged
  uint32_t next_ = 0;   // what we expect from it
  uint32_t echoed_ = 0;
};

class Exhaustion : public segment::RigTest {
 protected:
  // An echo that keeps what Send does not take, and closes when all is out.
  void Echo(Rig& rig) {
    owed_.clear();
    const auto pump = [this, &rig](Connection c) {
      owed_.erase(0, c.Send({reinterpret_cast<const uint8_t*>(owed_.data()), owed_.size()}));
      if (owed_.empty() && rig.handler().peer_closed != 0) c.Close();
    };
    rig.handler().on_data = [this, pump](Connection c, Bytes text) {
      owed_.append(text.begin(), text.end());
      pump(c);
    };
    rig.handler().on_writable = pump;
    rig.handler().on_peer_closed = pump;
  }

  std::string owed_;
};

TEST_P(Exhaustion, OfAnySinglePacketAllocationCostsASegmentAtMost) {
  uint64_t needed = 0;
  {
    Rig rig(Base());
    Echo(rig);
    const uint64_t before = rig.pool().allocations();
    ASSERT_TRUE(Client(rig).Converse());
    needed = rig.pool().allocations() - before;
    rig.Advance(Seconds(61));
  }
  ASSERT_GE(needed, 3u);
  for (uint64_t nth = 1; nth <= needed + 4; ++nth) {
    SCOPED_TRACE("allocation number " + std::to_string(nth));
    Rig rig(Base());
    Echo(rig);
    rig.pool().FailAllocation(nth);
    Client client(rig);
    EXPECT_TRUE(client.Converse());
    EXPECT_EQ(client.echoed(), kText);
    rig.pool().FailAllocation(0);
    rig.Advance(Seconds(61));
    rig.Discard();
    rig.ExpectEmpty();
    if (HasFailure()) return;
  }
}

TEST_P(Exhaustion, OfAllPacketsIsRecoveredFromWhenTheyAreBack) {
  for (int dry_from = 0; dry_from < 3; ++dry_from) {
    SCOPED_TRACE("dry from phase " + std::to_string(dry_from));
    Rig rig(Base());
    Echo(rig);
    if (dry_from > 0) rig.Establish();
    rig.pool().set_exhausted(true);
    if (dry_from == 0) {
      rig.In(Syn(0).Mss(1460));
    } else {
      rig.In(Data(1, 100).Acks(1));
    }
    if (dry_from == 2) rig.In(Fin(101).Acks(1));
    rig.Advance(Seconds(3));
    rig.Discard();
    rig.pool().set_exhausted(false);
    if (dry_from == 0) {
      EXPECT_TRUE(Client(rig).Converse());
      rig.Advance(Seconds(61));
    } else {
      rig.In(Rst(dry_from == 2 ? 102 : 101));
      rig.Turn();
      if (rig.engine().usage().connections != 0) {
        // The text itself could not be kept: the connection still expects octet 1.
        rig.In(Rst(1));
      }
    }
    rig.Discard();
    rig.ExpectEmpty();
    if (HasFailure()) return;
  }
}

TEST_P(Exhaustion, OfControlBlocksRefusesTheNewConnectionAndKeepsTheOld) {
  segment::Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.max_connections = 4;
  Rig rig(options);
  Echo(rig);
  for (uint16_t port = 41000; port < 41004; ++port) {
    rig.NewConnection(port);
    rig.Establish();
  }
  rig.NewConnection(41004);
  rig.In(Syn(0));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTcb), 1u);
  EXPECT_EQ(rig.engine().usage().connections, 4u);
  for (uint16_t port = 41000; port < 41004; ++port) {
    rig.NewConnection(port);
    rig.In(Rst(1));
  }
  rig.ExpectEmpty();
  rig.NewConnection(41004);
  rig.Establish();
  rig.In(Rst(1));
}

TEST_P(Exhaustion, OfFlightsRefusesTextAndLosesNoneThatWasAcknowledged) {
  segment::Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.max_flights = 1;
  Rig rig(options);
  rig.NewConnection(41000);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  const Seq first_iss = rig.iss();
  rig.NewConnection(41001);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 0u);
  rig.In(Data(1, 10).Acks(1));  // must not be acknowledged if it cannot be kept
  rig.Advance(Milliseconds(100));
  uint32_t acknowledged = 1;
  while (rig.pending() != 0) {
    const Seg seg = rig.Any();
    if (seg.destination_port == 41001 && seg.ack) acknowledged = *seg.ack;
  }
  EXPECT_EQ(rig.handler().received.size(), acknowledged - 1);
  // The first connection's text is acknowledged: its record is free for the second.
  rig.In(Ack((rig.irs() + 1).value).Acks((first_iss + 11).value).From(41000).Absolute());
  rig.Discard();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Discard();
  rig.In(Rst(acknowledged));
  rig.In(Rst((rig.irs() + 1).value).From(41000).Absolute());
  rig.Discard();
  rig.ExpectEmpty();
}

TEST_P(Exhaustion, OfTheBacklogRefusesSynsAndKeepsListening) {
  segment::Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.syn_backlog = 2;
  Rig rig(options);
  for (uint16_t port = 41000; port < 41005; ++port) {
    rig.NewConnection(port);
    rig.In(Syn(0));
  }
  EXPECT_EQ(rig.pending(), 2u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), 3u);
  rig.Discard();
  rig.Advance(Seconds(70));
  rig.Discard();
  rig.ExpectEmpty();
  rig.NewConnection(41005);
  rig.Establish();
  rig.In(Rst(1));
}

WEIR_BOTH_FAMILIES(Exhaustion);

}  // namespace
}  // namespace weir
