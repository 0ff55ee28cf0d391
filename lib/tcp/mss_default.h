// The segment size of a peer that announces none.
#pragma once

#include <cstdint>

namespace weir::tcp {

inline constexpr uint16_t kMssDefaultV4 = 536;   // MUST-15
inline constexpr uint16_t kMssDefaultV6 = 1220;  // MUST-15

}  // namespace weir::tcp
