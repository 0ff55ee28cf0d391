// weir-sim: runs seeds of the simulator, prints those that fail, and makes them smaller.
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/simulation.h"

namespace {

using weir::sim::Changes;

constexpr char kUsage[] =
    "usage: weir-sim [--seeds N] [--first S] [--change LIST] [--shrink] [--verbose]\n"
    "Runs N seeds (default 100) from S (default 1) on: hosts, a network, faults, then none.\n"
    "Prints each seed that fails with the command to run it alone. Exit status 1 if one did.\n"
    "  --change LIST  takes something away from the scenarios; separated by commas, see below\n"
    "  --shrink       makes the first seed that fails as small as it can while it still fails, "
    "and\n"
    "                 prints the command that runs just that\n"
    "  --verbose      every frame, and one line for each seed\n"
    "changes:\n";
constexpr unsigned kAttemptsMax = 2000;
constexpr unsigned kAttemptSecondsMax = 120;  // a run that never ends is killed; it has failed

struct Arguments {
  uint64_t seeds = 100, first = 1;
  Changes changes;
  bool shrink = false, verbose = false;
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--verbose") == 0) {
      arguments.verbose = true;
    } else if (std::strcmp(argv[i], "--shrink") == 0) {
      arguments.shrink = true;
    } else if (std::strcmp(argv[i], "--seeds") == 0 && has_value) {
      arguments.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--first") == 0 && has_value) {
      arguments.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--change") == 0 && has_value) {
      arguments.changes = weir::sim::ParseChanges(argv[++i]);
    } else {
      return false;
    }
  }
  // A change may name a connection that only some seeds have; then one seed at a time is meant.
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    weir::sim::Scenario scenario = weir::sim::DrawScenario(seed);
    if (arguments.changes.empty()) break;
    if (!Apply(arguments.changes, scenario)) {
      std::fprintf(stderr, "weir-sim: seed %" PRIu64 " cannot be changed so\n", seed);
      return false;
    }
  }
  return true;
}

std::string Command(const char* program, uint64_t seed, const Changes& changes) {
  std::string text = std::string(program) + " --first " + std::to_string(seed) + " --seeds 1";
  if (!changes.empty()) text += " --change " + weir::sim::ChangesText(changes);
  return text + " --verbose";
}

// In a process of its own: a failure may be a crash, or a run without an end.
bool Fails(uint64_t seed, const Changes& changes) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(kAttemptSecondsMax);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(3);
    _exit(weir::sim::RunSeed(seed, changes).ok ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child &&
         !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void PrintFailure(const char* program, uint64_t seed, const Changes& changes,
                  const weir::sim::Result& result) {
  std::printf("FAILED: %s\n  %s\n", Command(program, seed, changes).c_str(),
              result.description.c_str());
  for (const std::string& failure : result.failures) std::printf("  %s\n", failure.c_str());
  std::fflush(stdout);
}

int ShrinkFirst(const char* program, const Arguments& arguments) {
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    if (!Fails(seed, arguments.changes)) continue;
    std::printf("seed %" PRIu64 " fails; making it smaller\n", seed);
    unsigned attempts = 0;
    const Changes changes = weir::sim::Shrink(
        seed, arguments.changes,
        [&](const Changes& smaller) {
          ++attempts;
          return Fails(seed, smaller);
        },
        kAttemptsMax);
    std::printf("after %u attempts: %s\n", attempts, Command(program, seed, changes).c_str());
    std::fflush(stdout);
    // If it crashes, it crashes here as well, where that can be seen.
    const weir::sim::Result result = weir::sim::RunSeed(seed, changes);
    PrintFailure(program, seed, changes, result);
    return 1;
  }
  std::printf("0 of %" PRIu64 " seeds failed\n", arguments.seeds);
  return 0;
}

int RunAll(const char* program, const Arguments& arguments) {
  uint64_t failed = 0, frames = 0, errors = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    if (arguments.verbose) {
      std::printf("%s\n", weir::sim::MakeScenario(seed, arguments.changes).ToString().c_str());
      std::fflush(stdout);
    }
    const weir::sim::Result result = weir::sim::RunSeed(seed, arguments.changes, arguments.verbose);
    frames += result.frames;
    errors += result.errors;
    if (arguments.verbose) {
      std::printf("seed %" PRIu64 ": %" PRIu64 " frames, %" PRIu64
                  " turns, %.3f s, hash %016" PRIx64 "\n",
                  seed, result.frames, result.turns, static_cast<double>(result.took.us) / 1e6,
                  result.hash);
    }
    if (result.ok) continue;
    ++failed;
    PrintFailure(program, seed, arguments.changes, result);
  }
  std::printf("%" PRIu64 " of %" PRIu64 " seeds failed; %" PRIu64 " frames, %" PRIu64
              " ICMP errors\n",
              failed, arguments.seeds, frames, errors);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::fprintf(stderr, "%s%s", kUsage, weir::sim::ChangesUsage().c_str());
    return 2;
  }
  std::printf("seeds %" PRIu64 " to %" PRIu64 "; again: %s --first %" PRIu64 " --seeds %" PRIu64
              "\n",
              arguments.first, arguments.first + arguments.seeds - 1, argv[0], arguments.first,
              arguments.seeds);
  return arguments.shrink ? ShrinkFirst(argv[0], arguments) : RunAll(argv[0], arguments);
}
