// Looks for values that are right by themselves and impossible together.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/config_draft.h"
#include "runtime/config_keys.h"
#include "runtime/config_value.h"
#include "runtime/config_words.h"
#include "runtime/secret_file.h"

namespace weir::runtime {
namespace {

constexpr uint32_t kIpv6MtuMin = 1280;       // RFC 8200 5
constexpr uint32_t kHeadersMin = 40;         // IPv4 and TCP without options
constexpr uint32_t kUnscaledWindow = 65535;  // RFC 9293 3.1
// A packet buffer with its headers and its place in the pool, rounded up.
constexpr uint64_t kBufferOctets = 2560;
constexpr uint32_t kShedGap = MemoryConfig{}.shed_high - MemoryConfig{}.shed_low;

std::string PortKey(size_t index, const char* key) {
  return absl::StrCat("port.", index, ".", key);
}

void FillIn(Draft& draft) {
  WorkersConfig& workers = draft.config.workers;
  if (!workers.cores.empty() && !draft.Given("workers.count") &&
      !draft.refused.contains("workers.count")) {
    workers.count = static_cast<uint32_t>(workers.cores.size());
  }
  MemoryConfig& memory = draft.config.memory;
  if (draft.Given("memory.shed_high") && memory.shed_high != 0 && !draft.Given("memory.shed_low") &&
      !draft.refused.contains("memory.shed_low")) {
    memory.shed_low = memory.shed_high - kShedGap;
  }
  for (size_t i = 0; i < draft.config.ports.size(); ++i) {
    std::string& name = draft.config.ports[i].name;
    if (name.empty()) name = absl::StrCat("port", i);
  }
}

void CheckWorkers(Draft& draft) {
  const WorkersConfig& workers = draft.config.workers;
  if (!workers.cores.empty() && workers.count != workers.cores.size()) {
    draft.Clash({"workers.count", "workers.cores"},
                absl::StrCat("clashes with workers.cores, which names ", workers.cores.size(),
                             "; leave one of the two out"));
  }
}

void CheckDevice(Draft& draft, size_t i) {
  const PortConfig& port = draft.config.ports[i];
  const std::string device_key = PortKey(i, "device"), pci_key = PortKey(i, "pci");
  if (port.device.empty() && port.pci.empty()) {
    draft.Clash({device_key, pci_key, absl::StrCat("port.", i)},
                "has neither device nor pci; give one of them");
  }
  if (!port.device.empty() && !port.pci.empty()) {
    draft.Clash({pci_key, device_key}, "clashes with device; leave one of the two out");
  }
}

void CheckAddresses(Draft& draft, size_t i) {
  const PortConfig& port = draft.config.ports[i];
  const std::string key = PortKey(i, "addresses");
  if (port.addresses.empty()) {
    draft.Clash({key, absl::StrCat("port.", i)},
                "has no addresses; give at least one, such as addresses = [\"198.18.0.2/24\"]");
  }
  const bool v6 = std::any_of(port.addresses.begin(), port.addresses.end(),
                              [](const InterfaceAddress& a) { return !a.address.is_v4(); });
  if (v6 && port.mtu < kIpv6MtuMin) {
    draft.Clash(
        {PortKey(i, "mtu"), key},
        absl::StrCat("too small for the port's IPv6 addresses; must be at least ", kIpv6MtuMin));
  }
}

void CheckGateway(Draft& draft, size_t i, const char* name,
                  const std::optional<IpAddress>& gateway) {
  if (!gateway) return;
  const PortConfig& port = draft.config.ports[i];
  const std::string key = PortKey(i, name), addresses_key = PortKey(i, "addresses");
  bool on_link = gateway->is_link_local_v6();
  for (const InterfaceAddress& own : port.addresses) {
    if (own.address == *gateway) {
      draft.Clash({key, addresses_key}, "the port's own address; must be a router's");
      return;
    }
    on_link = on_link || gateway->InPrefix(own.address, own.prefix_bits);
  }
  if (!on_link) {
    draft.Clash(
        {key, addresses_key},
        absl::StrCat("not on link; must be within the prefix of one of the port's addresses",
                     gateway->is_v4() ? "" : ", or link-local"));
  }
}

void CheckQueues(Draft& draft, size_t i) {
  const PortConfig& port = draft.config.ports[i];
  const uint32_t workers = draft.config.workers.count;
  if (port.queues != 0 && port.queues < workers) {
    draft.Clash({PortKey(i, "queues"), "workers.count", "workers.cores"},
                absl::StrCat("fewer than workers (", workers,
                             "); must be at least that, or 0 (one "
                             "for each worker)"));
  }
}

// What two ports may not share.
void CheckAgainstEarlierPorts(Draft& draft, size_t i) {
  const PortConfig& port = draft.config.ports[i];
  for (size_t j = 0; j < i; ++j) {
    const PortConfig& earlier = draft.config.ports[j];
    if (port.name == earlier.name) {
      draft.Clash(
          {PortKey(i, "name"), PortKey(j, "name")},
          absl::StrCat("port.", j, " and port.", i, " have one name; names must be unique"));
    }
    if (!port.pci.empty() && port.pci == earlier.pci) {
      draft.Clash({PortKey(i, "pci"), PortKey(j, "pci")},
                  absl::StrCat("also the device of port.", j, "; must be unique"));
    }
    if (!port.device.empty() &&
        VirtualDeviceName(port.device) == VirtualDeviceName(earlier.device)) {
      draft.Clash(
          {PortKey(i, "device"), PortKey(j, "device")},
          absl::StrCat(std::string(VirtualDeviceName(port.device)), " is also the device of port.",
                       j, "; must be unique, such as ", "net_tap0 and net_tap1"));
    }
  }
}

void CheckDuplicateAddresses(Draft& draft) {
  const std::vector<PortConfig>& ports = draft.config.ports;
  std::map<IpAddress, size_t> owners;
  for (size_t i = 0; i < ports.size(); ++i) {
    for (const InterfaceAddress& own : ports[i].addresses) {
      const auto [owner, first] = owners.emplace(own.address, i);
      if (first) continue;
      draft.Clash({PortKey(i, "addresses"), PortKey(owner->second, "addresses")},
                  absl::StrCat(own.address.ToString(),
                               owner->second == i
                                   ? std::string(" is given twice")
                                   : absl::StrCat(" is also an address of port.", owner->second),
                               "; each address must be given once"));
    }
  }
}

void CheckPorts(Draft& draft) {
  for (size_t i = 0; i < draft.config.ports.size(); ++i) {
    CheckDevice(draft, i);
    CheckAddresses(draft, i);
    CheckGateway(draft, i, "gateway4", draft.config.ports[i].gateway4);
    CheckGateway(draft, i, "gateway6", draft.config.ports[i].gateway6);
    CheckQueues(draft, i);
    CheckAgainstEarlierPorts(draft, i);
  }
  CheckDuplicateAddresses(draft);
}

void CheckMemory(Draft& draft) {
  const MemoryConfig& memory = draft.config.memory;
  const uint32_t workers = draft.config.workers.count;
  if (memory.max_pinned_buffers > memory.receive_buffers) {
    draft.Clash({"memory.max_pinned_buffers", "memory.receive_buffers"},
                absl::StrCat("max_pinned_buffers (", memory.max_pinned_buffers,
                             ") is above receive_buffers (", memory.receive_buffers,
                             "); max_pinned_buffers must be at most receive_buffers"));
  }
  std::vector<std::string> keys = {"memory.receive_buffers"};
  for (size_t i = 0; i < draft.config.ports.size(); ++i) {
    for (const char* key : {"rx_descriptors", "queues", "syn_queue"}) {
      keys.push_back(PortKey(i, key));
    }
  }
  const uint64_t descriptors = ReceiveRingFrames(draft.config);
  if (memory.receive_buffers <= descriptors) {
    draft.Clash(keys, absl::StrCat("receive_buffers (", memory.receive_buffers,
                                   ") is not above what the receive rings of a worker hold; "
                                   "receive_buffers must be above ",
                                   descriptors, ", the rx_descriptors of all its queues"));
  }
  const uint64_t buffers =
      uint64_t{workers} * (uint64_t{memory.receive_buffers} + memory.text_buffers);
  const uint64_t needed_mb = (buffers * kBufferOctets + (1u << 20) - 1) >> 20;
  if (draft.config.eal.memory_mb < needed_mb) {
    draft.Clash(
        {"eal.memory_mb", "memory.receive_buffers", "memory.text_buffers", "workers.count",
         "workers.cores"},
        absl::StrCat("eal.memory_mb = ", draft.config.eal.memory_mb, " is too little for ", buffers,
                     " packet buffers on ", workers, workers == 1 ? " worker" : " workers",
                     "; must be at least ", needed_mb));
  }
}

void CheckMarks(Draft& draft) {
  const MemoryConfig& memory = draft.config.memory;
  if (memory.shed_high != 0 && memory.shed_low > memory.shed_high) {
    draft.Clash(
        {"memory.shed_low", "memory.shed_high"},
        absl::StrCat("shed_low is above shed_high; shed_low must be at most ", memory.shed_high));
  }
}

void CheckTcpTimes(Draft& draft) {
  const TcpConfig& tcp = draft.config.tcp;
  if (tcp.rto_min_ms > tcp.rto_max_ms) {
    draft.Clash({"tcp.rto_min_ms", "tcp.rto_max_ms"},
                absl::StrCat("rto_min_ms is above rto_max_ms; rto_min_ms must be at most ",
                             tcp.rto_max_ms));
  }
  if (tcp.rto_initial_ms > tcp.rto_max_ms) {
    draft.Clash({"tcp.rto_initial_ms", "tcp.rto_max_ms"},
                absl::StrCat("rto_initial_ms is above rto_max_ms; rto_initial_ms must be at most ",
                             tcp.rto_max_ms));
  }
  if (tcp.rto_initial_ms < tcp.rto_min_ms) {
    draft.Clash({"tcp.rto_initial_ms", "tcp.rto_min_ms"},
                absl::StrCat("rto_initial_ms is below rto_min_ms; rto_initial_ms must be at least ",
                             tcp.rto_min_ms));
  }
  if (tcp.retries1 > tcp.retries2) {
    draft.Clash(
        {"tcp.retries1", "tcp.retries2"},
        absl::StrCat("retries1 is above retries2; retries1 must be at most ", tcp.retries2));
  }
}

void CheckTcpSizes(Draft& draft) {
  const TcpConfig& tcp = draft.config.tcp;
  if (tcp.window_scale && (uint64_t{kUnscaledWindow} << *tcp.window_scale) < tcp.receive_buffer) {
    draft.Clash({"tcp.window_scale", "tcp.receive_buffer"},
                absl::StrCat("windows of at most ", kUnscaledWindow << *tcp.window_scale,
                             " octets cannot offer receive_buffer (", tcp.receive_buffer,
                             "); must be larger, or \"auto\""));
  }
  uint32_t mtu_max = 0;
  std::string mtu_key;
  for (size_t i = 0; i < draft.config.ports.size(); ++i) {
    if (draft.config.ports[i].mtu <= mtu_max) continue;
    mtu_max = draft.config.ports[i].mtu;
    mtu_key = PortKey(i, "mtu");
  }
  if (mtu_max != 0 && tcp.mss > mtu_max - kHeadersMin) {
    draft.Clash({"tcp.mss", mtu_key},
                absl::StrCat("larger than any port's MTU (", mtu_max, ") allows; must be at most ",
                             mtu_max - kHeadersMin));
  }
}

}  // namespace

void Draft::Accept(const std::string& key, std::string origin) {
  refused.erase(key);
  origins[key] = std::move(origin);
}

void Draft::Refuse(const std::string& key, const std::string& origin, const std::string& problem) {
  refused.insert(key);
  problems.push_back(absl::StrCat(origin, ": ", problem));
}

std::string Draft::Blamed(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (Given(key)) return origins[key];
  }
  const std::optional<Key> first = FindKey(config, keys.front());
  return first ? absl::StrCat(keys.front(), " = ", PrintValue(first->slot)) : keys.front();
}

