// PacketRing: packets that one worker hands to another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "packet/packet.h"

struct rte_ring;

namespace weir::port {

// A bounded lock-free ring: any number of workers push, one pops. It never waits for anybody.
//
// Thread: Push any; Pop, empty and the destructor only the owner.
class PacketRing {
 public:
  // `name` is unique in the process; `capacity` is a power of two, of which one place stays empty.
  static absl::StatusOr<std::unique_ptr<PacketRing>> Create(const std::string& name,
                                                            uint32_t capacity);
  ~PacketRing();  // frees what is still inside
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  // Takes as many as there is room for, from the front, and returns how many; taken handles are
  // empty afterwards, the others stay with the caller.
  [[nodiscard]] size_t Push(std::span<Packet> packets);
  // Fills the front of `out` (empty handles before) and returns how many there were.
  [[nodiscard]] size_t Pop(std::span<Packet> out);
  bool empty() const;

 private:
  explicit PacketRing(rte_ring* ring) : ring_(ring) {}
  rte_ring* ring_;
};

}  // namespace weir::port
