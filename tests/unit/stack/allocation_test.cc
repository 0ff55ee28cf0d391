// Nothing allocates after start-up: operator new is counted while the stack runs its turns.
#include <gtest/gtest.h>

#include "counted_new.h"
#include "segment/rig.h"

namespace weir {
namespace {

using test::allocations;
using test::counting;

using segment::Ack;
using segment::Data;
using segment::Fin;
using segment::Rig;
using segment::Rst;
using segment::Syn;
using segment::SynAck;

class EchoHandler : public Handler {
 public:
  unsigned opened = 0, closed = 0;

 private:
  void OnOpen(Connection) override { ++opened; }
  void OnData(Connection c, Bytes text) override { (void)c.Send(text); }
  void OnClosed(Connection, CloseReason) override { ++closed; }
};

class TurnAllocatesNothing : public testing::TestWithParam<bool> {
 protected:
  segment::Options Counted() {
    segment::Options options;
    options.v4 = GetParam();
    options.handler = &echo_;
    options.around_turn = [](bool begins) { counting = begins; };
    allocations = 0;
    return options;
  }

  // `rounds` exchanges on one connection, then the peer closes.
  static void EchoAndClose(Rig& rig, uint16_t port, uint32_t rounds) {
    rig.NewConnection(port);
    rig.Establish();
    for (uint32_t i = 0; i < rounds; ++i) {
      const uint32_t at = 1 + 100 * i;
      rig.In(Data(at, 100).Acks(at));
      rig.Out(Data(at, 100).Acks(at + 100));
    }
    const uint32_t end = 1 + 100 * rounds;
    rig.In(Fin(end).Acks(end));
    rig.Out(Fin(end).Acks(end + 1));
    rig.In(Ack(end + 1).Acks(end + 1));
    rig.Quiet();
  }

  EchoHandler echo_;
};

TEST_P(TurnAllocatesNothing, ThroughOpenEchoAndClose) {
  Rig rig(Counted());
  EchoAndClose(rig, 40001, 3);  // warm-up
  allocations = 0;
  for (uint16_t port = 40002; port < 40010; ++port) EchoAndClose(rig, port, 20);
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(echo_.opened, 9u);
  EXPECT_EQ(echo_.closed, 9u);
  rig.ExpectEmpty();
}

TEST_P(TurnAllocatesNothing, FromTheFirstSegmentOn) {
  Rig rig(Counted());
  allocations = 0;
  EchoAndClose(rig, 40001, 3);
  EXPECT_EQ(allocations, 0u);
}

TEST_P(TurnAllocatesNothing, ThroughLossReorderingTimersAndResets) {
  Rig rig(Counted());
  allocations = 0;
  rig.Establish();
  rig.In(Data(101, 100).Acks(1));  // out of order
  rig.In(Data(301, 100).Acks(1));
  rig.In(Data(1, 100).Acks(1));
  rig.Discard();
  rig.Advance(Seconds(20));  // retransmission timeouts of the echo
  rig.Discard();
  rig.In(Data(201, 100).Acks(201));
  rig.In(Data(301, 100).Acks(1));  // a duplicate
  rig.Advance(Seconds(1));
  rig.Discard();
  rig.In(Rst(401));
  rig.In(Syn(0).To(uint16_t{81}));  // a closed port
  rig.Discard();
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(echo_.closed, 1u);
  rig.ExpectEmpty();
}

// The test of the test: an allocating handler is noticed.
TEST(AllocationCounter, SeesAHandlerThatAllocates) {
  segment::Options options;
  options.around_turn = [](bool begins) { counting = begins; };
  Rig rig(options);
  allocations = 0;
  rig.handler().on_data = [](Connection, Bytes) { delete new int(1); };
  rig.Establish();
  rig.In(Data(1, 10).Acks(1));
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
  EXPECT_GT(allocations, 0u);
}

INSTANTIATE_TEST_SUITE_P(, TurnAllocatesNothing, testing::Bool(), segment::FamilyName);

}  // namespace
}  // namespace weir
