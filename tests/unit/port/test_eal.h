// The EAL for unit tests: started once per test program, without huge pages and without PCI.
#pragma once

#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "port/eal.h"

namespace weir::port {

// Starts the EAL on first use; it stays until the program ends.
inline void EnsureEal() {
  static const absl::Status status = [] {
    EalOptions options;
    options.memory_mb = 128;
    options.file_prefix = "weir_test_" + std::to_string(getpid());
    options.cores = {AllowedCores().front()};
    options.extra = {"--no-telemetry"};
    return StartEal(options);
  }();
  ASSERT_TRUE(status.ok()) << status;
}

}  // namespace weir::port
