// /proc/net and /sys/class/net.
#include "flood/interfaces.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::flood {
namespace {

namespace fs = std::filesystem;

// Routes of at most this many bits are as good as the default: VPNs cut it in two.
constexpr unsigned kBitsOfDefault = 1;
constexpr size_t kFamilyMax = 64;

std::vector<std::string> Words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

unsigned long Hex(const std::string& word) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(word.c_str(), &end, 16);
  return *end == '\0' && end != word.c_str() ? value : ~0ul;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::vector<std::string> Interfaces::DefaultRoutes() const {
  std::vector<std::string> carriers;
  std::string line;
  std::ifstream v4(root_ + "proc/net/route");
  std::getline(v4, line);  // the heading
  while (std::getline(v4, line)) {
    const std::vector<std::string> words = Words(line);
    // Interface, destination, ... mask; both in the machine's order.
    if (words.size() < 8) continue;
    const unsigned long mask = Hex(words[7]);
    if (mask <= 0xffffffffu && __builtin_popcountl(mask) <= static_cast<int>(kBitsOfDefault)) {
      carriers.push_back(words[0]);
    }
  }
  std::ifstream v6(root_ + "proc/net/ipv6_route");
  while (std::getline(v6, line)) {
    const std::vector<std::string> words = Words(line);
    if (words.size() < 10 || words.back() == "lo") continue;  // lo: "unreachable"
    if (Hex(words[1]) <= kBitsOfDefault) carriers.push_back(words.back());
  }
  return carriers;
}

// The interface, what it stands on and what it belongs to, and theirs.
std::vector<std::string> Interfaces::Family(const std::string& interface) const {
  std::vector<std::string> family = {interface};
  const auto add = [&family](const std::string& name) {
    if (family.size() < kFamilyMax &&
        std::find(family.begin(), family.end(), name) == family.end()) {
      family.push_back(name);
    }
  };
  for (size_t i = 0; i < family.size(); ++i) {
    const fs::path directory = fs::path(root_) / "sys/class/net" / family[i];
    std::error_code error;
    const fs::path master = fs::read_symlink(directory / "master", error);
    if (!error) add(master.filename().string());
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind("lower_", 0) == 0) add(name.substr(6));
    }
  }
  return family;
}

bool Interfaces::CarriesDefaultRoute(const std::string& interface) const {
  const std::vector<std::string> carriers = DefaultRoutes();
  for (const std::string& name : Family(interface)) {
    if (std::find(carriers.begin(), carriers.end(), name) != carriers.end()) return true;
  }
  return false;
}

bool Interfaces::IsPhysical(const std::string& interface) const {
  for (const std::string& name : Family(interface)) {
    std::error_code error;
    if (fs::exists(fs::path(root_) / "sys/class/net" / name / "device", error)) return true;
  }
  return false;
}

std::vector<std::string> InterfacesOf(const std::string& device) {
  std::vector<std::string> interfaces;
  std::istringstream stream(device);
  std::string part;
  std::getline(stream, part, ',');  // the driver
  while (std::getline(stream, part, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = part.substr(0, equals);
    if (key == "remote" || EndsWith(key, "iface") || EndsWith(key, "iface_in")) {
      interfaces.push_back(part.substr(equals + 1));
    }
  }
  return interfaces;
}

}  // namespace weir::flood
