// The table of floods, and reading it.
#include "flood/modes.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_format.h"

namespace weir::flood {
namespace {

constexpr std::array<ModeInfo, kModeCount> kModes = {{
#define FLOOD_MODE(identifier, name, row, made, sentence) {name, row, MadeBy::k##made, sentence},
#include "flood/modes.def"
#undef FLOOD_MODE
}};

// A name for several modes at once.
struct Mixture {
  std::string_view name;
  std::string_view row;
  std::string_view sentence;
  std::vector<Mode> modes;
};

const std::vector<Mixture>& Mixtures() {
  static const std::vector<Mixture> mixtures = {
      {"armed",
       "F12",
       "syn and ack-text: random ACKs while cookies are accepted",
       {Mode::kSyn, Mode::kAckText}},
      {"carpet",
       "F31",
       "syn, ack, fragments-tiny and out-of-order at once",
       {Mode::kSyn, Mode::kAck, Mode::kFragmentsTiny, Mode::kOutOfOrder}},
  };
  return mixtures;
}

std::vector<Mode> Named(std::string_view name) {
  for (size_t i = 0; i < kModeCount; ++i) {
    if (kModes[i].name == name) return {static_cast<Mode>(i)};
  }
  for (const Mixture& mixture : Mixtures()) {
    if (mixture.name == name) return mixture.modes;
  }
  return {};
}

}  // namespace

const ModeInfo& InfoOf(Mode mode) { return kModes[static_cast<size_t>(mode)]; }

bool HasFamily(Mode mode, bool v4) {
  switch (mode) {
    case Mode::kArp:
    case Mode::kArpGratuitous:
    case Mode::kIcmpQuench:
      return v4;
    case Mode::kNdSolicit:
    case Mode::kNdAdvert:
    case Mode::kNdRouter:
      return !v4;
    default:
      return true;
  }
}

bool AsksForSynAcks(Mode mode) {
  switch (mode) {
    case Mode::kSyn:
    case Mode::kSynBare:
    case Mode::kSynOneSource:
    case Mode::kSynPrefix:
    case Mode::kSynCollide:
    case Mode::kSynText:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<std::vector<Mode>> ParseModes(const std::vector<std::string>& names) {
  std::vector<Mode> modes;
  for (const std::string& name : names) {
    const std::vector<Mode> named = Named(name);
    if (named.empty()) {
      return absl::InvalidArgumentError("--mode: no flood is called \"" + name +
                                        "\"; --mode=list names all of them");
    }
    for (const Mode mode : named) {
      if (std::find(modes.begin(), modes.end(), mode) == modes.end()) modes.push_back(mode);
    }
  }
  if (modes.empty()) return absl::InvalidArgumentError("--mode: name at least one");
  return modes;
}

std::string ModeList() {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view row, std::string_view sentence) {
    text += absl::StrFormat("%-18s %-4s %s\n", std::string(name), std::string(row),
                            std::string(sentence));
  };
  for (const ModeInfo& mode : kModes) add(mode.name, mode.row, mode.sentence);
  for (const Mixture& mixture : Mixtures()) add(mixture.name, mixture.row, mixture.sentence);
  add("(--pulse)", "F32", "any of them, switched on and off: --pulse=ON_MS/OFF_MS");
  return text;
}

}  // namespace weir::flood
