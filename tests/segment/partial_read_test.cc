// Pause with an argument: the application takes a part of what OnData gives it, the rest comes
// again.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "segment/rig.h"

namespace weir::segment {
namespace {

// Takes as much as it is allowed to and leaves the rest in the receive buffer.
class Reader : public Handler {
 public:
  size_t appetite = 0;
  std::string taken;
  std::vector<size_t> offered;
  bool peer_closed = false;
  std::vector<CloseReason> closed;
  std::function<void(Connection)> after;

  void OnData(Connection c, Bytes text) override {
    offered.push_back(text.size());
    const size_t n = std::min(appetite, text.size());
    appetite -= n;
    taken.append(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
    if (n < text.size()) c.Pause(text.size() - n);
    if (after) after(c);
  }
  void OnPeerClosed(Connection) override { peer_closed = true; }
  void OnClosed(Connection, CloseReason reason) override { closed.push_back(reason); }
};

class PartialRead : public TransferTest {
 protected:
  Options Base() {
    Options options = TransferTest::Base();
    options.handler = &reader_;
    options.listen.connection.receive_buffer = 8000;
    options.listen.connection.deliver_when_full = true;
    return options;
  }
  // Begins the one connection; the rig's own handler does not hear of it.
  void Open(Rig& rig) {
    rig.Establish();
    rig.engine().ForEach([&](const tcp::Tcb& tcb) {
      c_ = Connection(&rig.engine(), 1, tcb.generation);  // the first record but the scratch one
    });
    ASSERT_TRUE(c_.alive());
  }
  void Read(Rig& rig, size_t appetite) {
    reader_.appetite = appetite;
    c_.Resume();
    rig.Turn();
  }
  void ExpectTaken(uint32_t size) {
    const auto expected = Pattern(1, size);
    EXPECT_EQ(reader_.taken, std::string(expected.begin(), expected.end()));
  }

  Reader reader_;
  Connection c_;
};

TEST_P(PartialRead, WhatWasNotTakenComesAgainAfterResume) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 300;
  rig.In(Data(1, 1000).Acks(1));
  ExpectTaken(300);
  EXPECT_EQ(c_.Info().unread, 700u);
  Read(rig, 200);
  ExpectTaken(500);
  Read(rig, 1000);
  ExpectTaken(1000);
  EXPECT_EQ(c_.Info().unread, 0u);
  EXPECT_EQ(reader_.offered, (std::vector<size_t>{1000, 700, 500}));
  rig.Discard();
}

TEST_P(PartialRead, NothingNeedBeTakenAtAll) {
  Rig rig(Base());
  Open(rig);
  rig.InBurst({Data(1, 1000).Acks(1), Data(1001, 500).Acks(1)});
  ExpectTaken(0);
  EXPECT_EQ(reader_.offered, std::vector<size_t>{1000}) << "it has paused";
  EXPECT_EQ(c_.Info().unread, 1500u);
  Read(rig, 1500);
  ExpectTaken(1500);
  rig.Discard();
}

TEST_P(PartialRead, TextThatArrivesMeanwhileWaitsBehindTheRest) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 100;
  rig.In(Data(1, 150).Acks(1));
  rig.In(Data(151, 50).Acks(1));  // small enough to be copied behind what is there
  rig.In(Data(201, 1000).Acks(1));
  Read(rig, 60);
  Read(rig, 5000);
  ExpectTaken(1200);
  rig.Discard();
}

TEST_P(PartialRead, TheWindowCountsWhatWasLeft) {
  Rig rig(Base());
  Open(rig);
  for (uint32_t i = 0; i < 8; ++i) rig.In(Data(1 + 1000 * i, 1000).Acks(1));
  EXPECT_EQ(c_.Info().receive_window, 0u);
  rig.Discard();
  Read(rig, 7000);
  ExpectTaken(7000);
  EXPECT_EQ(c_.Info().receive_window, 7000u);
  rig.Out(Ack(1).Acks(8001));
}

TEST_P(PartialRead, TheEndOfTheStreamWaitsForTheRest) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 10;
  rig.In(Data(1, 100).Acks(1).Fin());
  EXPECT_FALSE(reader_.peer_closed);
  rig.Advance(Seconds(1));
  EXPECT_FALSE(reader_.peer_closed);
  Read(rig, 90);
  ExpectTaken(100);
  EXPECT_TRUE(reader_.peer_closed);
  rig.Discard();
}

TEST_P(PartialRead, CloseWithTextLeftIsAReset) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 10;
  reader_.after = [](Connection c) { c.Close(); };
  rig.In(Data(1, 100).Acks(1));
  rig.Out(RstAck(1).Acks(101));  // SHLD-3
  EXPECT_EQ(reader_.closed, std::vector<CloseReason>{CloseReason::kAborted});
  rig.ExpectEmpty();
}

TEST_P(PartialRead, ResumeInTheSameCallIsHeardInALaterTurn) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 10;
  reader_.after = [this](Connection c) {
    c.Resume();
    if (reader_.offered.size() == 3) reader_.appetite = 1000;
  };
  rig.In(Data(1, 100).Acks(1));
  rig.Advance(Milliseconds(10));
  ExpectTaken(100);
  EXPECT_EQ(reader_.offered, (std::vector<size_t>{100, 90, 90, 90}));
  rig.Discard();
}

TEST_P(PartialRead, MoreThanTheTextIsAllOfItAndASecondPauseLeavesNoMore) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 100;
  reader_.after = [](Connection c) {
    c.Pause(1000000);
    c.Pause(1000000);
  };
  rig.In(Data(1, 100).Acks(1));
  EXPECT_EQ(c_.Info().unread, 100u);
  reader_.after = nullptr;
  reader_.taken.clear();
  Read(rig, 100);
  ExpectTaken(100);
  rig.Discard();
}

TEST_P(PartialRead, OutsideOfOnDataItMeansNothing) {
  Rig rig(Base());
  Open(rig);
  reader_.appetite = 100;
  rig.In(Data(1, 100).Acks(1));
  c_.Pause(50);
  Read(rig, 100);
  ExpectTaken(100);
  EXPECT_EQ(c_.Info().unread, 0u);
  rig.Discard();
}

WEIR_BOTH_FAMILIES(PartialRead);

}  // namespace
}  // namespace weir::segment
