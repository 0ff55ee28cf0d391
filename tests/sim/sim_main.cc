// weir-sim: runs seeds of the simulator and prints those that fail.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/simulation.h"

namespace {

constexpr char kUsage[] =
    "usage: weir-sim [--seeds N] [--first S] [--verbose]\n"
    "Runs N seeds (default 100) from S (default 1) on: two stacks, one wire, faults, then none.\n"
    "Prints each seed that fails with the command to run it alone. Exit status 1 if one did.\n"
    "  --verbose   every frame, and one line for each seed\n";

struct Arguments {
  uint64_t seeds = 100, first = 1;
  bool verbose = false;
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--verbose") == 0) {
      arguments.verbose = true;
    } else if (std::strcmp(argv[i], "--seeds") == 0 && has_value) {
      arguments.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--first") == 0 && has_value) {
      arguments.first = std::strtoull(argv[++i], nullptr, 10);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  std::printf("seeds %" PRIu64 " to %" PRIu64 "; again: %s --first %" PRIu64 " --seeds %" PRIu64
              "\n",
              arguments.first, arguments.first + arguments.seeds - 1, argv[0], arguments.first,
              arguments.seeds);
  uint64_t failed = 0, frames = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    if (arguments.verbose) {
      std::printf("%s\n", weir::sim::DrawScenario(seed).ToString().c_str());
      std::fflush(stdout);
    }
    const weir::sim::Result result = weir::sim::RunSeed(seed, arguments.verbose);
    frames += result.frames;
    if (arguments.verbose) {
      std::printf("seed %" PRIu64 ": %" PRIu64 " frames, %" PRIu64
                  " turns, %.3f s, hash %016" PRIx64 "\n",
                  seed, result.frames, result.turns, static_cast<double>(result.took.us) / 1e6,
                  result.hash);
    }
    if (result.ok) continue;
    ++failed;
    std::printf("FAILED: %s --first %" PRIu64 " --seeds 1 --verbose\n  %s\n", argv[0], seed,
                result.description.c_str());
    for (const std::string& failure : result.failures) std::printf("  %s\n", failure.c_str());
    std::fflush(stdout);
  }
  std::printf("%" PRIu64 " of %" PRIu64 " seeds failed; %" PRIu64 " frames\n", failed,
              arguments.seeds, frames);
  return failed == 0 ? 0 : 1;
}
