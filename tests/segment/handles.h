// Handles: what the tests share that take weir/connection.h and weir/handler.h sentence by
// sentence.
#pragma once

#include <vector>

#include "segment/rig.h"

namespace weir::segment {

class Handles : public RigTest {
 protected:
  // Ends the connection by the peer's RST.
  static void ResetByPeer(Rig& rig) { rig.In(Rst(1)); }
};

// Octets of the application's stream for SendOwned, and how often they were released.
struct Owned {
  explicit Owned(uint32_t size, uint32_t first = 1) : text(Pattern(first, size)) {}
  bool Send(Connection c) {
    return c.SendOwned(
        text, [](void* context) { ++*static_cast<unsigned*>(context); }, &released);
  }

  std::vector<uint8_t> text;
  unsigned released = 0;
};

}  // namespace weir::segment
