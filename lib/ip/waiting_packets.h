// WaitingPackets: frames that wait for a neighbour's hardware address, bounded per neighbour and in
// total.
#pragma once

#include <cstdint>
#include <vector>

#include "ip/neighbour_table.h"
#include "packet/packet.h"

namespace weir::ip {

// RFC 1122 2.3.2.2: keep the latest packets for each unresolved address. The frames are complete
// but for the destination's hardware address. SYN-ACKs do without neighbours, so that the first
// that one is asked for may be a whole initial window (ten segments, RFC 6928): all of it must find
// room, or what was pushed out would be lost to a retransmission timeout.
class WaitingPackets {
 public:
  static constexpr uint8_t kPerNeighbour = 16;

  explicit WaitingPackets(uint16_t capacity);

  // Adds a frame behind the neighbour's others. Returns what had to go for it: the neighbour's
  // oldest frame, or this one, or nothing (an empty handle).
  [[nodiscard]] Packet Add(Neighbour& neighbour, Packet frame);
  // Takes the neighbour's oldest frame; an empty handle when there is none.
  [[nodiscard]] Packet Take(Neighbour& neighbour);

  uint32_t in_use() const { return in_use_; }

 private:
  static constexpr uint16_t kNone = 0xffff;
  struct Slot {
    Packet frame;
    uint16_t next = kNone;
  };
  std::vector<Slot> slots_;
  uint16_t free_ = kNone;
  uint32_t in_use_ = 0;
};

}  // namespace weir::ip
