// Flood: the frames of several modes in turn, and the hosts that take part in handshakes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.h"
#include "flood/modes.h"
#include "flood/packet_maker.h"
#include "flood/peers.h"
#include "flood/scene.h"
#include "flood/segment_maker.h"

namespace weir::flood {

class Flood {
 public:
  // Modes that exist for the target's family. `peers` hosts in all for modes that need some.
  Flood(const std::vector<Mode>& modes, Scene scene, uint32_t peers, uint64_t seed);

  // Writes the next frame, at most kFrameMax octets, and returns its size; 0 when the mode whose
  // turn it is waits for the target.
  uint16_t Make(uint8_t* out, Time now);
  // As Peers::Receive.
  std::optional<uint16_t> Receive(uint32_t host, const wire::Frame& frame, uint8_t* out, Time now);
  // Whether this is a host that exists: it answers ARP requests.
  bool HasHost(const IpAddress& address) const;

  const Sources& sources() const { return scene_->sources; }
  uint64_t handshakes() const;
  uint64_t replays_taken() const;

 private:
  std::unique_ptr<Scene> scene_;  // the makers refer to it
  std::vector<std::variant<SegmentMaker, PacketMaker, Peers>> makers_;
  uint32_t hosts_ = 0;
  uint32_t next_ = 0;
};

}  // namespace weir::flood
