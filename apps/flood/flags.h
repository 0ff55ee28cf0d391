// The command line of weir-flood.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "flood/options.h"

namespace weir::flood {

struct CommandLine {
  Options options;
  // What to print instead of running: --help, --mode=list, --check.
  std::optional<std::string> print;
};

// InvalidArgument: a mistake, or an interlock, a line each.
absl::StatusOr<CommandLine> ReadCommandLine(int argc, char** argv);

}  // namespace weir::flood
