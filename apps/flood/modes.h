// The kinds of flood, and the names that the command line knows them by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weir::flood {

enum class Mode : uint8_t {
#define FLOOD_MODE(identifier, name, row, made, sentence) k##identifier,
#include "flood/modes.def"
#undef FLOOD_MODE
  kCount
};

inline constexpr size_t kModeCount = static_cast<size_t>(Mode::kCount);

// Who makes a mode's frames.
enum class MadeBy : uint8_t { kSegment, kPacket, kPeers };

struct ModeInfo {
  std::string_view name;
  std::string_view row;  // of the flood catalogue, "F1" to "F35"
  MadeBy made;
  std::string_view sentence;
};

const ModeInfo& InfoOf(Mode mode);
// Whether the mode exists for IPv4 (`v4`) or IPv6.
bool HasFamily(Mode mode, bool v4);
// Whether what the mode sends can make the target answer by SYN-ACKs.
bool AsksForSynAcks(Mode mode);

// Names with commas between them, each once; "carpet" (F31) and "armed" (F12) stand for several.
absl::StatusOr<std::vector<Mode>> ParseModes(const std::vector<std::string>& names);
// One line for each name: name, row, sentence.
std::string ModeList();

}  // namespace weir::flood
