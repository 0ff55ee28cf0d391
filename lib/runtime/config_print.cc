// Writes a configuration as the TOML that gives it again.
#include "absl/strings/str_cat.h"
#include "runtime/config_keys.h"
#include "runtime/config_value.h"

namespace weir::runtime {
namespace {

std::string PrintKeys(const std::string& header, const std::vector<Key>& keys) {
  std::string text = header + "\n";
  for (const Key& key : keys) absl::StrAppend(&text, key.name, " = ", PrintValue(key.slot), "\n");
  return text;
}

}  // namespace

std::string PrintConfig(const Config& config) {
  Config copy = config;  // the table's pointers are for reading and writing alike
  std::string text;
  for (PortConfig& port : copy.ports) {
    absl::StrAppend(&text, PrintKeys("[[port]]", PortKeys(port)), "\n");
  }
  for (const Section& section : Sections(copy)) {
    if (!text.empty() && !text.ends_with("\n\n")) text += "\n";
    text += PrintKeys(absl::StrCat("[", section.name, "]"), section.keys);
  }
  return text;
}

}  // namespace weir::runtime
