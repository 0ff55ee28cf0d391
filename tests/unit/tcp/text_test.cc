// Pieces of text: ownership of the packet behind them, growing, sharing, queues.
#include "tcp/text.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "packet/pool_heap.h"

namespace weir::tcp {
namespace {

class Texts : public ::testing::Test {
 protected:
  Text* Make(const std::string& octets, uint32_t seq) {
    Packet packet = AllocatePacket(pool_);
    uint8_t* at = packet.Append(static_cast<uint16_t>(octets.size()));
    std::memcpy(at, octets.data(), octets.size());
    return MakeText(std::move(packet), at, Seq(seq), static_cast<uint32_t>(octets.size()));
  }
  static std::string Octets(const Text& text) {
    return {reinterpret_cast<const char*>(text.octets), text.size};
  }
  HeapPool pool_{64};
};

TEST_F(Texts, OwnTheirPacketUntilFreed) {
  Text* text = Make("hello", 0xfffffffe);
  EXPECT_EQ(PacketsInUse(pool_), 1u);
  EXPECT_EQ(text->end(), Seq(3));
  FreeText(text);
  EXPECT_EQ(PacketsInUse(pool_), 0u);
}

TEST_F(Texts, GrowInTheirOwnBuffer) {
  Text* text = Make("ab", 1);
  const std::string more = "cdef";
  EXPECT_EQ(AppendToText(*text, Bytes(reinterpret_cast<const uint8_t*>(more.data()), 4)), 4u);
  EXPECT_EQ(Octets(*text), "abcdef");
  text->TrimFront(2);
  EXPECT_EQ(Octets(*text), "cdef");
  EXPECT_EQ(text->seq, Seq(3));
  EXPECT_EQ(AppendToText(*text, Bytes(reinterpret_cast<const uint8_t*>(more.data()), 1)), 1u);
  EXPECT_EQ(Octets(*text), "cdefc");
  FreeText(text);
}

TEST_F(Texts, DoNotGrowPastTheBufferNorWhileADriverHoldsIt) {
  Text* text = Make("x", 1);
  const std::string much(4000, 'y');
  const uint32_t taken =
      AppendToText(*text, Bytes(reinterpret_cast<const uint8_t*>(much.data()), much.size()));
  EXPECT_EQ(taken, PacketRoom(pool_) - 1);
  FreeText(text);

  text = Make("x", 1);
  Packet sent = ShareText(*text);
  ASSERT_TRUE(sent);
  EXPECT_EQ(AppendToText(*text, Bytes(reinterpret_cast<const uint8_t*>(much.data()), 1)), 0u);
  EXPECT_FALSE(ShareText(*text));
  sent.Reset();
  EXPECT_TRUE(ShareText(*text));
  FreeText(text);
  EXPECT_EQ(PacketsInUse(pool_), 0u);
}

TEST_F(Texts, ShareExactlyWhatIsLeftOfThem) {
  Text* text = Make("abcdef", 10);
  text->TrimFront(2);
  Packet sent = ShareText(*text);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent.size(), 4u);
  EXPECT_EQ(std::memcmp(sent.data(), "cdef", 4), 0);
  // A header goes in front without touching the text.
  std::memset(sent.Prepend(20), 0xee, 20);
  EXPECT_EQ(Octets(*text), "cdef");
  FreeText(text);
  EXPECT_EQ(PacketsInUse(pool_), 1u);
  sent.Reset();
  EXPECT_EQ(PacketsInUse(pool_), 0u);
}

TEST_F(Texts, OwnedByTheApplicationAreReleasedOnce) {
  static const uint8_t kOctets[] = "static";
  int released = 0;
  Text* text = MakeText(AllocatePacket(pool_), kOctets, Seq(1), 6);
  text->owned = true;
  text->release = [](void* context) { ++*static_cast<int*>(context); };
  text->context = &released;
  EXPECT_FALSE(ShareText(*text));
  EXPECT_EQ(AppendToText(*text, Bytes(kOctets, 1)), 0u);
  EXPECT_EQ(released, 0);
  FreeText(text);
  EXPECT_EQ(released, 1);
  EXPECT_EQ(PacketsInUse(pool_), 0u);
}

TEST_F(Texts, QueueInOrderAndInBetween) {
  TextQueue queue;
  Text* a = Make("a", 1);
  Text* b = Make("b", 2);
  Text* c = Make("c", 3);
  queue.PushBack(a);
  queue.InsertAfter(a, c);
  EXPECT_EQ(queue.tail, c);
  queue.InsertAfter(a, b);
  EXPECT_EQ(queue.tail, c);
  Text* first = Make("0", 0);
  queue.InsertAfter(nullptr, first);
  EXPECT_EQ(queue.head, first);
  std::string all;
  while (!queue.empty()) {
    Text* text = queue.PopFront();
    all += Octets(*text);
    FreeText(text);
  }
  EXPECT_EQ(all, "0abc");
  EXPECT_EQ(queue.tail, nullptr);
  TextQueue empty;
  Text* only = Make("x", 5);
  empty.InsertAfter(nullptr, only);
  EXPECT_EQ(empty.tail, only);
  FreeText(empty.PopFront());
}

}  // namespace
}  // namespace weir::tcp
