// Received text on its way to the application: the queue that is in order and the one that is not.
// Both are bounded in octets by the window, in pieces by the configuration, and in pinned buffers
// by the shard's limit; small pieces are copied together so that they pin nothing of their own.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// A piece up to this size is copied into its predecessor's buffer when there is room.
constexpr uint32_t kCopyMax = 256;

}  // namespace

// The segment's packet becomes a piece of text, if the shard may keep another buffer. Text to send
// has its own share, and text behind gaps, which nobody may ever fill, half of what is left: it
// must not keep the shard from hearing anybody else (requirement S5).
Text* Engine::TakePacket(Arrival& a) {
  const uint32_t share = config_.text_buffers < config_.kept_buffers
                             ? config_.kept_buffers - config_.text_buffers
                             : config_.kept_buffers;
  const uint32_t limit = a.seq == a.c.rcv.nxt ? share : (share + 1) / 2;
  if (kept_buffers_ >= config_.kept_buffers || kept_buffers_ - text_buffers_ >= limit) {
    Drop(Counter::kDropTcpKeptBuffers);
    return nullptr;
  }
  ++kept_buffers_;
  return MakeText(std::move(*a.packet), a.text, a.seq, a.size);
}

void Engine::KeepInOrder(Tcb& c, Flight& f, Text* text) {
  c.rcv.nxt = text->end();
  counters_.Add(Counter::kTcpTextOctetsIn, text->size);
  f.unread_octets += text->size;
  c.owe(kEventData);
  if (text->size <= kCopyMax && !f.unread.empty()) {
    const uint32_t copied = AppendToText(*f.unread.tail, text->bytes());
    text->TrimFront(copied);
    if (text->size == 0) {
      Release(text);
      return;
    }
  }
  f.unread.PushBack(text);
}

// Keeps the queue sorted and free of overlaps: the new piece is cut by what stands before it, and
// swallows or is cut by what stands behind it.
void Engine::KeepOutOfOrder(Flight& f, Text* text) {
  Text* before = nullptr;
  if (!f.out_of_order.empty() && f.out_of_order.tail->seq <= text->seq) {
    before = f.out_of_order.tail;  // the common case: behind all others
  } else {
    for (Text* t = f.out_of_order.head; t != nullptr && t->seq <= text->seq; t = t->next)
      before = t;
  }
  if (before != nullptr && before->end() > text->seq) {
    const uint32_t cut = std::min(text->size, Distance(text->seq, before->end()));
    text->TrimFront(cut);
    if (text->seq < before->end()) text->fin = false;  // a FIN where text is known to go on
  }
  Text* after = before == nullptr ? f.out_of_order.head : before->next;
  while (after != nullptr && after->end() <= text->end() && text->size != 0) {
    Text* swallowed = after;
    after = after->next;
    (before == nullptr ? f.out_of_order.head : before->next) = after;
    if (after == nullptr) f.out_of_order.tail = before;
    // Nor does a FIN move to the end of text that goes on behind it.
    if (swallowed->fin && swallowed->end() == text->end()) text->fin = true;
    f.out_of_order_octets -= swallowed->size;
    --f.out_of_order_pieces;
    Release(swallowed);
  }
  if (after != nullptr && after->seq < text->end()) {
    text->size = after->seq > text->seq ? Distance(text->seq, after->seq) : 0;
    text->fin = false;
  }
  if (text->size == 0 && !text->fin) {
    Drop(Counter::kDropTcpDuplicate);
    Release(text);
    return;
  }
  f.out_of_order_octets += text->size;
  if (before != nullptr && before->end() == text->seq && !before->fin && text->size <= kCopyMax) {
    const uint32_t copied = AppendToText(*before, text->bytes());
    text->TrimFront(copied);
    if (text->size == 0) {
      before->fin = text->fin;
      Release(text);
      return;
    }
  }
  if (f.out_of_order_pieces >= config_.out_of_order_segments) {
    f.out_of_order_octets -= text->size;
    Drop(Counter::kDropTcpOutOfOrderFull);
    Release(text);
    return;
  }
  f.out_of_order.InsertAfter(before, text);
  ++f.out_of_order_pieces;
}

// Text before RCV.NXT has arrived: what was waiting for it goes on.
void Engine::JoinOutOfOrder(Tcb& c, Flight& f) {
  while (!f.out_of_order.empty() && f.out_of_order.head->seq <= c.rcv.nxt) {
    Text* text = f.out_of_order.PopFront();
    --f.out_of_order_pieces;
    f.out_of_order_octets -= text->size;
    const bool fin = text->fin && text->end() >= c.rcv.nxt;
    const uint32_t cut = std::min(text->size, Distance(text->seq, c.rcv.nxt));
    text->TrimFront(cut);
    if (text->size == 0) {
      Release(text);
    } else {
      KeepInOrder(c, f, text);
    }
    if (fin) {
      c.owe(kPeerFinHeld);
      return;
    }
  }
}

}  // namespace weir::tcp
