// LogCapture: catches what DPDK logs, which is worth reading only when something has gone wrong.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace weir::port {

// From its making to Finish, DPDK's log goes here and not to stderr. One at a time; main thread.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // Gives the log back to stderr and returns what was caught: each line after a newline, indented.
  std::string Finish();

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  FILE* stream_;
};

}  // namespace weir::port
