// Simulation: whole stacks, what is between them, and one seed for everything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/changes.h"
#include "sim/scenario.h"

namespace weir::sim {

struct Result {
  bool ok = false;
  std::vector<std::string> failures;
  uint64_t hash = 0;  // of every frame and its time
  uint64_t frames = 0;
  uint64_t turns = 0;
  uint64_t errors = 0;  // ICMP errors that the path sent
  Duration took;        // virtual
  std::string description;
};

// The scenario of a seed, less the changes; the program ends when one of those is not known.
Scenario MakeScenario(uint64_t seed, const Changes& changes);

// Runs one seed to its end: faults first, then none, until everything has finished.
Result RunSeed(uint64_t seed, const Changes& changes = {}, bool verbose = false);

}  // namespace weir::sim
