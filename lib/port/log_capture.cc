// rte_openlog_stream with a stream in memory.
#include "port/log_capture.h"

#include <rte_log.h>

#include <cstdlib>
#include <sstream>

namespace weir::port {

LogCapture::LogCapture() : stream_(open_memstream(&text_, &size_)) {
  if (stream_ != nullptr) rte_openlog_stream(stream_);
}

LogCapture::~LogCapture() { Finish(); }

std::string LogCapture::Finish() {
  if (stream_ == nullptr) return "";
  rte_openlog_stream(stderr);
  std::fclose(stream_);  // text_ is complete only now
  stream_ = nullptr;
  std::istringstream lines(text_ != nullptr ? text_ : "");
  std::free(text_);
  text_ = nullptr;
  std::string indented;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) indented += "\n  " + line;
  }
  return indented;
}

}  // namespace weir::port
