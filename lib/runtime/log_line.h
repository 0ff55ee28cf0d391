// LogLine: the few lines that a running server says, on stderr.
#pragma once

#include <string>

namespace weir::runtime {

// Writes "weir: ", the text and a newline at once, so that lines of several threads do not mix. Not
// for the packet path.
void LogLine(const std::string& text);

}  // namespace weir::runtime
