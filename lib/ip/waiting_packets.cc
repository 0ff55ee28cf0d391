// WaitingPackets: one short queue per neighbour over a common set of slots.
#include "ip/waiting_packets.h"

#include <utility>

#include "base/check.h"

namespace weir::ip {

WaitingPackets::WaitingPackets(uint16_t capacity) : slots_(capacity) {
  WEIR_CHECK(capacity < kNone);
  for (uint16_t i = capacity; i-- > 0;) {
    slots_[i].next = free_;
    free_ = i;
  }
}

Packet WaitingPackets::Add(Neighbour& neighbour, Packet frame) {
  Packet pushed_out;
  // The latest are worth most: the oldest is what its sender has given up first.
  if (neighbour.waiting_count == kPerNeighbour || free_ == kNone) pushed_out = Take(neighbour);
  if (free_ == kNone) return frame;  // all slots are others', none of this neighbour's own
  const uint16_t slot = free_;
  free_ = slots_[slot].next;
  ++in_use_;
  slots_[slot].frame = std::move(frame);
  slots_[slot].next = kNone;
  if (neighbour.waiting_count++ == 0) {
    neighbour.waiting_head = slot;
  } else {
    uint16_t last = neighbour.waiting_head;  // at most kPerNeighbour steps
    while (slots_[last].next != kNone) last = slots_[last].next;
    slots_[last].next = slot;
  }
  return pushed_out;
}

Packet WaitingPackets::Take(Neighbour& neighbour) {
  if (neighbour.waiting_count == 0) return Packet();
  const uint16_t slot = neighbour.waiting_head;
  neighbour.waiting_head = slots_[slot].next;
  --neighbour.waiting_count;
  slots_[slot].next = free_;
  free_ = slot;
  --in_use_;
  return std::move(slots_[slot].frame);
}

}  // namespace weir::ip
