// Scenario: everything about one simulated run that is not protocol, drawn from one seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "tcp/config.h"

namespace weir::sim {

// What a link does to frames, per direction. Zero means never.
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

// How one host differs from the defaults.
struct HostScenario {
  tcp::TcpConfig tcp;
  bool tx_offload = false;          // the device fills in TCP checksums
  bool rx_offload = false;          // the device verifies them
  Duration poll;                    // how long frames wait before the host looks at them
  unsigned stall = 0;               // per mille: a turn comes 1..50 ms late
  unsigned allocation_failure = 0;  // per mille of turns: one allocation in it fails
  Duration clock_offset;            // added to the simulation's time
};

// What an application does on its end of one connection.
struct SideScenario {
  enum class End : uint8_t { kGraceful, kClose, kAbort };

  uint32_t octets = 0;    // to send
  uint32_t chunk = 1000;  // octets per Send
  bool owned = false;     // by SendOwned
  unsigned pause = 0;     // per mille: a delivery pauses reading
  Duration pause_for = Milliseconds(10);
  End end = End::kGraceful;
  uint32_t end_after = 0;  // octets received, for the two rude ends
  bool half_close = true;  // Shutdown when all is sent; else only when the peer has closed
};

struct ConnectionScenario {
  Duration opens_at;  // after the start
  SideScenario client, server;
};

struct Scenario {
  uint64_t seed = 0;
  bool v4 = true;
  uint16_t mtu = 1500;
  Faults faults[2];      // by sending host
  Duration faults_last;  // from then on the link only delays
  Time start;
  HostScenario hosts[2];       // 0 opens, 1 listens
  bool iss_near_wrap = false;  // of the first connection
  std::vector<ConnectionScenario> connections;

  // One line for people.
  std::string ToString() const;
};

Scenario DrawScenario(uint64_t seed);

}  // namespace weir::sim
