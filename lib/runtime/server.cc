// ServerImpl before and after Run: EAL, ports, pools, workers, listeners; and their end.
#include "runtime/server.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include "base/wipe.h"
#include "packet/pool_mempool.h"
#include "port/eal.h"
#include "port/memif_socket.h"
#include "port/wall_clock.h"
#include "runtime/config_words.h"
#include "runtime/log_line.h"
#include "runtime/secret_file.h"
#include "runtime/stack_config.h"

namespace weir::runtime {
namespace {

constexpr uint32_t kRingPlaces = 2048;  // frames from the other workers, one turn's and some more
constexpr unsigned kMailboxPlaces = 64;
constexpr uint32_t kBacklogMax = 1u << 20;
constexpr uint32_t kConnectionsMax = 1u << 27;
constexpr uint32_t kDeferAcceptMaxMs = 3600000;
constexpr uint32_t kStreamsMax = 1u << 20;
constexpr uint32_t kStreamBufferMin = 2048, kStreamBufferMax = 1u << 24;
constexpr int kAnySocket = -1;

absl::StatusOr<std::vector<uint32_t>> ChooseCores(const WorkersConfig& workers) {
  std::vector<uint32_t> allowed = port::AllowedCores();
  for (uint32_t core : workers.cores) {
    if (std::find(allowed.begin(), allowed.end(), core) == allowed.end()) {
      return absl::InvalidArgumentError("workers.cores: processor " + std::to_string(core) +
                                        " does not exist or is not allowed to this process");
    }
  }
  if (!workers.cores.empty()) return workers.cores;
  if (allowed.size() < workers.count) {
    return absl::InvalidArgumentError("workers.count = " + std::to_string(workers.count) +
                                      ": this process may use " + std::to_string(allowed.size()) +
                                      " processors only");
  }
  allowed.resize(workers.count);
  return allowed;
}

absl::Status CheckRange(const char* name, std::optional<uint32_t> value, uint32_t min,
                        uint32_t max) {
  if (!value || (*value >= min && *value <= max)) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(name) + " = " + std::to_string(*value) +
                                    ": must be from " + std::to_string(min) + " to " +
                                    std::to_string(max));
}

absl::Status CheckPull(const PullOptions& pull) {
  for (const absl::Status& status :
       {CheckRange("max_streams", pull.max_streams, 1, kStreamsMax),
        CheckRange("send_buffer", pull.send_buffer, kStreamBufferMin, kStreamBufferMax),
        CheckRange("receive_buffer", pull.receive_buffer, kStreamBufferMin, kStreamBufferMax)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Only what is used once takes up memory, but nobody means more than the machine has.
absl::Status CheckFits(const PullSizes& sizes, unsigned workers) {
  const uint64_t wanted = workers * (uint64_t{sizes.backlog} + sizes.max_streams) *
                          (sizes.send_buffer + sizes.receive_buffer);
  const uint64_t there =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (wanted <= there) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "(backlog + max_streams) * (send_buffer + receive_buffer) on " + std::to_string(workers) +
      " workers is " + std::to_string(wanted >> 20) + " MB; this machine has " +
      std::to_string(there >> 20));
}

// Frames that the receive rings of a worker hold; `all`: with those for SYNs of "auto", too.
uint32_t ReceiveDescriptors(const Config& config, bool all) {
  uint32_t frames = 0;
  for (const PortConfig& port : config.ports) {
    const bool syn_ring =
        port.syn_queue == SynQueue::kOn || (all && port.syn_queue == SynQueue::kAuto);
    frames += port.rx_descriptors * (syn_ring ? 2 : 1);
  }
  return frames;
}

std::string DeviceName(const PortConfig& port) {
  return port.device.empty() ? port.pci : std::string(VirtualDeviceName(port.device));
}

}  // namespace

ServerImpl::ServerImpl(Config config) : config_(std::move(config)) {}

ServerImpl::~ServerImpl() {
  Close();
  Wipe(&secrets_, sizeof secrets_);
}

absl::Status ServerImpl::Open() {
  if (absl::Status status = DrawSecrets(secrets_); !status.ok()) return status;
  if (absl::Status status = TakeSharedSecret(); !status.ok()) return status;
  if (absl::Status status = CheckMemoryLock(); !status.ok()) return status;
  if (absl::Status status = StartEal(); !status.ok()) return status;
  if (absl::Status status = OpenPorts(); !status.ok()) return status;
  if (absl::Status status = CheckSteering(); !status.ok()) return status;
  if (absl::Status status = CheckSynQueues(); !status.ok()) return status;
  return MakeWorkers();
}

absl::Status ServerImpl::TakeSharedSecret() {
  const std::string& path = config_.tcp.syn_cookie_secret_file;
  if (path.empty()) return absl::OkStatus();
  SipKey shared;
  const absl::Status status = ReadSecretFile(path, shared);
  if (!status.ok()) {
    return absl::Status(status.code(), "tcp.syn_cookie_secret_file = \"" + path +
                                           "\": " + std::string(status.message()));
  }
  ShareSecrets(shared, secrets_);
  Wipe(&shared, sizeof shared);
  return absl::OkStatus();
}

// Whether so much may be locked, before a port is touched: an empty mapping stands for what the EAL
// will reserve, and nothing is brought in for it. LockMemory has the last word.
absl::Status ServerImpl::CheckMemoryLock() const {
  if (!config_.memory.lock) return absl::OkStatus();
  const size_t octets = size_t{config_.eal.memory_mb} << 20;
  void* const room =
      mmap(nullptr, octets, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return MemoryLockError(errno);
  const int refusal = mlockall(MCL_CURRENT | MCL_ONFAULT) == 0 ? 0 : errno;
  if (refusal == 0) munlockall();  // refused, it has changed nothing
  munmap(room, octets);
  return refusal == 0 ? absl::OkStatus() : MemoryLockError(refusal);
}

absl::Status ServerImpl::StartEal() {
  auto cores = ChooseCores(config_.workers);
  if (!cores.ok()) return cores.status();
  port::EalOptions options;
  options.cores = *cores;
  options.memory_mb = config_.eal.memory_mb;
  options.file_prefix = config_.eal.file_prefix;
  options.extra = config_.eal.args;
  options.huge_pages =
      config_.eal.huge_pages == HugePages::kOn || (config_.eal.huge_pages == HugePages::kAuto &&
                                                   port::HugePagesAvailable(config_.eal.memory_mb));
  for (const PortConfig& port : config_.ports) {
    if (port.device.empty()) {
      options.pci_addresses.push_back(port.pci);
    } else {
      if (absl::Status s = port::RemoveStaleMemifSocket(port.device); !s.ok()) return s;
      options.virtual_devices.push_back(port.device);
    }
  }
  absl::Status status = port::StartEal(options);
  eal_started_ = status.ok();
  for (const std::string& argument : options.extra) {
    if (argument.starts_with("--log-level")) LogLine("the EAL says:" + port::EalStartLog());
  }
  return status;
}

absl::Status ServerImpl::OpenPorts() {
  const uint32_t capacity = PoolCapacity(config_), room = PoolRoom(config_);
  const uint32_t descriptors = ReceiveDescriptors(config_, false);
  if (config_.memory.receive_buffers <= descriptors) {
    return absl::InvalidArgumentError(
        "memory.receive_buffers = " + std::to_string(config_.memory.receive_buffers) +
        ": must exceed what the receive rings hold, " + std::to_string(descriptors));
  }
  auto layout = PacketPool::Layout::kSpread;
  for (const PortConfig& port : config_.ports) {
    if (port.device.starts_with("net_af_xdp")) layout = PacketPool::Layout::kWholePages;
  }
  const bool spare_buffers = config_.memory.receive_buffers > ReceiveDescriptors(config_, true);
  std::vector<PacketPool*> pools;
  for (unsigned i = 0; i < worker_count(); ++i) {
    pools_.push_back(std::make_unique<PacketPool>("weir_packets_" + std::to_string(i), capacity,
                                                  room, kAnySocket, layout));
    if (!pools_.back()->ok()) {
      return absl::ResourceExhaustedError(
          std::to_string(capacity) + " packet buffers of " + std::to_string(room) +
          " octets for worker " + std::to_string(i) + ": " + pools_.back()->error() +
          "; raise eal.memory_mb or lower memory.receive_buffers and memory.text_buffers");
    }
    pools.push_back(pools_.back().get());
  }
  for (const PortConfig& port : config_.ports) {
    port::DeviceOptions options;
    options.name = port.name;
    options.device = DeviceName(port);
    options.rx_descriptors = static_cast<uint16_t>(port.rx_descriptors);
    options.tx_descriptors = static_cast<uint16_t>(port.tx_descriptors);
    options.mtu = static_cast<uint16_t>(port.mtu);
    options.vlan_strip = port.vlan != 0;
    options.mac = port.mac;
    std::copy_n(secrets_.mac, 6, options.fallback_mac.begin());
    options.fallback_mac[0] = static_cast<uint8_t>((options.fallback_mac[0] & 0xfc) | 0x02);
    options.fallback_mac[5] = static_cast<uint8_t>(options.fallback_mac[5] + devices_.size());
    options.rss_key = secrets_.rss_key;
    options.syn_queues =
        port.syn_queue == SynQueue::kOn || (port.syn_queue == SynQueue::kAuto && spare_buffers);
    if (port.syn_queue == SynQueue::kAuto && !spare_buffers) {
      LogLine("port " + port.name + ": no queue for SYNs: memory.receive_buffers = " +
              std::to_string(config_.memory.receive_buffers) + " does not suffice for its ring");
    }
    auto device = port::Device::Open(options, pools);
    if (!device.ok()) return device.status();
    (*device)->WaitForLink();
    LogLine((*device)->Describe());
    devices_.push_back(*std::move(device));
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::CheckSteering() const {
  if (worker_count() == 1 || config_.workers.steering != Steering::kDevice) return absl::OkStatus();
  for (const std::unique_ptr<port::Device>& device : devices_) {
    if (!device->grants().rss) {
      return absl::FailedPreconditionError(
          "workers.steering = \"device\": port " + device->name() +
          " did not take our RSS key and table; \"auto\" or \"software\" would do");
    }
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::CheckSynQueues() const {
  for (size_t i = 0; i < devices_.size(); ++i) {
    if (config_.ports[i].syn_queue == SynQueue::kOn && !devices_[i]->grants().syn_queues) {
      return absl::FailedPreconditionError(
          "port.syn_queue = \"on\": port " + devices_[i]->name() +
          ": the device does not take SYN rules: " + devices_[i]->syn_refusal() +
          "; \"auto\" or \"off\" would do");
    }
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::MakeWorkers() {
  Neighbourhood neighbourhood;
  if (worker_count() > 1) {
    steering_ = std::make_unique<FlowSteering>(secrets_.rss_key, worker_count());
    neighbourhood.steering = steering_.get();
    for (unsigned i = 0; i < worker_count(); ++i) {
      auto ring = port::PacketRing::Create("weir_frames_" + std::to_string(i), kRingPlaces);
      if (!ring.ok()) return ring.status();
      neighbourhood.rings.push_back(ring->get());
      rings_.push_back(*std::move(ring));
    }
  }
  std::vector<PortFacts> facts;
  std::vector<port::Device*> devices;
  for (const std::unique_ptr<port::Device>& device : devices_) {
    facts.push_back({device->id(), wire::MacAddress{device->mac()},
                     device->grants().tx_tcp_checksum, device->grants().syn_queues});
    devices.push_back(device.get());
  }
  for (unsigned i = 0; i < worker_count(); ++i) {
    auto mailbox = Mailbox::Create("weir_mail_" + std::to_string(i), kMailboxPlaces);
    if (!mailbox.ok()) return mailbox.status();
    WorkerOptions options;
    options.index = i;
    options.burst = config_.workers.burst;
    options.syn_burst =
        std::max(1u, config_.workers.burst * config_.workers.syn_share_percent / 100);
    options.idle = config_.workers.idle;
    options.sleep_max = Microseconds(config_.workers.sleep_us);
    for (const PortConfig& port : config_.ports) {
      options.receive_ring = std::min(options.receive_ring, port.rx_descriptors);
    }
    options.trust_rss = config_.workers.steering != Steering::kSoftware;
    // Anywhere below 2^48 us: far from an overflow, and peers learn nothing of how long we have
    // run.
    options.origin = Time{static_cast<int64_t>(secrets_.clock_origin >> 16)};
    // With cookies and timestamps of other servers about, time must be the same for all.
    if (!config_.tcp.syn_cookie_secret_file.empty()) options.shared_clock = port::WallTime;
    workers_.push_back(std::make_unique<Worker>(
        options, MakeStackConfig(config_, secrets_, facts, i, steering_.get()), *pools_[i], devices,
        neighbourhood, *std::move(mailbox)));
  }
  return absl::OkStatus();
}

bool ServerImpl::IsOurs(const IpAddress& address) const {
  for (const PortConfig& port : config_.ports) {
    for (const InterfaceAddress& a : port.addresses) {
      if (a.address == address) return true;
    }
  }
  return false;
}

absl::Status ServerImpl::CheckListen(const ListenOptions& options) const {
  if (options.port == 0) return absl::InvalidArgumentError("port 0 is not one to listen on");
  if (options.address && !IsOurs(*options.address)) {
    return absl::InvalidArgumentError(options.address->ToString() +
                                      " is not an address of this server");
  }
  for (const absl::Status& status :
       {CheckRange("syn_backlog", options.syn_backlog, 1, kBacklogMax),
        CheckRange("backlog", options.backlog, 1, kBacklogMax),
        CheckRange("defer_accept_ms", options.defer_accept_ms, 0, kDeferAcceptMaxMs),
        CheckRange("max_connections", options.max_connections, 0, kConnectionsMax),
        CheckRange("max_per_prefix", options.max_per_prefix, 0, kConnectionsMax),
        CheckRange("prefix_v4", options.prefix_v4, 8, 32),
        CheckRange("prefix_v6", options.prefix_v6, 16, 128)}) {
    if (!status.ok()) return status;
  }
  const tcp::TcpConfig defaults = MakeStackConfig(config_, secrets_, {}, 0).tcp;
  if (absl::Status s = tcp::WithOptions(defaults, options.connection).status(); !s.ok()) return s;
  for (const ListenOptions& other : listening_) {
    if (other.port == options.port && other.address == options.address) {
      return absl::AlreadyExistsError("port " + std::to_string(options.port) + " is taken");
    }
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::CheckBefore(const char* call) const {
  if (!run_called_) return absl::OkStatus();
  return absl::FailedPreconditionError(std::string(call) + " must be called before Run");
}

absl::Status ServerImpl::CheckBefore(const char* call, const HandlerFactory& factory) const {
  if (absl::Status status = CheckBefore(call); !status.ok()) return status;
  if (!factory) return absl::InvalidArgumentError(std::string(call) + " needs a handler factory");
  return absl::OkStatus();
}

absl::Status ServerImpl::Listen(const ListenOptions& options, HandlerFactory factory) {
  if (absl::Status status = CheckBefore("Listen", factory); !status.ok()) return status;
  if (absl::Status status = CheckListen(options); !status.ok()) return status;
  listening_.push_back(options);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->AddHandler({factory, options});
  return absl::OkStatus();
}

absl::StatusOr<Listener> ServerImpl::ListenPull(const ListenOptions& options,
                                                const PullOptions& pull) {
  if (absl::Status status = CheckBefore("ListenPull"); !status.ok()) return status;
  if (absl::Status status = CheckListen(options); !status.ok()) return status;
  if (absl::Status status = CheckPull(pull); !status.ok()) return status;
  const PullSizes sizes{
      .backlog = options.backlog.value_or(config_.tcp.backlog),
      .max_streams = pull.max_streams,
      .send_buffer = std::bit_ceil(pull.send_buffer),
      .receive_buffer = std::bit_ceil(pull.receive_buffer),
  };
  if (absl::Status status = CheckFits(sizes, worker_count()); !status.ok()) return status;
  listening_.push_back(options);
  ListenOptions uncoupled = options;
  uncoupled.connection.deliver_when_full = true;  // who is delivered to is not who sends
  auto listener = std::make_shared<PullListener>(sizes, worker_count());
  pull_listeners_.push_back(listener);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->AddHandler({.listen = uncoupled, .pull = listener});
  }
  return PullListener::HandleOf(std::move(listener));
}

absl::Status ServerImpl::Connect(const ConnectOptions& options, HandlerFactory factory) {
  if (absl::Status status = CheckBefore("Connect", factory); !status.ok()) return status;
  if (absl::Status s = workers_[0]->stack().CheckConnect(options); !s.ok()) return s;
  workers_[connects_++ % workers_.size()]->AddHandler({factory, std::nullopt, options});
  return absl::OkStatus();
}

absl::Status ServerImpl::AddHandler(HandlerFactory factory) {
  if (absl::Status status = CheckBefore("AddHandler", factory); !status.ok()) return status;
  for (const std::unique_ptr<Worker>& worker : workers_) worker->AddHandler({factory});
  return absl::OkStatus();
}

void ServerImpl::Close() {
  Leaks leaks;
  uint64_t kept_by_drivers = 0;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const tcp::Usage usage = worker->stack().tcp().usage();
    leaks.connections += usage.connections - usage.time_wait;
    leaks.time_wait += usage.time_wait;
    leaks.flights += usage.flights;
    leaks.kept_buffers += usage.kept_buffers;
  }
  StopPullListeners();
  const bool report = run_called_ && !workers_.empty();
  for (const std::unique_ptr<port::Device>& device : devices_) {
    if (report) LogLine(DeviceReport(device->name(), device->stats()));
    device->Close();
    kept_by_drivers += device->kept_buffers();
  }
  workers_.clear();
  rings_.clear();
  devices_.clear();
  for (const std::unique_ptr<PacketPool>& pool : pools_) leaks.packets += PacketsInUse(*pool);
  if (leaks.packets >= kept_by_drivers) leaks.packets -= kept_by_drivers;
  if (report) std::fprintf(stderr, "%s\n", LeakReport(leaks).c_str());
  pools_.clear();
  if (eal_started_) port::StopEal();
  eal_started_ = false;
}

}  // namespace weir::runtime
