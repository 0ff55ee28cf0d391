// Text forms of configuration values: addresses, devices, EAL arguments; and the nearest known
// name.
#include "runtime/config_words.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace weir::runtime {
namespace {

constexpr const char* kHugePagesWords[] = {"auto", "off", "on"};
constexpr const char* kIdleWords[] = {"spin", "pause", "sleep"};
constexpr const char* kSynQueueWords[] = {"auto", "off", "on"};
constexpr const char* kSteeringWords[] = {"auto", "device", "software"};
constexpr const char* kCongestionWords[] = {"newreno"};
constexpr const char* kSynCookiesWords[] = {"off", "auto", "always"};
constexpr const char* kAcceptOverflowWords[] = {"drop", "reset"};
constexpr const char* kMtuProbingWords[] = {"off", "black-hole", "on"};
constexpr const char* kShedIdleWords[] = {"off", "oldest"};

// The drivers that `device` may name; a device's name is a driver's name and what tells it from
// others of that driver.
constexpr std::string_view kVirtualDrivers[] = {
    "net_tap",  "net_memif", "net_ring",        "net_af_packet", "net_af_xdp",
    "net_pcap", "net_null",  "net_virtio_user", "net_vhost",
};
constexpr size_t kDeviceNameMax = 63;  // RTE_DEV_NAME_MAX_LEN counts the terminator
constexpr size_t kNameMax = 32;
constexpr size_t kPathMax = 4095;  // PATH_MAX less the final zero

// EAL options that weir gives itself, with the key that decides them.
struct EalOption {
  std::string_view name;
  const char* instead;
};
constexpr EalOption kEalShortOptions[] = {
    {"-l", "use workers.cores"}, {"-c", "use workers.cores"}, {"-a", "use port.pci"},
    {"-b", "use port.pci"},      {"-m", "use eal.memory_mb"},
};
constexpr EalOption kEalLongOptions[] = {
    {"--lcores", "use workers.cores"},
    {"--main-lcore", "use workers.cores"},
    {"--allow", "use port.pci"},
    {"--block", "use port.pci"},
    {"--no-pci", "use port.pci"},
    {"--vdev", "use port.device"},
    {"--no-huge", "use eal.huge_pages"},
    {"--in-memory", "use eal.huge_pages"},
    {"--no-shconf", "use eal.huge_pages"},
    {"--socket-mem", "use eal.memory_mb"},
    {"--file-prefix", "use eal.file_prefix"},
    {"--proc-type", "weir is always a primary process"},
};

constexpr char kAddressRight[] = "write ADDRESS/LENGTH such as 198.18.0.2/24 or 2001:2::2/64";

absl::Status Wrong(std::string_view message) {
  return absl::InvalidArgumentError(absl::string_view(message.data(), message.size()));
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameCharacter(char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '-'; }

// The whole of `text` as a number in `base` of at most `digits_max` digits; nothing on any error.
std::optional<uint32_t> WholeNumber(std::string_view text, int base, size_t digits_max) {
  uint32_t value = 0;
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// IPv4-mapped text ("::ffff:1.2.3.4") is not an address to configure: it would be taken for IPv4.
std::optional<IpAddress> ParseAddress(const std::string& text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  if (address && address->is_v4() && text.find(':') != std::string::npos) return std::nullopt;
  return address;
}

// What keeps an address from being a host's own or a router's; "" if nothing does.
std::string Unusable(const IpAddress& address) {
  if (address.is_unspecified()) return "the unspecified address";
  if (address.is_loopback()) return "a loopback address";
  if (address.is_multicast()) return "a multicast address";
  if (address.is_v4() && address.v4() >> 28 == 0xf) return "a reserved address";
  if (address.is_v4() && address.v4() >> 24 == 0) return "an address of \"this network\"";
  return "";
}

// RFC 1122 3.2.1.3; prefixes of 31 and 32 bits have neither (RFC 3021).
std::string NetworkOrBroadcast(const IpAddress& address, uint32_t prefix_bits) {
  if (!address.is_v4() || prefix_bits > 30) return "";
  const uint32_t host_mask = 0xffffffffu >> prefix_bits;
  if ((address.v4() & host_mask) == 0) return "the network's own address";
  if ((address.v4() & host_mask) == host_mask) return "the network's broadcast address";
  return "";
}

// Letters inserted, left out, replaced, or swapped with their neighbour (optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above, row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::move(above);
    above = row;
    row[0] = i;
    for (size_t j = 1; j < row.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::span<const char* const> Words(HugePages) { return kHugePagesWords; }
std::span<const char* const> Words(Idle) { return kIdleWords; }
std::span<const char* const> Words(Steering) { return kSteeringWords; }
std::span<const char* const> Words(SynQueue) { return kSynQueueWords; }
std::span<const char* const> Words(Congestion) { return kCongestionWords; }
std::span<const char* const> Words(SynCookies) { return kSynCookiesWords; }
std::span<const char* const> Words(AcceptOverflow) { return kAcceptOverflowWords; }
std::span<const char* const> Words(MtuProbing) { return kMtuProbingWords; }
std::span<const char* const> Words(ShedIdle) { return kShedIdleWords; }

absl::StatusOr<InterfaceAddress> ParseInterfaceAddress(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) {
    return Wrong(absl::StrCat("no prefix length; ", kAddressRight));
  }
  const std::optional<IpAddress> address = ParseAddress(text.substr(0, slash));
  if (!address) return Wrong(absl::StrCat("not an IP address; ", kAddressRight));
  const uint32_t bits_max = address->is_v4() ? 32 : 128;
  const std::optional<uint32_t> bits = WholeNumber(std::string_view(text).substr(slash + 1), 10, 3);
  if (!bits || *bits < 1 || *bits > bits_max) {
    return Wrong(absl::StrCat("no such prefix length; must be from 1 to ", bits_max));
  }
  std::string unusable = Unusable(*address);
  if (unusable.empty()) unusable = NetworkOrBroadcast(*address, *bits);
  if (!unusable.empty()) return Wrong(unusable + "; must be a host's own unicast address");
  return InterfaceAddress{*address, static_cast<uint8_t>(*bits)};
}

absl::StatusOr<IpAddress> ParseGateway(const std::string& text, bool v4) {
  const std::optional<IpAddress> address = ParseAddress(text);
  if (!address || address->is_v4() != v4) {
    return Wrong(v4 ? "not an IPv4 address; must be a router's address such as 198.18.0.1"
                    : "not an IPv6 address; must be a router's address such as fe80::1");
  }
  const std::string unusable = Unusable(*address);
  if (!unusable.empty()) return Wrong(unusable + "; must be a router's unicast address");
  return *address;
}

absl::StatusOr<MacAddress> ParseMacAddress(const std::string& text) {
  constexpr size_t kTextSize = 17;  // 02:00:00:00:00:01
  MacAddress mac{};
  bool good = text.size() == kTextSize;
  for (size_t i = 0; good && i < mac.size(); ++i) {
    const auto octet = WholeNumber(std::string_view(text).substr(3 * i, 2), 16, 2);
    good = octet && (i == 0 || text[3 * i - 1] == ':') && text[3 * i + 1] != ':';
    if (good) mac[i] = static_cast<uint8_t>(*octet);
  }
  if (!good) return Wrong("not a link address; write six octets such as 02:00:00:00:00:01");
  if (mac == MacAddress{})
    return Wrong("all zero; must be a unicast address such as 02:00:00:00:00:01");
  if (mac[0] & 1) {
    return Wrong(
        "a group address; must be unicast: the first octet even, such as 02:00:00:00:00:01");
  }
  return mac;
}

std::string PrintMacAddress(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

absl::Status NormalizePortName(std::string& text) {
  const bool good = text.empty() || (text.size() <= kNameMax && IsLetter(text[0]) &&
                                     std::all_of(text.begin(), text.end(), IsNameCharacter));
  if (good) return absl::OkStatus();
  return Wrong("not a name; must be a letter, then up to 31 letters, digits, '_' or '-'");
}

absl::Status NormalizeFilePrefix(std::string& text) {
  const auto allowed = [](char c) { return IsNameCharacter(c) || c == '.'; };
  // It becomes a directory's name: "." and ".." must not get through.
  const bool good = !text.empty() && text.size() <= kNameMax && text[0] != '.' && text[0] != '-' &&
                    std::all_of(text.begin(), text.end(), allowed);
  if (good) return absl::OkStatus();
  return Wrong(
      "not a prefix; must be 1 to 32 letters, digits, '_', '-' or '.', beginning with a letter, a "
      "digit or '_'");
}

absl::Status NormalizePath(std::string& text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  if (text.size() <= kPathMax && std::none_of(text.begin(), text.end(), control)) {
    return absl::OkStatus();
  }
  return Wrong(
      "not a path; must be the path of a file, at most 4095 octets without control characters, or "
      "\"\"");
}

std::string_view VirtualDeviceName(std::string_view device) {
  return device.substr(0, device.find(','));
}

absl::Status NormalizeVirtualDevice(std::string& text) {
  if (text.empty()) return absl::OkStatus();
  const std::string_view name = VirtualDeviceName(text);
  const auto drives = [&](std::string_view driver) {
    // What follows must not make it another driver's name: net_tapestry is none of net_tap's.
    return name.starts_with(driver) &&
           (name.size() == driver.size() || !IsLetter(name[driver.size()]));
  };
  if (std::none_of(std::begin(kVirtualDrivers), std::end(kVirtualDrivers), drives)) {
    std::string drivers;
    for (std::string_view driver : kVirtualDrivers) {
      drivers += (drivers.empty() ? "" : driver == kVirtualDrivers[8] ? " or " : ", ");
      drivers += driver;
    }
    return Wrong("no known virtual device; must begin with " + drivers);
  }
  if (name.size() > kDeviceNameMax) {
    return Wrong("the device's name is too long; must be at most 63 characters up to the comma");
  }
  const auto strange = [](char c) { return c <= ' ' || c >= 0x7f; };
  if (std::any_of(text.begin(), text.end(), strange)) {
    return Wrong("a space or an unprintable character; must be as after --vdev, without spaces");
  }
  return absl::OkStatus();
}

absl::Status NormalizePciAddress(std::string& text) {
  if (text.empty()) return absl::OkStatus();
  const std::string full = text.size() == 7 ? "0000:" + text : text;  // "01:00.0"
  const std::string_view view = full;
  const bool shape = view.size() == 12 && view[4] == ':' && view[7] == ':' && view[10] == '.';
  if (shape) {
    const auto domain = WholeNumber(view.substr(0, 4), 16, 4);
    const auto bus = WholeNumber(view.substr(5, 2), 16, 2);
    const auto slot = WholeNumber(view.substr(8, 2), 16, 2);
    const auto function = WholeNumber(view.substr(11, 1), 16, 1);
    if (domain && bus && slot && *slot < 32 && function && *function < 8) {
      text = full;
      for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      return absl::OkStatus();
    }
  }
  return Wrong("not a PCI address; write DOMAIN:BUS:DEVICE.FUNCTION such as 0000:01:00.0");
}

absl::Status CheckEalArguments(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    const std::string_view view = argument;
    const std::string_view name = view.substr(0, view.find('='));
    if (argument == "--") return Wrong("\"--\" would end the EAL's options; leave it out");
    for (const EalOption& option : kEalShortOptions) {
      if (view.starts_with(option.name)) {
        return Wrong(absl::StrCat("\"", argument, "\" is set by weir; ", option.instead));
      }
    }
    for (const EalOption& option : kEalLongOptions) {
      // The EAL takes abbreviations of long options ("--vd").
      if (name.starts_with("--") && option.name.starts_with(name)) {
        return Wrong(absl::StrCat("\"", argument, "\" is set by weir; ", option.instead));
      }
    }
  }
  return absl::OkStatus();
}

std::string OneLine(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return line;
}

std::string Nearest(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestName = 64;  // bounds the work; no key is as long
  if (name.size() > kLongestName) return "";
  std::string nearest;
  size_t least = 1 + std::max<size_t>(1, name.size() / 4);
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace weir::runtime
