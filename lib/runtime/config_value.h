// One value of the configuration: TOML to a checked value, and back to text.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <vector>

#include "runtime/config_keys.h"

namespace weir::runtime {

// One refused value, or one refused element of a list.
struct Refusal {
  std::string value;  // as TOML, shortened to a line
  int line;
  std::string text;  // "what is wrong; what would be right"
};

// Puts `node` where `slot` points. Returns what was wrong; the old value stays then.
std::vector<Refusal> ReadValue(const toml::node& node, const Slot& slot, const std::string& unit);

// The present value as TOML.
std::string PrintValue(const Slot& slot);

// What the slot takes, to follow "must be": "an integer from 1 to 10".
std::string DescribeRange(const Slot& slot, const std::string& unit);

// A TOML value on one line of bounded length, for messages.
std::string Excerpt(const toml::node& node);

// Whether a value may be written without quotes on a command line: words, names, addresses.
bool IsText(const Slot& slot);

}  // namespace weir::runtime
