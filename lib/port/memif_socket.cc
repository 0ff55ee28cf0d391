// Trying the socket tells whether it is stale.
#include "port/memif_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::port {
namespace {

// The value of "key=value" in a comma-separated device string, or "".
std::string Argument(const std::string& device, const std::string& key) {
  size_t at = device.find("," + key + "=");
  if (at == std::string::npos) return "";
  at += key.size() + 2;
  return device.substr(at, device.find(',', at) - at);
}

bool IsSocket(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

// Whether connecting fails as it does when nobody listens.
bool NobodyListens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool refused =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  close(fd);
  return refused;
}

}  // namespace

absl::Status RemoveStaleMemifSocket(const std::string& virtual_device) {
  if (virtual_device.compare(0, 9, "net_memif") != 0) return absl::OkStatus();
  const std::string role = Argument(virtual_device, "role");
  const std::string path = Argument(virtual_device, "socket");
  const bool abstract = Argument(virtual_device, "socket-abstract") != "no";
  if ((role != "server" && role != "master") || path.empty() || abstract) return absl::OkStatus();
  if (!IsSocket(path)) return absl::OkStatus();
  if (!NobodyListens(path)) {
    return absl::AlreadyExistsError("memif socket " + path + ": another process listens on it");
  }
  unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace weir::port
