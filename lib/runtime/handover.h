// Handover: frames that arrived on one worker and belong to another.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/counters.h"
#include "packet/packet.h"
#include "port/packet_ring.h"
#include "runtime/flow_steering.h"

namespace weir::runtime {

// One worker's side: sorts its bursts, and takes what the others left for it. Nothing waits; what a
// full ring refuses is dropped and counted.
//
// Thread: its worker.
class Handover {
 public:
  // `rings` by worker, this worker's own included; they and `steering` outlive this. A burst has at
  // most `burst_max` frames.
  Handover(unsigned self, const FlowSteering& steering, std::vector<port::PacketRing*> rings,
           PacketPool& pool, Counters& counters, size_t burst_max);

  // Moves away the frames of other workers, closes the gaps, and returns how many stay in front.
  size_t Sort(std::span<Packet> frames, bool queue_is_owner);
  // What others handed over; the front of `out` is filled.
  size_t Take(std::span<Packet> out);
  bool empty() const { return rings_[self_]->empty(); }

 private:
  void CopyToOthers(const Packet& frame);
  void Flush(unsigned worker);

  unsigned self_;
  const FlowSteering& steering_;
  std::vector<port::PacketRing*> rings_;
  PacketPool& pool_;
  Counters& counters_;
  size_t burst_max_;
  std::vector<std::vector<Packet>> leaving_;  // by worker, empty between calls
};

}  // namespace weir::runtime
