// What a run counts: plain numbers, by step and by interval.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "flood/histogram.h"

namespace weir::flood {

// Legitimate connections, by the step and interval that they were meant to begin in.
struct LegitCounts {
  uint64_t attempts = 0;
  uint64_t first_syn = 0;  // answered byte for byte, and the SYN was sent once
  uint64_t answered = 0;   // byte for byte, within the deadline
  uint64_t within_1s = 0;  // of those
  uint64_t late = 0;       // begun over a millisecond after the intended time
  uint64_t not_begun = 0;  // refused by our own stack
  uint64_t refused = 0;    // RST to the SYN
  uint64_t reset = 0;
  uint64_t timed_out = 0;
  uint64_t corrupt = 0;  // the answer was not the request
  uint64_t other = 0;
};

// Flows that were opened before the flood, by the time of the event.
struct EstablishedCounts {
  uint64_t requests = 0;  // meant to be sent
  uint64_t stalled = 0;   // of those, not sent since the flow had too many unanswered
  uint64_t answers = 0;
  uint64_t octets = 0;  // of answers
  uint64_t resets = 0;  // flows that ended
  uint64_t corrupt = 0;
};

// Frames of the flood, and what came for its sources.
struct FloodCounts {
  uint64_t frames = 0;   // handed to the device
  uint64_t taken = 0;    // of those, taken by it: the others found its ring full
  uint64_t octets = 0;   // of those taken, without preamble and check sequence
  uint64_t skipped = 0;  // not made, because the generator was late
  uint64_t syn_acks = 0;
  uint64_t resets = 0;
  uint64_t other_tcp = 0;
  uint64_t icmp = 0;
  uint64_t neighbour_requests = 0;  // ARP requests and solicitations for sources
  uint64_t unreadable = 0;          // frames with a wrong checksum or length
  uint64_t answer_frames = 0;       // all of these
  uint64_t answer_octets = 0;
  uint64_t syn_ack_repeats = 0;  // of the sampled SYN-ACKs: seen before
  uint64_t syn_acks_sampled = 0;
  uint64_t forged = 0;      // segments with text for sources that completed no handshake
  uint64_t handshakes = 0;  // by the flood's own hosts
  uint64_t replays_taken = 0;
};

// How the client itself fared.
struct ClientCounts {
  uint64_t cycles = 0;
  uint64_t busy_cycles = 0;  // of turns that handled something
  uint64_t off_core_ns = 0;  // ready to run, and not running
  uint64_t stolen_ms = 0;    // from this core by the hypervisor
  uint64_t rx_missed = 0;    // frames that our device dropped
  uint64_t own_refused = 0;  // frames of legitimate connections that found the ring full
};

struct Step {
  std::string phase;   // "baseline", "flood", "recovery"
  double rate = 0;     // frames per second asked for
  double percent = 0;  // of the capacity, 0 = given in frames per second
  double seconds = 0;  // that it took
  double begin_s = 0;  // since the start of the baseline
  LegitCounts legit;
  EstablishedCounts established;
  FloodCounts flood;
  ClientCounts client;
  Histogram connect_ns;              // intended begin to OnOpen
  Histogram answer_ns;               // intended begin to the last octet of the answer
  Histogram established_ns;          // intended request to the last octet of its answer
  std::vector<std::string> invalid;  // why its figures mean nothing
};

// A tenth of a second.
struct Interval {
  uint32_t step = 0;
  LegitCounts legit;
  uint64_t established_octets = 0;
  uint64_t flood_frames = 0;
  uint64_t syn_acks = 0;
  uint64_t resets_of_flows = 0;
};

// One rate tried while looking for the capacity.
struct Probe {
  double rate = 0;     // frames per second that were asked for
  double sent = 0;     // that were sent
  double answers = 0;  // SYN-ACKs per second
};

struct Results {
  std::deque<Step> steps;  // in order; pointers stay good
  std::vector<Interval> intervals;
  std::vector<Probe> probes;
  double interval_s = 0.1;
  double carrier_ceiling = 0;  // frames per second that the device takes; 0 = not measured
  double capacity = 0;         // SYNs answered per second; 0 = neither measured nor given
  bool capacity_given = false;
  double recovery_s = -1;            // after the flood until success stays >= 99.9 %; -1 = never
  std::vector<std::string> invalid;  // why the whole run means nothing
};

}  // namespace weir::flood
