// Reads the configuration file: every key must be known and every value right by itself.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "runtime/config_draft.h"
#include "runtime/config_keys.h"
#include "runtime/config_value.h"
#include "runtime/config_words.h"

namespace weir::runtime {
namespace {

constexpr size_t kPortsMax = 32;            // RTE_MAX_ETHPORTS of usual builds
constexpr size_t kFileOctetsMax = 1 << 20;  // a configuration is a few thousand

int Line(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

// The parser quotes what it met, whatever that was; a terminal should not have to obey it.
std::string Visible(std::string_view text) {
  std::string visible;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < ' ' || octet == 0x7f) {
      absl::StrAppend(&visible, "\\x", absl::Hex(octet, absl::kZeroPad2));
    } else {
      visible += c;
    }
  }
  return visible;
}

struct Entry {
  const toml::key* key;
  const toml::node* node;
};

// toml++ sorts tables by name; messages should come as the lines do.
std::vector<Entry> InFileOrder(const toml::table& table) {
  std::vector<Entry> entries;
  for (const auto& [key, node] : table) entries.push_back({&key, &node});
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.key->source().begin < b.key->source().begin;
  });
  return entries;
}

// The walk over one file.
class FileReader {
 public:
  FileReader(std::string_view file_name, Draft& draft) : file_name_(file_name), draft_(draft) {}

  void Read(const toml::table& root) {
    for (const Entry& entry : InFileOrder(root)) {
      ReadTopLevel(std::string(entry.key->str()), *entry.key, *entry.node);
    }
  }

  std::string Place(int line) const { return absl::StrCat(file_name_, ":", line, ": "); }

 private:
  void ReadTopLevel(const std::string& name, const toml::key& key, const toml::node& node) {
    if (name == "port") return ReadPorts(key, node);
    for (const Section& section : Sections(draft_.config)) {
      if (name != section.name) continue;
      if (const toml::table* table = node.as_table()) return ReadKeys(name, section.keys, *table);
      return Problem(Origin(key, name, node), absl::StrCat("not a section; must be written [", name,
                                                           "] with its keys below"));
    }
    if (node.is_table() || node.is_array_of_tables()) return UnknownSection(key, name);
    UnknownKey(key, "", name, node);
  }

  void ReadPorts(const toml::key& key, const toml::node& node) {
    const toml::array* ports = node.as_array();
    if (ports == nullptr || !ports->is_array_of_tables()) {
      return Problem(Origin(key, "port", node),
                     "not a list of ports; must be written [[port]], once for each port");
    }
    for (const toml::node& port : *ports) {
      const size_t index = draft_.config.ports.size();
      const std::string name = absl::StrCat("port.", index);
      const std::string origin = absl::StrCat(Place(Line(port)), name);
      if (index == kPortsMax) {
        return Problem(origin, absl::StrCat("too many ports; must be at most ", kPortsMax));
      }
      draft_.Accept(name, origin);
      PortConfig& added = draft_.config.ports.emplace_back();
      ReadKeys(name, PortKeys(added), *port.as_table());
    }
  }

  void ReadKeys(const std::string& section, const std::vector<Key>& keys,
                const toml::table& table) {
    for (const auto& [toml_key, node] : InFileOrder(table)) {
      const std::string name(toml_key->str());
      const Key* known = nullptr;
      for (const Key& candidate : keys) known = name == candidate.name ? &candidate : known;
      if (known == nullptr) {
        UnknownKey(*toml_key, section, name, *node);
      } else {
        ReadKey(*toml_key, absl::StrCat(section, ".", name), *known, *node);
      }
    }
  }

  void ReadKey(const toml::key& toml_key, const std::string& full, const Key& key,
               const toml::node& node) {
    const std::vector<Refusal> refusals = ReadValue(node, key.slot, key.unit);
    for (const Refusal& refusal : refusals) {
      draft_.Refuse(full, absl::StrCat(Place(refusal.line), full, " = ", refusal.value),
                    refusal.text);
    }
    if (refusals.empty()) draft_.Accept(full, Origin(toml_key, full, node));
  }

  void UnknownSection(const toml::key& key, const std::string& name) {
    std::vector<std::string> names = {"port"};
    for (const Section& section : Sections(draft_.config)) names.emplace_back(section.name);
    const std::string nearest = Nearest(name, names);
    const std::string origin = absl::StrCat(Place(KeyLine(key)), "[", OneLine(name), "]");
    if (nearest.empty()) {
      return Problem(origin, "unknown section; config/weir.toml shows all of them");
    }
    const std::string written = nearest == "port" ? "[[port]]" : "[" + nearest + "]";
    Problem(origin, absl::StrCat("unknown section; did you mean ", written, "?"));
  }

  void UnknownKey(const toml::key& key, const std::string& section, const std::string& name,
                  const toml::node& node) {
    const std::string full = section.empty() ? name : absl::StrCat(section, ".", name);
    Problem(Origin(key, OneLine(full), node), runtime::UnknownKey(full));
  }

  static int KeyLine(const toml::key& key) { return static_cast<int>(key.source().begin.line); }

  std::string Origin(const toml::key& key, const std::string& full, const toml::node& node) const {
    return absl::StrCat(Place(KeyLine(key)), full, " = ", Excerpt(node));
  }

  void Problem(const std::string& origin, const std::string& problem) {
    draft_.problems.push_back(absl::StrCat(origin, ": ", problem));
  }

  std::string file_name_;
  Draft& draft_;
};

}  // namespace

void ReadToml(std::string_view toml_text, std::string_view file_name, Draft& draft) {
  FileReader reader(file_name, draft);
  try {
    reader.Read(toml::parse(toml_text, file_name));
  } catch (const toml::parse_error& error) {
    const int line = static_cast<int>(error.source().begin.line);
    draft.problems.push_back(absl::StrCat(reader.Place(line),
                                          "not TOML: ", Visible(error.description()),
                                          "; config/weir.toml shows the form"));
  }
}

absl::Status ReadFile(const std::string& path, Draft& draft) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  std::string text(kFileOctetsMax + 1, '\0');
  if (file != nullptr) text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (file == nullptr || std::ferror(file.get())) {
    return absl::ErrnoToStatus(errno, absl::StrCat(OneLine(path), ": cannot be read"));
  }
  if (text.size() > kFileOctetsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(OneLine(path), ": too large; must be at most ", kFileOctetsMax, " octets"));
  }
  ReadToml(text, path, draft);
  return absl::OkStatus();
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  Draft draft;
  if (absl::Status status = ReadFile(path, draft); !status.ok()) return status;
  CheckFiles(draft);
  if (absl::Status status = Finish(draft); !status.ok()) return status;
  return std::move(draft.config);
}

absl::StatusOr<Config> ParseConfig(std::string_view toml_text, std::string_view file_name) {
  Draft draft;
  ReadToml(toml_text, file_name, draft);
  if (absl::Status status = Finish(draft); !status.ok()) return status;
  return std::move(draft.config);
}

}  // namespace weir::runtime
