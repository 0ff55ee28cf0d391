// Passive open: the three-way handshake and what its options agree on.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Handshakes : public RigTest {};

TEST_P(Handshakes, SynIsAnsweredAndTheThirdSegmentOpens) {
  Rig rig(Base());
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.In(Ack(1).Acks(1));
  rig.Quiet();
  rig.ExpectState(TcpState::kEstablished);
  rig.Advance(Milliseconds(200));
  rig.Quiet();
}

WEIR_BOTH_FAMILIES(Handshakes);

}  // namespace
}  // namespace weir::segment
