// Peers: hosts of the flood that complete handshakes with the target and then misbehave. A TCP of
// a few numbers each, in raw frames: what they send no real TCP would.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "flood/modes.h"
#include "flood/scene.h"
#include "flood/segment_template.h"
#include "wire/frame.h"

namespace weir::flood {

// Thread: one. Memory is reserved by the constructor.
class Peers {
 public:
  // A mode that is made by peers. The scene outlives this; `count` is 1 to sources.peers_max().
  // `group` of `groups` (modes at the same time) says which of the addresses are ours.
  Peers(Mode mode, const Scene& scene, uint32_t count, uint32_t group, uint32_t groups,
        uint64_t seed);

  // Writes the next frame, at most kFrameMax octets, and returns its size; 0 when every host that
  // was looked at waits for an answer.
  uint16_t Make(uint8_t* out, Time now);

  // Takes a segment for the n-th host of the scene's sources. Returns the size of the frame to
  // answer with, written to `out`, or 0; nothing if that is no host of ours, or the segment belongs
  // to none of its connections: what is not expected.
  std::optional<uint16_t> Receive(uint32_t n, const wire::Frame& frame, uint8_t* out, Time now);

  // Since the construction.
  uint64_t handshakes() const { return handshakes_; }
  uint64_t resets() const { return resets_; }  // RSTs received by hosts with a connection
  // Hosts to which a replayed ACK, whose connection had been reset, brought an answer by text.
  uint64_t replays_taken() const { return replays_taken_; }

 private:
  enum class State : uint8_t { kIdle, kSynSent, kOpen, kReplay };

  struct Peer {
    State state = State::kIdle;
    uint16_t port = 0;
    uint16_t steps = 0;  // frames since it opened; stays at its largest value
    uint32_t iss = 0;
    uint32_t sent = 0;      // our next sequence number
    uint32_t received = 0;  // the next one that we expect
    uint32_t acked = 0;     // what ack-division has acknowledged
    uint32_t ts_recent = 0;
    int64_t asked_us = 0;  // when the SYN went out, or its answer came
    bool retaken = false;  // a replay was answered by text
  };

  uint16_t Open(uint32_t i, Peer& peer, uint8_t* out, Time now);
  uint16_t Attack(uint32_t i, Peer& peer, uint8_t* out, Time now);
  uint16_t Misacknowledge(uint32_t i, Peer& peer, uint8_t* out);
  uint16_t Take(uint32_t i, Peer& peer, const wire::Frame& frame, uint8_t* out);
  uint16_t SendSack(uint32_t i, Peer& peer, uint8_t* out);
  SegmentTemplate::Fields FieldsOf(uint32_t i, const Peer& peer,
                                   const SegmentTemplate& segment) const;
  // Of the octet that lies before peer.sent.
  SegmentTemplate::Fields OctetBefore(uint32_t i, const Peer& peer) const;
  SegmentTemplate Template(uint8_t flags, std::span<const uint8_t> options, size_t text_size,
                           uint16_t ts_offset) const;
  uint32_t AddressIndex(uint32_t i) const { return i * groups_ + group_; }

  Mode mode_;
  const Scene& scene_;
  Prng random_;
  uint32_t group_, groups_;
  uint16_t window_;
  SegmentTemplate syn_, ack_, fin_, rst_, octet_, request_, ask_, sack_;
  std::vector<Peer> peers_;
  uint32_t next_ = 0;
  uint64_t handshakes_ = 0;
  uint64_t resets_ = 0;
  uint64_t replays_taken_ = 0;
};

}  // namespace weir::flood
