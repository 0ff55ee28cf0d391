// Secret files: 128 bits that several processes share. What is read is never printed.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "base/siphash.h"

namespace weir::runtime {

// Reads the 32 hexadecimal digits of a regular file that belongs to the user who runs this, or to
// root, and that nobody else may touch. An error says what is wrong and what would be right,
// without path and contents; `secret` is as it was then. The caller wipes it after use.
[[nodiscard]] absl::Status ReadSecretFile(const std::string& path, SipKey& secret);

// Whether ReadSecretFile would succeed.
[[nodiscard]] absl::Status CheckSecretFile(const std::string& path);

}  // namespace weir::runtime
