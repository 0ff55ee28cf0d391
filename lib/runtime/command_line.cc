// A program's command line: all of its flags, then file and overrides.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "runtime/config.h"
#include "runtime/config_draft.h"
#include "runtime/config_flags.h"
#include "runtime/flag_reader.h"

namespace weir::runtime {
namespace {

std::string Std(absl::string_view text) { return std::string(text.data(), text.size()); }

std::string Help(const std::string& program) {
  return absl::StrCat("Usage: ", program, " [--config=FILE] [flags]\n", FlagsHelp(),
                      "\n\nEvery key of the configuration: docs/configuration.md, "
                      "config/weir.toml\n");
}

// --set is repeatable.
bool TakeOverride(std::string_view name, std::string_view value) {
  if (name != "set") return false;
  AddOverrides(value);
  return true;
}

void RequirePort(Draft& draft) {
  if (draft.config.ports.empty() && draft.problems.empty()) {
    draft.problems.push_back(
        "no port; must be described by [[port]] in the file of --config, or by --device and "
        "--address");
  }
}

}  // namespace

absl::StatusOr<CommandLine> LoadFromCommandLine(int& argc, char**& argv) {
  CommandLine result;
  FlagReader flags(argc, argv, TakeOverride);
  flags.Read();
  if (flags.help) {
    const std::string_view program = argc > 0 ? argv[0] : "weir";
    result.print = Help(std::string(program.substr(program.rfind('/') + 1)));
    return result;
  }
  Draft draft;
  draft.problems = std::move(flags.problems);
  if (const GivenText path = absl::GetFlag(FLAGS_config); path.text) {
    if (const absl::Status status = ReadFile(*path.text, draft); !status.ok()) {
      draft.problems.push_back("--config=" + Std(status.message()));
    }
  }
  ReadFlags(draft);
  RequirePort(draft);
  CheckFiles(draft);
  if (absl::Status status = Finish(draft); !status.ok()) return status;
  result.config = std::move(draft.config);
  result.warnings = std::move(draft.warnings);
  if (absl::GetFlag(FLAGS_check)) result.print = PrintConfig(result.config);
  std::copy(flags.rest.begin(), flags.rest.end(), argv + 1);
  argc = 1 + static_cast<int>(flags.rest.size());
  argv[argc] = nullptr;
  return result;
}

}  // namespace weir::runtime
