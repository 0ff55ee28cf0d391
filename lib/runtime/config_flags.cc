// Overrides from the command line: --set for every key, and short forms for the commonest.
#include "runtime/config_flags.h"

#include <algorithm>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runtime/config_draft.h"
#include "runtime/config_keys.h"
#include "runtime/config_value.h"
#include "runtime/config_words.h"

ABSL_FLAG(weir::runtime::GivenText, config, {}, "The configuration file (TOML).");
ABSL_FLAG(bool, check, false,
          "Validates the configuration, prints it as TOML and ends; nothing is started.");
ABSL_FLAG(
    weir::runtime::Overrides, set, {},
    "Overrides any key: --set tcp.mss=1400 --set port.0.mtu=1440; the value is TOML, but quotes "
    "around a single word may be left out. May be repeated.");
ABSL_FLAG(weir::runtime::GivenText, workers, {}, "How many workers (workers.count).");
ABSL_FLAG(weir::runtime::GivenText, idle, {},
          "What an idle worker does: spin, pause or sleep (workers.idle).");
ABSL_FLAG(weir::runtime::GivenText, device, {},
          "The first port's virtual device, such as net_tap0,iface=weir0 (port.0.device).");
ABSL_FLAG(weir::runtime::GivenText, address, {},
          "The first port's addresses, separated by commas, such as 198.18.0.2/24,2001:2::2/64 "
          "(port.0.addresses).");
ABSL_FLAG(weir::runtime::GivenText, gateway, {},
          "The first port's routers, one IPv4 or IPv6 address or one of each, separated by a comma "
          "(port.0.gateway4, port.0.gateway6).");

namespace weir::runtime {
namespace {

std::string Std(absl::string_view text) { return std::string(text.data(), text.size()); }

// A word that nobody would take for other TOML may stand without quotes.
bool NeedsQuotes(const std::string& value) {
  return value.empty() || (value[0] != '"' && value[0] != '\'');
}

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// Cuts at the commas that are outside quotes and brackets.
std::vector<std::string> SplitOverrides(std::string_view text) {
  std::vector<std::string> items(1);
  char quote = 0;
  int depth = 0;
  bool escaped = false;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote && !escaped) quote = 0;
      escaped = quote == '"' && c == '\\' && !escaped;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth <= 0) {
      items.emplace_back();
      continue;
    }
    items.back() += c;
  }
  return items;
}

// Puts one node where the key's value lives; `origin` is what messages begin with.
void Override(Draft& draft, const std::string& full, const Key& key, const toml::node& node,
              const std::string& origin) {
  const std::vector<Refusal> refusals = ReadValue(node, key.slot, key.unit);
  for (const Refusal& refusal : refusals) {
    const bool element = node.is_array() && refusal.value != Excerpt(node);
    draft.Refuse(full, origin, element ? refusal.value + ": " + refusal.text : refusal.text);
  }
  if (refusals.empty()) draft.Accept(full, origin);
}

// Parses `value` as TOML, or as a bare word where the key takes text.
void OverrideText(Draft& draft, const std::string& full, const Key& key, const std::string& value,
                  const std::string& origin) {
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
  const bool bare = IsText(key.slot) && NeedsQuotes(value) && !number;
  if (bare) return Override(draft, full, key, toml::value<std::string>(value), origin);
  try {
    const toml::table table = toml::parse("value = " + value);
    // More than one key would be a line break and another assignment inside the value.
    if (const toml::node* node = table.get("value"); node != nullptr && table.size() == 1) {
      return Override(draft, full, key, *node, origin);
    }
  } catch (const toml::parse_error&) {
    // Reported below: toml++ would speak of lines and columns of a text that nobody wrote.
  }
  draft.Refuse(full, origin, "not a TOML value; must be " + DescribeRange(key.slot, key.unit));
}

// "port.0" of "port.0.mtu" or "port.wan.mtu"; the port after the last is added.
std::optional<std::string> ResolvePort(Draft& draft, const std::string& name,
                                       const std::string& origin) {
  const std::string which = name.substr(5, name.find('.', 5) - 5);
  std::vector<PortConfig>& ports = draft.config.ports;
  if (which == std::to_string(ports.size())) {
    ports.emplace_back();
    draft.Accept("port." + which, origin);
  }
  if (const std::optional<size_t> index = FindPort(draft.config, which)) {
    return absl::StrCat("port.", *index);
  }
  draft.problems.push_back(absl::StrCat(origin, ": no such port; must be port.0 to port.",
                                        ports.size(), " (which adds one), or a port's name"));
  return std::nullopt;
}

