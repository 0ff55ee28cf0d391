// Pieces of text and the packets behind them.
#include "tcp/text.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace weir::tcp {
namespace {

PacketScratch& ScratchOf(Text& text) { return reinterpret_cast<PacketScratch&>(text); }

// Lends the packet behind a piece of text without taking it.
class LentPacket {
 public:
  explicit LentPacket(Text& text) : packet_(Packet::FromScratch(ScratchOf(text))) {}
  LentPacket(const LentPacket&) = delete;
  LentPacket& operator=(const LentPacket&) = delete;
  ~LentPacket() { (void)packet_.Release(); }
  Packet* operator->() { return &packet_; }

 private:
  Packet packet_;
};

}  // namespace

Text* MakeText(Packet packet, const uint8_t* octets, Seq seq, uint32_t size) {
  Text* text = new (&packet.scratch()) Text;
  text->octets = octets;
  text->seq = seq;
  text->size = size;
  (void)packet.Release();  // the piece owns it now
  return text;
}

void FreeText(Text* text) {
  if (text->owned && text->release != nullptr) text->release(text->context);
  Packet::FromScratch(ScratchOf(*text)).Reset();
}

uint32_t AppendToText(Text& text, Bytes more) {
  if (text.owned) return 0;
  LentPacket packet(text);
  if (!packet->unique() || !packet->contiguous()) return 0;
  // What lies behind it - padding, or text that was cut off - is nobody's any more.
  const auto offset = static_cast<uint16_t>(text.octets - packet->data() + packet->headroom());
  packet->SetData(offset, static_cast<uint16_t>(text.size));
  const uint32_t n = std::min<uint32_t>(static_cast<uint32_t>(more.size()), packet->tailroom());
  if (n == 0) return 0;
  std::memcpy(packet->Append(static_cast<uint16_t>(n)), more.data(), n);
  text.size += n;
  return n;
}

Packet ShareText(Text& text) {
  if (text.owned) return {};
  LentPacket packet(text);
  if (!packet->unique() || !packet->contiguous()) return {};
  const auto offset = static_cast<uint16_t>(text.octets - packet->data() + packet->headroom());
  packet->ClearOffloads();
  packet->SetData(offset, static_cast<uint16_t>(text.size));
  return packet->Share();
}

void TextQueue::InsertAfter(Text* before, Text* text) {
  if (before == nullptr) {
    text->next = head;
    head = text;
  } else {
    text->next = before->next;
    before->next = text;
  }
  if (tail == before) tail = text;
}

}  // namespace weir::tcp
