// What must be true of a host's memory after every turn, and at the end; of its connections,
// EngineChecker knows.
#include "sim/host.h"

namespace weir::sim {
// Packets owned = packets allocated: those that connections keep, those that wait for a neighbour,
// and those that are on their way out.
void Host::CheckPackets(std::span<const Packet> refused) {
  // Text that is still queued is one with its connection's, in the device's hands too.
  size_t owned = engine().usage().kept_buffers;
  for (const Packet& packet : refused) owned += packet && packet.unique() ? 1 : 0;
  for (const Held& held : held_) owned += held.packet.unique() ? 1 : 0;
  const size_t waiting = stack_->ip().neighbours().waiting();  // of these, too, some are both
  const size_t allocated = pool_.in_use() + device_pool_.in_use();
  if (allocated < owned || allocated > owned + waiting) {
    Fail(std::to_string(allocated) + " packets are allocated, " + std::to_string(owned) +
         " are owned, " + std::to_string(waiting) + " wait");
  }
}

bool Host::idle() const {
  return !alive() || (stack_->tcp().usage().connections == 0 &&
                      stack_->ip().neighbours().waiting() == 0 && inbox_.empty());
}

void Host::CheckEmpty() {
  if (!alive()) return;
  const tcp::Usage usage = engine().usage();
  if (usage.connections != 0) Fail("control blocks were not given back");
  if (usage.flights != 0) Fail("flights were not given back");
  if (usage.kept_buffers != 0) Fail("buffers are said to be kept");
  if (application_.owned_blocks() != 0) Fail("the application's memory was not released");
  // A last turn lets go of the frames of the one before.
  for (Packet& packet : stack_->Turn({}, Local(world_.now))) packet.Reset();
  LetGo(true);
  if (pool_.in_use() != 0) Fail(std::to_string(pool_.in_use()) + " packets were not given back");
  if (device_pool_.in_use() != 0) Fail("received packets were not given back");
}

}  // namespace weir::sim
