// A configuration being put together: values, where each was given, and what was wrong so far.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config.h"

namespace weir::runtime {

// The file is read first, then the flags; both go on after a mistake, so that all are reported at
// once. Then Finish looks for what clashes.
struct Draft {
  Config config;
  // By full name ("tcp.mss", "port.0.mtu"): "weir.toml:4: tcp.mss = 1460" or "--set=tcp.mss=1460".
  std::map<std::string, std::string> origins;
  // Keys whose value was refused: no further complaint is based on them.
  std::set<std::string> refused;
  std::vector<std::string> problems;
  std::vector<std::string> warnings;

  bool Given(const std::string& key) const { return origins.contains(key); }
  // Notes that a value was taken, or refused because of `problem`.
  void Accept(const std::string& key, std::string origin);
  void Refuse(const std::string& key, const std::string& origin, const std::string& problem);
  // Notes that the values of these keys do not go together; blames the first that was given.
  void Clash(const std::vector<std::string>& keys, const std::string& problem);
  // The same of values that are accepted, though together they do not do what they say.
  void Warn(const std::vector<std::string>& keys, const std::string& warning);
  // What a message about these keys begins with: where the first was given, or its value.
  std::string Blamed(const std::vector<std::string>& keys);
};

// Takes TOML text into the draft. A port that the text describes is added to those already there.
void ReadToml(std::string_view toml_text, std::string_view file_name, Draft& draft);

// Takes a file into the draft; the error, if it cannot be read, names it.
absl::Status ReadFile(const std::string& path, Draft& draft);

// Takes the flags in force into the draft.
void ReadFlags(Draft& draft);

// Looks at the files that values name.
void CheckFiles(Draft& draft);

// Frames that the receive rings of a worker hold.
uint64_t ReceiveRingFrames(const Config& config);

// Fills in what depends on other keys, and refuses what clashes; an error has all problems.
absl::Status Finish(Draft& draft);

// Of a configuration without problems.
void FindWarnings(Draft& draft);

}  // namespace weir::runtime
