// From the words of the flags to values.
#include "proxy/options.h"

#include <algorithm>

namespace weir::proxy {

absl::StatusOr<std::vector<Endpoint>> ParseUpstreams(const std::vector<std::string>& list) {
  std::vector<Endpoint> upstreams;
  for (const std::string& text : list) {
    const std::optional<Endpoint> endpoint = Endpoint::Parse(text);
    if (!endpoint || endpoint->port == 0) {
      return absl::InvalidArgumentError("--upstream: \"" + text +
                                        "\" is not ADDRESS:PORT or [ADDRESS]:PORT");
    }
    const IpAddress& address = endpoint->address;
    if (address.is_unspecified() || address.is_multicast() || address.is_loopback()) {
      return absl::InvalidArgumentError("--upstream: " + text +
                                        " is no host's address that a port leads to");
    }
    if (std::find(upstreams.begin(), upstreams.end(), *endpoint) != upstreams.end()) {
      return absl::InvalidArgumentError("--upstream: " + text + " is named twice");
    }
    upstreams.push_back(*endpoint);
  }
  if (upstreams.empty()) {
    return absl::InvalidArgumentError("--upstream: name at least one, ADDRESS:PORT,...");
  }
  if (upstreams.size() > Upstreams::kMax) {
    return absl::InvalidArgumentError("--upstream: " + std::to_string(upstreams.size()) +
                                      " are more than " + std::to_string(Upstreams::kMax));
  }
  return upstreams;
}

absl::StatusOr<Balance> ParseBalance(std::string_view name) {
  if (name == "least-connections") return Balance::kLeastConnections;
  if (name == "hash") return Balance::kHash;
  return absl::InvalidArgumentError("--balance=" + std::string(name) +
                                    ": must be least-connections or hash");
}

}  // namespace weir::proxy
