// Names and sentences of the counters.
#include "base/counters.h"

namespace weir {
namespace {

struct Text {
  std::string_view name;
  std::string_view sentence;
};

constexpr Text kTexts[] = {
#define WEIR_COUNTER(name, sentence) {#name, sentence},
#include "base/counters.def"
#undef WEIR_COUNTER
};
static_assert(sizeof kTexts / sizeof kTexts[0] == kCounterCount);

}  // namespace

std::string_view CounterName(Counter counter) { return kTexts[static_cast<size_t>(counter)].name; }

std::string_view CounterSentence(Counter counter) {
  return kTexts[static_cast<size_t>(counter)].sentence;
}

}  // namespace weir
