// Fuzz target: any text as a configuration file. What is accepted prints as a file that gives it
// again; what is refused is refused in readable lines, each with what would be right.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "runtime/config.h"

namespace weir::runtime {
namespace {

constexpr std::string_view kFileName = "fuzz.toml";

void CheckAccepted(const Config& config) {
  const std::string printed = PrintConfig(config);
  const auto again = ParseConfig(printed, kFileName);
  WEIR_CHECK(again.ok() && *again == config);
  WEIR_CHECK(PrintConfig(*again) == printed);
}

void CheckLine(std::string_view line) {
  for (const char c : line) WEIR_CHECK(static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
  // Mistakes have a place in the file, or at least a key; and are told with what would be right.
  WEIR_CHECK(line.starts_with(kFileName) || line.find(" = ") != std::string_view::npos);
  WEIR_CHECK(line.find("; ") != std::string_view::npos);
}

void CheckRefused(const absl::Status& status) {
  WEIR_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  const std::string text(status.message());
  WEIR_CHECK(!text.empty());
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    CheckLine(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
}

}  // namespace
}  // namespace weir::runtime

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::runtime;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = ParseConfig(text, kFileName);
  if (config.ok()) {
    CheckAccepted(*config);
  } else {
    CheckRefused(config.status());
  }
  return 0;
}
