// weir-flood: floods a TCP server in a lab and says what became of honest clients.
#include <sys/utsname.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include "flood/flags.h"
#include "flood/interlocks.h"
#include "flood/report.h"
#include "flood/run.h"
#include "flood/version.h"
#include "packet/pool_mempool.h"
#include "port/device.h"
#include "port/eal.h"
#include "port/memif_socket.h"
#include "runtime/entropy.h"

namespace weir::flood {
namespace {

constexpr int kExitRefused = 3;
constexpr uint32_t kBuffers = 16384;
constexpr uint32_t kRoom = 2048;
constexpr int kAnySocket = -1;

// Set by SIGINT and SIGTERM; every burst looks at it.
std::atomic<bool> stop = false;
static_assert(std::atomic<bool>::is_always_lock_free);

int Refuse(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kExitRefused;
}

port::EalOptions EalOptionsOf(const Options& options) {
  port::EalOptions eal;
  const std::vector<uint32_t> cores = port::AllowedCores();
  eal.cores = {options.core >= 0 ? static_cast<uint32_t>(options.core) : cores.back()};
  eal.memory_mb = options.memory_mb;
  eal.huge_pages = options.huge_pages;
  eal.file_prefix = options.file_prefix;
  // net_memif without copying wants all memory in one file.
  if (options.device.find("zero-copy=yes") != std::string::npos) {
    eal.extra = {"--single-file-segments"};
  }
  if (IsPciAddress(options.device)) {
    eal.pci_addresses = {options.device};
  } else {
    eal.virtual_devices = {options.device};
  }
  return eal;
}

absl::StatusOr<std::unique_ptr<port::Device>> OpenDevice(const Options& options, PacketPool& pool,
                                                         const runtime::Secrets& secrets) {
  port::DeviceOptions device;
  device.name = "flood";
  device.device = options.device.substr(0, options.device.find(','));
  std::copy_n(secrets.mac, 6, device.fallback_mac.begin());
  device.fallback_mac[0] = static_cast<uint8_t>((device.fallback_mac[0] & 0xfc) | 0x02);
  device.rss_key = secrets.rss_key;
  PacketPool* const pools[] = {&pool};
  return port::Device::Open(device, pools);
}

// The measuring thread, and what it leaves behind.
struct Job {
  Run& run;
  Results& results;
  absl::Status status = absl::OkStatus();
};

int RunJob(void* argument) {
  Job& job = *static_cast<Job*>(argument);
  job.status = job.run.Execute(job.results);
  return 0;
}

absl::Status RunOnItsCore(Run& run, Results& results) {
  Job job{run, results};
  if (!port::LaunchWorker(0, RunJob, &job)) {
    return absl::InternalError("the core could not be started");
  }
  while (!port::WorkerFinished(0)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  port::JoinWorker(0);
  return job.status;
}

std::string Processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 10, "model name") == 0) return line.substr(line.find(':') + 2);
  }
  return "";
}

RunFacts Facts(int argc, char** argv, const port::Device& device, const port::EalOptions& eal,
               uint64_t seed) {
  RunFacts facts;
  facts.command_line.assign(argv, argv + argc);
  facts.eal_arguments = port::EalArguments(eal);
  facts.device = device.Describe();
  facts.processor = Processor();
  utsname name;
  if (uname(&name) == 0) facts.kernel = std::string(name.sysname) + " " + name.release;
  facts.dpdk = port::DpdkVersion();
  facts.version = kVersion;
  facts.seed = seed;
  return facts;
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << text;
  file.close();
  if (file) return absl::OkStatus();
  return absl::InternalError(path + ": could not be written");
}

// Leaves what is there.
absl::Status CheckWritable(const std::string& path) {
  if (path.empty() || std::ofstream(path, std::ios::app)) return absl::OkStatus();
  return absl::InternalError(path + ": cannot be written");
}

int Report(const Options& options, const Results& results, const RunFacts& facts) {
  const std::vector<Verdict> verdicts = Judge(options.criteria, results);
  std::fputs(TextReport(options, results, verdicts).c_str(), stdout);
  int exit_status = ExitStatus(results, verdicts);
  for (const absl::Status& status :
       {WriteFile(options.json, JsonReport(options, results, verdicts, facts)),
        WriteFile(options.svg, SvgReport(options, results))}) {
    if (status.ok()) continue;
    (void)Refuse(status);
    exit_status = std::max(exit_status, 1);
  }
  return exit_status;
}

// With the EAL running.
int Measure(const Options& options, const port::EalOptions& eal, int argc, char** argv) {
  runtime::Secrets secrets;
  if (absl::Status status = runtime::DrawSecrets(secrets); !status.ok()) return Refuse(status);
  const uint64_t seed = options.seed != 0 ? options.seed : secrets.shards | 1;
  const bool xdp = options.device.rfind("net_af_xdp", 0) == 0;
  PacketPool pool("flood_packets", kBuffers, kRoom, kAnySocket,
                  xdp ? PacketPool::Layout::kWholePages : PacketPool::Layout::kSpread);
  if (!pool.ok()) {
    return Refuse(
        absl::ResourceExhaustedError("packet buffers: " + pool.error() + "; raise --memory-mb"));
  }
  auto device = OpenDevice(options, pool, secrets);
  if (!device.ok()) return Refuse(device.status());
  std::fprintf(stderr, "weir-flood: %s, seed %llu\n", (*device)->Describe().c_str(),
               static_cast<unsigned long long>(seed));
  Results results;
  absl::Status status;
  {
    Run run(options, **device, pool, seed, stop);
    status = RunOnItsCore(run, results);
  }
  const RunFacts facts = Facts(argc, argv, **device, eal, seed);
  (*device)->Close();
  if (!status.ok()) return Refuse(status);
  return Report(options, results, facts);
}

int Main(int argc, char** argv) {
  const auto line = ReadCommandLine(argc, argv);
  if (!line.ok()) return Refuse(line.status());
  if (line->print) {
    std::fputs(line->print->c_str(), stdout);
    return 0;
  }
  const auto told = [](int) { stop.store(true, std::memory_order_relaxed); };
  std::signal(SIGINT, told);
  std::signal(SIGTERM, told);
  std::signal(SIGIO, SIG_IGN);  // of net_tap
  // Before anything is flooded for a report that cannot be kept.
  for (const std::string& path : {line->options.json, line->options.svg}) {
    if (absl::Status s = CheckWritable(path); !s.ok()) return Refuse(s);
  }
  const port::EalOptions eal = EalOptionsOf(line->options);
  if (absl::Status s = port::RemoveStaleMemifSocket(line->options.device); !s.ok()) {
    return Refuse(s);
  }
  if (absl::Status s = port::StartEal(eal); !s.ok()) return Refuse(s);
  const int exit_status = Measure(line->options, eal, argc, argv);
  port::StopEal();
  return exit_status;
}

}  // namespace
}  // namespace weir::flood

int main(int argc, char** argv) { return weir::flood::Main(argc, argv); }
