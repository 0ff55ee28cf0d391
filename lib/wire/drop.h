// How parsers say that they accept: they return a drop reason or this.
#pragma once

#include "base/counters.h"

namespace weir::wire {

// "Nothing is wrong": the value of Frame::drop of a frame that was accepted.
inline constexpr Counter kNoDrop = Counter::kCount;

}  // namespace weir::wire
