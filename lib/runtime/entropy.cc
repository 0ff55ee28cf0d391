// Secrets from getrandom(2).
#include "runtime/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace weir::runtime {

absl::Status FillRandom(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return absl::InternalError(std::string("getrandom: ") + std::strerror(errno));
    }
    out = out.subspan(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

absl::Status DrawSecrets(Secrets& secrets) {
  return FillRandom({reinterpret_cast<uint8_t*>(&secrets), sizeof secrets});
}

}  // namespace weir::runtime
