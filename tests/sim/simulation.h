// Simulation: two whole stacks, one wire, one seed for everything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/host.h"
#include "sim/link.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "sim/wire_checker.h"

namespace weir::sim {

struct Result {
  bool ok = false;
  std::vector<std::string> failures;
  uint64_t hash = 0;  // of every frame and its time
  uint64_t frames = 0;
  uint64_t turns = 0;
  Duration took;  // virtual
  std::string description;
};

// Runs one seed to its end: faults first, then none, until everything has finished.
Result RunSeed(uint64_t seed, bool verbose = false);

}  // namespace weir::sim
