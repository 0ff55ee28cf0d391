// PacketRing over rte_ring; a Packet is one pointer, so its arrays are arrays of objects to the
// ring.
#include "port/packet_ring.h"

#include <rte_errno.h>
#include <rte_ring.h>

#include <cstring>

namespace weir::port {

absl::StatusOr<std::unique_ptr<PacketRing>> PacketRing::Create(const std::string& name,
                                                               uint32_t capacity) {
  rte_ring* ring = rte_ring_create(name.c_str(), capacity, SOCKET_ID_ANY, RING_F_SC_DEQ);
  if (ring == nullptr) {
    return absl::ResourceExhaustedError("ring \"" + name + "\" of " + std::to_string(capacity) +
                                        " places: " + rte_strerror(rte_errno));
  }
  return std::unique_ptr<PacketRing>(new PacketRing(ring));
}

PacketRing::~PacketRing() {
  Packet rest[32];
  while (Pop(rest) > 0) {
    for (Packet& packet : rest) packet.Reset();
  }
  rte_ring_free(ring_);
}

size_t PacketRing::Push(std::span<Packet> packets) {
  void** objects = reinterpret_cast<void**>(packets.data());
  const unsigned taken =
      rte_ring_mp_enqueue_burst(ring_, objects, static_cast<unsigned>(packets.size()), nullptr);
  std::memset(objects, 0, taken * sizeof(void*));  // the ring owns them now
  return taken;
}

size_t PacketRing::Pop(std::span<Packet> out) {
  return rte_ring_sc_dequeue_burst(ring_, reinterpret_cast<void**>(out.data()),
                                   static_cast<unsigned>(out.size()), nullptr);
}

bool PacketRing::empty() const { return rte_ring_empty(ring_) != 0; }

}  // namespace weir::port
