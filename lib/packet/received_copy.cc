// Copying a received packet with its offload flags.
#include "packet/received_copy.h"

#include <rte_mbuf_core.h>

namespace weir {

Packet CopyReceived(const Packet& frame, PacketPool& pool) {
  Packet copy = AllocatePacket(pool);
  const uint32_t size = frame.size();
  if (!copy || size > copy.tailroom()) return {};
  uint8_t* octets = copy.Append(static_cast<uint16_t>(size));
  if (octets == nullptr || frame.CopyOut(0, {octets, size}) != size) return {};
  rte_mbuf* to = copy.raw();
  const rte_mbuf* from = frame.raw();
  to->port = from->port;
  to->ol_flags = from->ol_flags & ~(RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);
  to->vlan_tci = from->vlan_tci;
  to->hash = from->hash;
  return copy;
}

}  // namespace weir
