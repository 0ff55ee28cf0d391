// Reading of secret files: who may, and what they must look like.
#include "runtime/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/wipe.h"

namespace weir::runtime {
namespace {

constexpr size_t kDigits = 32;
constexpr size_t kRoom = 64;  // the digits and what white space may follow them
constexpr const char* kRight = "must hold 32 hexadecimal digits and nothing else";

// Closes itself; its buffer is wiped.
struct OpenFile {
  explicit OpenFile(int descriptor) : fd(descriptor) {}
  ~OpenFile() {
    close(fd);
    Wipe(text.data(), text.size());
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int fd;
  std::array<char, kRoom + 1> text{};
};

absl::Status CheckOwner(const struct stat& about) {
  if (!S_ISREG(about.st_mode)) {
    return absl::InvalidArgumentError("not a regular file; must be one");
  }
  if (about.st_uid != geteuid() && about.st_uid != 0) {
    return absl::InvalidArgumentError(absl::StrCat("belongs to user ", about.st_uid,
                                                   "; must belong to the user who runs this (",
                                                   geteuid(), ") or to root"));
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("open to its group or to others (mode %04o); must be its owner's alone "
                        "(mode 0600 or 0400)",
                        about.st_mode & 07777u));
  }
  return absl::OkStatus();
}

// How many octets the file has; kRoom + 1 where there are more than kRoom, -1 on an error.
ssize_t ReadAll(int fd, std::span<char> room) {
  size_t size = 0;
  while (size < room.size()) {
    const ssize_t got = read(fd, room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(size);
}

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

absl::Status ParseDigits(std::string_view text, SipKey& secret) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat("is empty; ", kRight));
  for (const char c : text) {
    if (DigitValue(c) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("holds something else than hexadecimal digits; ", kRight));
    }
  }
  if (text.size() != kDigits) {
    return absl::InvalidArgumentError(
        text.size() > kDigits ? absl::StrCat("holds more than 32 digits; ", kRight)
                              : absl::StrCat("holds ", text.size(), " digits; ", kRight));
  }
  SipKey read;
  for (size_t i = 0; i < kDigits; ++i) {
    uint64_t& half = i < kDigits / 2 ? read.k0 : read.k1;
    half = half << 4 | static_cast<uint64_t>(DigitValue(text[i]));
  }
  secret = read;
  Wipe(&read, sizeof read);
  return absl::OkStatus();
}

absl::Status CannotBeRead(int error) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot be read (", std::string(std::strerror(error)), "); ", kRight));
}

}  // namespace

absl::Status ReadSecretFile(const std::string& path, SipKey& secret) {
  // Without O_NONBLOCK a named pipe would be waited for before it could be refused.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return CannotBeRead(errno);
  OpenFile file(fd);
  struct stat about {};
  if (fstat(file.fd, &about) != 0) return CannotBeRead(errno);
  if (absl::Status status = CheckOwner(about); !status.ok()) return status;
  const ssize_t size = ReadAll(file.fd, file.text);
  if (size < 0) return CannotBeRead(errno);
  return ParseDigits({file.text.data(), static_cast<size_t>(size)}, secret);
}

absl::Status CheckSecretFile(const std::string& path) {
  SipKey secret;
  const absl::Status status = ReadSecretFile(path, secret);
  Wipe(&secret, sizeof secret);
  return status;
}

}  // namespace weir::runtime
