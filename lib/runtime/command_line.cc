// A program's command line: all of its flags, then file and overrides. Written out because absl's
// own parser ends the program with status 1 on a mistake and does not let a flag be repeated.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "runtime/config.h"
#include "runtime/config_draft.h"
#include "runtime/config_flags.h"
#include "runtime/config_words.h"

namespace weir::runtime {
namespace {

std::string Std(absl::string_view text) { return std::string(text.data(), text.size()); }
absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// Flags that absl's libraries bring along ("flagfile", "undefok") mean nothing here.
bool IsOurs(const absl::CommandLineFlag& flag) {
  return !flag.IsRetired() && flag.Filename().find("absl/flags") == std::string::npos;
}

std::vector<absl::CommandLineFlag*> OurFlags() {
  std::vector<absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (IsOurs(*flag)) flags.push_back(flag);
  }
  std::sort(flags.begin(), flags.end(),
            [](const auto* a, const auto* b) { return a->Name() < b->Name(); });
  return flags;
}

absl::CommandLineFlag* FindFlag(std::string_view name) {
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(Absl(name));
  return flag != nullptr && IsOurs(*flag) ? flag : nullptr;
}

std::string Help(const std::string& program) {
  std::string text = absl::StrCat("Usage: ", program, " [--config=FILE] [flags]\n");
  const std::string usage = Std(absl::ProgramUsageMessage());
  if (!usage.starts_with("Warning:")) absl::StrAppend(&text, usage, "\n");  // none was set
  for (const absl::CommandLineFlag* flag : OurFlags()) {
    absl::StrAppend(&text, "\n  --", flag->Name(), "\n      ", flag->Help());
    const std::string value = flag->DefaultValue();
    if (!value.empty()) absl::StrAppend(&text, " (default: ", value, ")");
  }
  return text + "\n\nEvery key of the configuration: docs/configuration.md, config/weir.toml\n";
}

// The walk over argv.
class FlagReader {
 public:
  FlagReader(int argc, char** argv) : arguments_(argv, argv + argc) {}

  void Read() {
    for (next_ = 1; next_ < arguments_.size();) {
      const std::string_view argument = arguments_[next_++];
      if (argument == "--") break;
      if (argument.size() < 2 || argument[0] != '-') {
        problems.push_back(OneLine(argument) +
                           ": not a flag; flags begin with --, and what follows a lone -- is the "
                           "application's own");
      } else {
        ReadFlag(argument.substr(argument[1] == '-' ? 2 : 1));
      }
    }
    for (; next_ < arguments_.size(); ++next_) rest.push_back(arguments_[next_]);
  }

  std::vector<std::string> problems;
  std::vector<char*> rest;  // what followed "--"
  bool help = false;

 private:
  void ReadFlag(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(text.substr(equals + 1));
    if (name == "help" || name == "helpfull") {
      help = true;
    } else if (absl::CommandLineFlag* flag = FindFlag(name)) {
      Set(*flag, std::move(value));
    } else if (absl::CommandLineFlag* negated =
                   name.starts_with("no") ? FindFlag(name.substr(2)) : nullptr;
               negated != nullptr && negated->IsOfType<bool>() && !value) {
      Set(*negated, "false");
    } else {
      Unknown(text, name);
    }
  }

  void Set(absl::CommandLineFlag& flag, std::optional<std::string> value) {
    const std::string name = Std(flag.Name());
    if (!value && flag.IsOfType<bool>()) value = "true";
    // What looks like a flag is one: a forgotten value must not swallow it.
    const bool next_is_value =
        next_ < arguments_.size() && !std::string_view(arguments_[next_]).starts_with("--");
    if (!value && next_is_value) value = arguments_[next_++];
    if (!value) {
      problems.push_back(absl::StrCat("--", name, ": no value; must be --", name, "=VALUE"));
      return;
    }
    if (name == "set") return AddOverrides(*value);
    std::string error;
    if (flag.ParseFrom(*value, &error)) return;
    problems.push_back(absl::StrCat("--", name, "=", OneLine(*value), ": ", OneLine(error)));
  }

  void Unknown(std::string_view text, std::string_view name) {
    // What may have been its value is no second mistake.
    const bool skip = text == name && next_ < arguments_.size() && arguments_[next_][0] != '-';
    if (skip) ++next_;
    std::vector<std::string> names;
    for (const absl::CommandLineFlag* flag : OurFlags()) names.push_back(Std(flag->Name()));
    const std::string nearest = Nearest(name, names);
    problems.push_back(absl::StrCat(
        "--", OneLine(text), ": unknown flag; ",
        nearest.empty() ? "--help shows all of them" : "did you mean --" + nearest + "?"));
  }

  std::vector<char*> arguments_;
  size_t next_ = 1;
};

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
  FlagReader flags(argc, argv);
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
  absl::StatusOr<Config> config = Finish(std::move(draft));
  if (!config.ok()) return config.status();
  result.config = *std::move(config);
  if (absl::GetFlag(FLAGS_check)) result.print = PrintConfig(result.config);
  std::copy(flags.rest.begin(), flags.rest.end(), argv + 1);
  argc = 1 + static_cast<int>(flags.rest.size());
  argv[argc] = nullptr;
  return result;
}

}  // namespace weir::runtime
