// FlagReader: a walk over argv that knows every mistake by name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/reflection.h"

namespace weir::runtime {

// Sets this program's flags (ABSL_FLAG) from "--name=value", "--name value" and, for bools,
// "--name" and "--noname"; a dash inside a name is as good as an underscore. Written out because
// absl's own parser ends the program with status 1 on a mistake and does not let a flag be
// repeated.
class FlagReader {
 public:
  // Takes the value of a flag that may be repeated; false when that is another flag.
  using TakeRepeated = std::function<bool(std::string_view name, std::string_view value)>;

  FlagReader(int argc, char** argv, TakeRepeated take_repeated = {})
      : arguments_(argv, argv + argc), take_repeated_(std::move(take_repeated)) {}

  void Read();

  std::vector<std::string> problems;
  std::vector<char*> rest;  // what followed "--"
  bool help = false;        // --help was among them

 private:
  void ReadFlag(std::string_view text);
  void Set(absl::CommandLineFlag& flag, std::optional<std::string> value);
  void Unknown(std::string_view text, std::string_view name);

  std::vector<char*> arguments_;
  TakeRepeated take_repeated_;
  size_t next_ = 1;
};

// The program's usage message (absl::SetProgramUsageMessage), if it has one, and every flag with
// its sentence and default.
std::string FlagsHelp();

}  // namespace weir::runtime
