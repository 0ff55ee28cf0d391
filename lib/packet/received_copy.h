// A second packet with the same octets and what the device said about them.
#pragma once

#include "packet/packet.h"

namespace weir {

// Unlike Packet::Share, the copy may be written. Empty when the pool is exhausted or the frame is
// larger than its buffers.
[[nodiscard]] Packet CopyReceived(const Packet& frame, PacketPool& pool);

}  // namespace weir
