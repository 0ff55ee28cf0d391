// What the kernel says about network interfaces: which carry the default route, which are real.
#pragma once

#include <string>
#include <vector>

namespace weir::flood {

// Reads below `root`, "/" but in tests: proc/net/route, proc/net/ipv6_route, sys/class/net.
class Interfaces {
 public:
  explicit Interfaces(std::string root = "/") : root_(std::move(root)) {}

  // Whether the default route, or half of it, goes out of this interface, of one that it stands on
  // (a VLAN's or macvlan's), or of the bridge or bond that it belongs to.
  bool CarriesDefaultRoute(const std::string& interface) const;
  // Whether a device stands behind this interface or one that it stands on.
  bool IsPhysical(const std::string& interface) const;

 private:
  std::vector<std::string> DefaultRoutes() const;
  std::vector<std::string> Family(const std::string& interface) const;

  std::string root_;
};

// The kernel's interfaces that a --vdev string names: iface=, remote=, rx_iface= and the like.
std::vector<std::string> InterfacesOf(const std::string& device);

}  // namespace weir::flood
