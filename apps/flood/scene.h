// Scene: who floods whom.
#pragma once

#include <vector>

#include "flood/prefix.h"
#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::flood {

// The longest frame of a flood, without the check sequence; shorter than 60 octets are padded.
inline constexpr uint16_t kFrameMax = 1514;
inline constexpr uint16_t kFrameMin = 60;

struct Scene {
  wire::MacAddress own_mac;
  wire::MacAddress target_mac;
  Endpoint target;
  Sources sources;
  std::vector<Endpoint> live;  // our ends of established connections with the target, if any
};

}  // namespace weir::flood