void ReadOverride(Draft& draft, const std::string& text) {
  const std::string item = Trimmed(text);
  const std::string origin = "--set=" + OneLine(item);
  const size_t equals = item.find('=');
  std::string name = Trimmed(item.substr(0, equals));
  if (equals == std::string::npos || name.empty()) {
    draft.problems.push_back(origin + ": not an assignment; must be SECTION.KEY=VALUE");
    return;
  }
  const std::string value = Trimmed(item.substr(equals + 1));
  if (name.starts_with("port.") && name.find('.', 5) != std::string::npos) {
    const std::optional<std::string> port = ResolvePort(draft, name, origin);
    if (!port) return;
    name = *port + name.substr(name.find('.', 5));
  }
  if (const std::optional<Key> key = FindKey(draft.config, name)) {
    OverrideText(draft, name, *key, value, origin);
  } else {
    draft.problems.push_back(absl::StrCat(origin, ": ", UnknownKey(name)));
  }
}

// The key that a short form stands for, in the first port or, where there is none, in a new one.
void ReadShortForm(Draft& draft, const std::string& full, const toml::node& node,
                   const std::string& origin) {
  if (full.starts_with("port.0.")) ResolvePort(draft, full, origin);
  Override(draft, full, *FindKey(draft.config, full), node, origin);
}

void ReadWorkersFlag(Draft& draft) {
  const GivenText flag = absl::GetFlag(FLAGS_workers);
  if (!flag.text) return;
  OverrideText(draft, "workers.count", *FindKey(draft.config, "workers.count"), *flag.text,
               "--workers=" + OneLine(*flag.text));
  draft.config.workers.cores.clear();  // the file's list would contradict it
  draft.origins.erase("workers.cores");
}

void ReadDeviceFlag(Draft& draft) {
  const GivenText flag = absl::GetFlag(FLAGS_device);
  if (!flag.text) return;
  const std::string origin = "--device=" + OneLine(*flag.text);
  ReadShortForm(draft, "port.0.device", toml::value<std::string>(*flag.text), origin);
  draft.config.ports[0].pci.clear();
  draft.origins.erase("port.0.pci");
}

void ReadAddressFlag(Draft& draft) {
  const GivenText flag = absl::GetFlag(FLAGS_address);
  if (!flag.text) return;
  toml::array list;
  for (const absl::string_view one : absl::StrSplit(*flag.text, ',')) list.push_back(Std(one));
  ReadShortForm(draft, "port.0.addresses", list, "--address=" + OneLine(*flag.text));
}

void ReadGatewayFlag(Draft& draft) {
  const GivenText flag = absl::GetFlag(FLAGS_gateway);
  if (!flag.text) return;
  const std::string origin = "--gateway=" + OneLine(*flag.text);
  std::vector<std::string> seen;
  for (const absl::string_view one : absl::StrSplit(*flag.text, ',')) {
    const bool v6 = one.find(':') != absl::string_view::npos;
    const std::string key = v6 ? "port.0.gateway6" : "port.0.gateway4";
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      draft.Refuse(key, origin, "two routers of one family; must be one of each at most");
      return;
    }
    seen.push_back(key);
    ReadShortForm(draft, key, toml::value<std::string>(Std(one)), origin);
  }
}

void ReadIdleFlag(Draft& draft) {
  const GivenText flag = absl::GetFlag(FLAGS_idle);
  if (!flag.text) return;
  ReadShortForm(draft, "workers.idle", toml::value<std::string>(*flag.text),
                "--idle=" + OneLine(*flag.text));
}

}  // namespace

bool AbslParseFlag(absl::string_view text, GivenText* value, std::string*) {
  value->text = Std(text);
  return true;
}

std::string AbslUnparseFlag(const GivenText& value) { return value.text.value_or(""); }

bool AbslParseFlag(absl::string_view text, Overrides* value, std::string*) {
  value->items = SplitOverrides(std::string_view(text.data(), text.size()));
  return true;
}

std::string AbslUnparseFlag(const Overrides& value) { return absl::StrJoin(value.items, ","); }

void AddOverrides(std::string_view text) {
  Overrides overrides = absl::GetFlag(FLAGS_set);
  for (std::string& item : SplitOverrides(text)) overrides.items.push_back(std::move(item));
  absl::SetFlag(&FLAGS_set, overrides);
}

void ReadFlags(Draft& draft) {
  ReadWorkersFlag(draft);
  ReadIdleFlag(draft);
  ReadDeviceFlag(draft);
  ReadAddressFlag(draft);
  ReadGatewayFlag(draft);
  for (const std::string& item : absl::GetFlag(FLAGS_set).items) ReadOverride(draft, item);
}

absl::Status ApplyFlags(Config& config) {
  Draft draft;
  draft.config = config;
  ReadFlags(draft);
  if (absl::Status status = Finish(draft); !status.ok()) return status;
  config = std::move(draft.config);
  return absl::OkStatus();
}

}  // namespace weir::runtime
