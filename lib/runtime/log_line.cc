// One write per line.
#include "runtime/log_line.h"

#include <unistd.h>

namespace weir::runtime {

void LogLine(const std::string& text) {
  const std::string line = "weir: " + text + "\n";
  // Where stderr is closed or full there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace weir::runtime
