// The wall clock by way of the C library.
#include "port/wall_clock.h"

#include <ctime>

namespace weir::port {

Time WallTime() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return Time{int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000};
}

}  // namespace weir::port
