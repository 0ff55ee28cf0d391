// The wall clock: what the clocks of several machines have in common.
#pragma once

#include "base/time.h"

namespace weir::port {

// Microseconds since 1970; may jump either way when somebody sets the clock.
Time WallTime();

}  // namespace weir::port
