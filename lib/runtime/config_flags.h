// The flags that every weir program has for its configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/strings/string_view.h"

namespace weir::runtime {

// A flag's text, or nothing where the flag was not given.
struct GivenText {
  std::optional<std::string> text;
};
bool AbslParseFlag(absl::string_view text, GivenText* value, std::string* error);
std::string AbslUnparseFlag(const GivenText& value);

// What --set was given: "section.key=value", each by itself.
struct Overrides {
  std::vector<std::string> items;
};
bool AbslParseFlag(absl::string_view text, Overrides* value, std::string* error);
std::string AbslUnparseFlag(const Overrides& value);

// Adds to --set, which is repeatable, as absl's flags are not.
void AddOverrides(std::string_view text);

}  // namespace weir::runtime

ABSL_DECLARE_FLAG(weir::runtime::GivenText, config);
ABSL_DECLARE_FLAG(bool, check);
ABSL_DECLARE_FLAG(weir::runtime::Overrides, set);
ABSL_DECLARE_FLAG(weir::runtime::GivenText, workers);
ABSL_DECLARE_FLAG(weir::runtime::GivenText, idle);
ABSL_DECLARE_FLAG(weir::runtime::GivenText, device);
ABSL_DECLARE_FLAG(weir::runtime::GivenText, address);
ABSL_DECLARE_FLAG(weir::runtime::GivenText, gateway);
