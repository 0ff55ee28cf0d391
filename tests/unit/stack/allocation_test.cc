// Nothing allocates after start-up: operator new is counted while the stack runs its turns.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "segment/rig.h"

namespace {

bool counting = false;
uint64_t allocations = 0;

// Not inlined: g++ 12 would see malloc behind vector<bool> and warn of reading what was not
// written.
[[gnu::noinline]] void* CountedAllocation(std::size_t size) {
  if (counting) ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void* CountedAllocation(std::size_t size, std::align_val_t alignment) {
  if (counting) ++allocations;
  const auto align = static_cast<std::size_t>(alignment);
  void* memory = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return CountedAllocation(size); }
void* operator new[](std::size_t size) { return CountedAllocation(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return CountedAllocation(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return CountedAllocation(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return CountedAllocation(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return CountedAllocation(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace weir {
namespace {

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
