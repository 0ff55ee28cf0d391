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

void ShareSecrets(const SipKey& shared, Secrets& secrets) {
  const auto derive = [&shared](uint64_t n) {
    const uint64_t first[] = {n, 0}, second[] = {n, 1};
    return SipKey{SipHash24(shared, first, 2), SipHash24(shared, second, 2)};
  };
  secrets.cookie = derive(1);
  secrets.timestamp = derive(2);
}

}  // namespace weir::runtime
