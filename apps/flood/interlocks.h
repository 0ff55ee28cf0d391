// Interlocks: what must be true before a frame of a flood leaves this process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "flood/interfaces.h"
#include "flood/prefix.h"

namespace weir::flood {

// TTL or hop limit of flood frames: they die four routers away. Neighbour discovery alone says
// 255, without which no host looks at it; it goes to addresses of the link only.
inline constexpr uint8_t kFloodTtl = 4;

// What a run would do, as far as the interlocks are concerned.
struct Intentions {
  bool i_control_this_lab = false;
  bool allow_physical = false;
  std::vector<Prefix> allow_target;  // networks beside those reserved for tests
  std::string device;                // a --vdev string, or a PCI address
  std::vector<IpAddress> addresses;  // the target's and our own
  std::vector<Prefix> sources;       // of the flood
  double duration_s = 0;
  double rate_cap = 0;    // frames per second
  double rate_asked = 0;  // the highest that was asked for; 0: none in frames per second
};

// The networks of RFC 2544 and RFC 5180: 198.18.0.0/15 and 2001:2::/48.
const std::vector<Prefix>& TestNetworks();
// Whether DPDK finds the device on a bus rather than making it.
bool IsPciAddress(const std::string& device);

// InvalidArgument says which interlocks hold, one to a line, and what would release each.
absl::Status CheckInterlocks(const Intentions& intentions, const Interfaces& interfaces);

}  // namespace weir::flood
