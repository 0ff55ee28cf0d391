// Reading flags, and printing them.
#include "runtime/flag_reader.h"

#include <algorithm>

#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
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
  std::string spelled(name);
  std::replace(spelled.begin(), spelled.end(), '-', '_');
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(Absl(spelled));
  return flag != nullptr && IsOurs(*flag) ? flag : nullptr;
}

}  // namespace

void FlagReader::Read() {
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

void FlagReader::ReadFlag(std::string_view text) {
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

void FlagReader::Set(absl::CommandLineFlag& flag, std::optional<std::string> value) {
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
  if (take_repeated_ && take_repeated_(name, *value)) return;
  std::string error;
  if (flag.ParseFrom(*value, &error)) return;
  problems.push_back(absl::StrCat("--", name, "=", OneLine(*value), ": ", OneLine(error)));
}

void FlagReader::Unknown(std::string_view text, std::string_view name) {
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

std::string FlagsHelp() {
  std::string text;
  const std::string usage = Std(absl::ProgramUsageMessage());
  if (!usage.starts_with("Warning:")) absl::StrAppend(&text, usage, "\n");  // none was set
  for (const absl::CommandLineFlag* flag : OurFlags()) {
    absl::StrAppend(&text, "\n  --", flag->Name(), "\n      ", flag->Help());
    const std::string value = flag->DefaultValue();
    if (!value.empty()) absl::StrAppend(&text, " (default: ", value, ")");
  }
  return text;
}

}  // namespace weir::runtime
