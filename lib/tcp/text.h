// Text: octets of a stream in order - one piece in one packet buffer - and queues of such pieces.
#pragma once

#include <cstdint>

#include "base/seq.h"
#include "packet/packet.h"
#include "weir/connection.h"

namespace weir::tcp {

// One piece of text. It lives in the scratch area of the packet that carries it, so that queueing a
// packet needs no memory of its own. Owned text points into the application's memory instead; its
// packet is only the record.
struct Text {
  Text* next = nullptr;
  const uint8_t* octets = nullptr;
  Seq seq;
  uint32_t size = 0;
  ReleaseFunction release = nullptr;  // of owned text; may be null there too
  void* context = nullptr;
  bool owned = false;
  bool fin = false;  // a FIN follows the text (out-of-order queue only)

  Seq end() const { return seq + size; }
  Bytes bytes() const { return {octets, size}; }
  // Forgets the first n octets.
  void TrimFront(uint32_t n) {
    octets += n;
    seq += n;
    size -= n;
  }
  // Takes back n octets that were forgotten; nothing has been appended meanwhile.
  void UntrimFront(uint32_t n) {
    octets -= n;
    seq = seq - n;
    size += n;
  }
};
static_assert(sizeof(Text) <= sizeof(PacketScratch));

// Turns a packet into a piece of text that owns it. `octets` lie in the packet's buffer or, for
// owned text, in the application's memory.
Text* MakeText(Packet packet, const uint8_t* octets, Seq seq, uint32_t size);
// Gives the packet back to its pool; owned text is released to the application first.
void FreeText(Text* text);
// Appends as much of `more` as the buffer behind the piece has room for; returns how much. 0 when
// the text is owned or its packet is shared with a driver.
uint32_t AppendToText(Text& text, Bytes more);
// A packet that is exactly this piece of text, sharing its buffer, with writable room in front;
// empty when the text is owned or a driver still holds the buffer.
Packet ShareText(Text& text);

// A queue of pieces, lowest sequence number first.
struct TextQueue {
  Text* head = nullptr;
  Text* tail = nullptr;

  bool empty() const { return head == nullptr; }
  void PushBack(Text* text) {
    text->next = nullptr;
    if (tail == nullptr) {
      head = text;
    } else {
      tail->next = text;
    }
    tail = text;
  }
  Text* PopFront() {
    Text* first = head;
    head = first->next;
    if (head == nullptr) tail = nullptr;
    return first;
  }
  // Puts `text` behind `before`, or first when `before` is null.
  void InsertAfter(Text* before, Text* text);
};

}  // namespace weir::tcp