void Draft::Clash(const std::vector<std::string>& keys, const std::string& problem) {
  for (const std::string& key : keys) {
    if (refused.contains(key)) return;  // said already what is wrong there
  }
  problems.push_back(absl::StrCat(Blamed(keys), ": ", problem));
}

void Draft::Warn(const std::vector<std::string>& keys, const std::string& warning) {
  warnings.push_back(absl::StrCat(Blamed(keys), ": ", warning));
}

uint64_t ReceiveRingFrames(const Config& config) {
  const uint32_t workers = config.workers.count;
  uint64_t frames = 0;
  for (const PortConfig& port : config.ports) {
    const uint32_t queues = std::max(port.queues, workers);
    const uint32_t syn_rings = port.syn_queue == SynQueue::kOn ? 1 : 0;
    frames += uint64_t{port.rx_descriptors} * ((queues + workers - 1) / workers + syn_rings);
  }
  return frames;
}

void CheckFiles(Draft& draft) {
  const std::string& secret = draft.config.tcp.syn_cookie_secret_file;
  if (secret.empty()) return;
  if (const absl::Status status = CheckSecretFile(secret); !status.ok()) {
    draft.Clash({"tcp.syn_cookie_secret_file"}, std::string(status.message()));
  }
}

absl::Status Finish(Draft& draft) {
  FillIn(draft);
  CheckWorkers(draft);
  CheckPorts(draft);
  CheckMemory(draft);
  CheckMarks(draft);
  CheckTcpTimes(draft);
  CheckTcpSizes(draft);
  if (!draft.problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(draft.problems, "\n"));
  }
  FindWarnings(draft);
  return absl::OkStatus();
}

}  // namespace weir::runtime
