// Sorting a burst by owner.
#include "runtime/handover.h"

#include <utility>

#include "packet/received_copy.h"

namespace weir::runtime {

Handover::Handover(unsigned self, const FlowSteering& steering,
                   std::vector<port::PacketRing*> rings, PacketPool& pool, Counters& counters,
                   size_t burst_max)
    : self_(self),
      steering_(steering),
      rings_(std::move(rings)),
      pool_(pool),
      counters_(counters),
      burst_max_(burst_max),
      leaving_(rings_.size()) {
  for (std::vector<Packet>& list : leaving_) list.reserve(burst_max);
}

size_t Handover::Sort(std::span<Packet> frames, bool queue_is_owner) {
  size_t kept = 0;
  for (Packet& frame : frames) {
    const Destination destination = steering_.Decide(frame.first(), queue_is_owner);
    if (destination.kind == Destination::Kind::kWorker && destination.worker != self_) {
      leaving_[destination.worker].push_back(std::move(frame));
      continue;
    }
    if (destination.kind == Destination::Kind::kEveryone) CopyToOthers(frame);
    if (&frames[kept] != &frame) frames[kept] = std::move(frame);
    ++kept;
  }
  for (unsigned worker = 0; worker < leaving_.size(); ++worker) Flush(worker);
  return kept;
}

size_t Handover::Take(std::span<Packet> out) {
  const size_t count = rings_[self_]->Pop(out);
  if (count > 0) counters_.Add(Counter::kHandoverFramesIn, count);
  return count;
}

// Others may change their copy or keep it, so it is one of its own.
void Handover::CopyToOthers(const Packet& frame) {
  for (unsigned worker = 0; worker < rings_.size(); ++worker) {
    if (worker == self_ || leaving_[worker].size() >= burst_max_) continue;
    Packet copy = CopyReceived(frame, pool_);
    if (!copy) {
      counters_.Add(Counter::kHandoverNoBuffer);
      continue;
    }
    leaving_[worker].push_back(std::move(copy));
    counters_.Add(Counter::kHandoverCopies);
  }
}

void Handover::Flush(unsigned worker) {
  std::vector<Packet>& list = leaving_[worker];
  if (list.empty()) return;
  const size_t taken = rings_[worker]->Push(list);
  counters_.Add(Counter::kHandoverFramesOut, taken);
  counters_.Add(Counter::kDropHandoverFull, list.size() - taken);
  list.clear();  // frees what was refused
}

}  // namespace weir::runtime
