// Scenario: everything about one simulated run that is not protocol, drawn from one seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "tcp/config.h"

namespace weir::sim {

// What one direction of a link does to frames. Zero means never.
struct Faults {
  Duration delay = Microseconds(50);  // one way
  Duration jitter;                    // up to this much more
  unsigned loss = 0;                  // per mille
  unsigned burst_begin = 0;           // per mille: a burst of losses begins at a frame
  unsigned burst_end = 300;           // per mille: and ends
  unsigned reorder = 0;               // per mille: held back by reorder_by
  Duration reorder_by = Milliseconds(5);
  unsigned duplicate = 0;     // per mille
  unsigned corrupt = 0;       // per mille: one octet is changed
  uint64_t octets_per_s = 0;  // 0 = infinitely fast
  uint32_t queue_octets = 65536;
};

// A host loses all its state, and comes back with other keys and another clock.
struct Death {
  Duration at;                       // after the start
  std::optional<Duration> down_for;  // nothing: for ever
};

// How one host differs from the defaults.
struct HostScenario {
  tcp::TcpConfig tcp;
  uint16_t mtu = 1500;
  Faults up, down;              // from the host, and to it
  bool tx_offload = false;      // the device fills in TCP checksums
  bool rx_offload = false;      // the device verifies them
  Duration poll;                // how long frames wait before the host looks at them
  unsigned stall = 0;           // per mille: a turn comes late
  Duration stall_max;           // by up to this much
  Duration clock_offset;        // added to the simulation's time
  unsigned bad_allocation = 0;  // per mille of turns: one allocation in it fails
  unsigned drought = 0;         // per mille of turns: from then on every allocation fails
  Duration drought_for;         // for so long
  uint32_t receive_ring = 0;    // frames it holds, 0 = all; what comes beyond is lost
  unsigned refuse = 0;          // per mille of turns: the device takes only some of the frames
  Duration driver_holds;        // how long the device keeps the buffers of sent frames
  std::optional<Death> death;
  bool absent = false;  // taken out by a change
};

// What an application does on its end of one connection.
struct SideScenario {
  enum class End : uint8_t { kGraceful, kClose, kAbort };

  uint32_t octets = 0;    // to send
  uint32_t chunk = 1000;  // octets per Send
  bool owned = false;     // by SendOwned
  unsigned pause = 0;     // per mille: a delivery pauses reading
  Duration pause_for = Milliseconds(10);
  std::optional<uint32_t> stops_reading_after;  // octets received; until the faults end
  End end = End::kGraceful;
  uint32_t end_after = 0;  // octets received, for the two rude ends
  bool half_close = true;  // Shutdown when all is sent; else only when the peer has closed
  unsigned meddle = 0;     // per mille of callbacks: calls something at random
};

struct ConnectionScenario {
  enum class Kind : uint8_t {
    kStreams,       // both sides send what they have
    kEcho,          // the listener sends back what it receives
    kSimultaneous,  // both sides open
    kClosedPort,    // nobody listens
  };

  size_t from = 0, to = 1;  // hosts
  bool v4 = true;
  Kind kind = Kind::kStreams;
  Duration opens_at;             // after the start
  Duration opens_later;          // the other side of a simultaneous open, after that
  std::optional<size_t> reuses;  // takes the ports of this connection, once it has ended
  bool spare = false;     // opened from some callback, at the end of the faults at the latest
  bool absent = false;    // taken out by a change
  SideScenario sides[2];  // of `from` and `to`
};

// The path's MTU towards a host changes.
struct MtuChange {
  Duration at;
  size_t host = 0;
  uint16_t mtu = 1500;
};

// What stands between the hosts.
struct NetworkScenario {
  bool router = false;                 // else a switch
  std::vector<MtuChange> mtu_changes;  // a router's
  bool tells_mtu = true;               // by ICMP; else what is too big is lost
  bool stays_narrow = false;           // beyond the end of the faults
  bool old_router = false;             // does not say the MTU (RFC 1191 5)
  unsigned forged_errors = 0;          // per mille of segments: an ICMP error that nobody meant
  bool unreachable = false;            // a dead host is reported
};

struct Scenario {
  uint64_t seed = 0;
  bool v4 = true, v6 = false;
  NetworkScenario network;
  Duration faults_last;  // from then on links only delay and hosts have what they need
  Time start;
  std::vector<HostScenario> hosts;
  bool iss_near_wrap = false;  // of the first connection
  std::vector<ConnectionScenario> connections;

  Time faults_end() const { return start + faults_last; }
  // A few lines for people.
  std::string ToString() const;
};

Scenario DrawScenario(uint64_t seed);

}  // namespace weir::sim
