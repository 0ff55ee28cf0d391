// Answers: counts what the target sends to sources of the flood.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "flood/results.h"
#include "weir/address.h"
#include "wire/frame.h"

namespace weir::flood {

// What tells one SYN-ACK from another.
struct SynAck {
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t ack = 0;
};

// Reads a frame that is one at first glance - untagged, no IP options, no extension headers, its
// flags SYN and ACK and no more - and verifies nothing. There are millions a second of them.
std::optional<SynAck> PeekSynAck(std::span<const uint8_t> frame);

class Answers {
 public:
  Answers();

  // A frame of `size` octets for a source; `expected`: a host of the flood has a connection that
  // it belongs to.
  void Count(const wire::Frame& frame, uint32_t size, bool expected, FloodCounts& counts);
  // One that was only peeked at.
  void CountSynAck(const SynAck& syn_ack, uint32_t size, FloodCounts& counts);
  // An ARP request or neighbour solicitation for a source.
  void CountNeighbourRequest(uint32_t size, FloodCounts& counts);

  // Of how many SYN-ACKs one is remembered, a power of two: with more, what is repeated after a
  // second is still known at this many per second.
  void SampleFor(double syn_acks_per_second);
  uint32_t sample() const { return 1u << sample_bits_; }

 private:
  static constexpr uint32_t kRemembered = 1u << 16;
  static constexpr double kRepeatedAfterS = 8;  // the first four repeats of a SYN-ACK

  void Remember(const SynAck& syn_ack, FloodCounts& counts);
  bool SeenBefore(uint64_t key);

  std::vector<uint64_t> seen_;  // by the low bits of the key; what is overwritten is forgotten
  unsigned sample_bits_ = 0;
};

}  // namespace weir::flood
