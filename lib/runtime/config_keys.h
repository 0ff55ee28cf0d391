// The table of configuration keys: reading, printing, checking, documenting and --set all go by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config.h"

namespace weir::runtime {

// Where one key's value lives and what it may be.
struct Number {
  uint32_t* value;
  uint32_t min, max;
  const char* zero = "";  // what 0 stands for where it is outside min..max and yet allowed
  bool power_of_two = false;
};
struct NumberOrAuto {
  std::optional<uint32_t>* value;
  uint32_t min, max;
};
struct NumberList {
  std::vector<uint32_t>* value;
  uint32_t min, max;
};
struct Text {
  std::string* value;
  // Puts what is right into its one form (say, lower case) or refuses it.
  absl::Status (*normalize)(std::string&);
  const char* right;
};
struct TextList {
  std::vector<std::string>* value;
  absl::Status (*check)(const std::vector<std::string>&);
  const char* right;
};
struct Gateway {
  std::optional<IpAddress>* value;
  bool v4;
};

using Slot =
    std::variant<Number, NumberOrAuto, NumberList, Text, TextList, Gateway, bool*, HugePages*,
                 Idle*, Steering*, SynQueue*, Congestion*, MtuProbing*, ShedIdle*, SynCookies*,
                 AcceptOverflow*, std::optional<MacAddress>*, std::vector<InterfaceAddress>*>;

// One row. The pointers in `slot` are into the object that the table was made for.
struct Key {
  const char* name;
  Slot slot;
  const char* unit;      // "" for counts, switches and words
  const char* sentence;  // what it does
};

struct Section {
  const char* name;  // "tcp" for [tcp]
  std::vector<Key> keys;
};

// All sections but the ports, in the order in which they are printed.
std::vector<Section> Sections(Config& config);
// The keys of one [[port]].
std::vector<Key> PortKeys(PortConfig& port);

// The row of a full name: "tcp.mss"; "port.0.mtu" or, by the port's name, "port.wan.mtu".
std::optional<Key> FindKey(Config& config, std::string_view full_name);
// The place of the port that has this name or, written as a number, this place.
std::optional<size_t> FindPort(const Config& config, std::string_view which);
// "tcp.mss", ...; the ports' keys as "port.mtu".
std::vector<std::string> AllKeyNames();
// "unknown key; did you mean tcp.mss?" or, where nothing is near, where to look.
std::string UnknownKey(std::string_view full_name);

}  // namespace weir::runtime
