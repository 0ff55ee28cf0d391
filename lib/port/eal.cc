// The EAL's arguments, start and stop.
#include "port/eal.h"

#include <dirent.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_version.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "port/log_capture.h"

namespace weir::port {
namespace {

// "(0-3)" for processors 0, 1, 2 and 3: the set that the main lcore floats over.
std::string CoreSet(const std::vector<uint32_t>& cores) {
  std::string text = "(";
  for (size_t i = 0; i < cores.size(); ++i) {
    if (i > 0) text += ",";
    text += std::to_string(cores[i]);
  }
  return text + ")";
}

std::string Lcores(const std::vector<uint32_t>& cores) {
  std::string text = "0@" + CoreSet(AllowedCores());
  for (unsigned i = 0; i < cores.size(); ++i) {
    text += "," + std::to_string(WorkerLcore(i)) + "@" + std::to_string(cores[i]);
  }
  return text;
}

uint64_t ReadNumber(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  file >> value;
  return file ? value : 0;
}

// What the EAL said while it started well; "" until then.
std::string& StartLog() {
  static std::string log;
  return log;
}

// The EAL leaves its directory behind, empty. One that another process uses as well is not removed.
void RemoveRuntimeDirectory() { rmdir(rte_eal_get_runtime_dir()); }

}  // namespace

std::vector<std::string> EalArguments(const EalOptions& options) {
  std::vector<std::string> arguments = {"weir", "--lcores", Lcores(options.cores)};
  const auto add = [&](std::string argument) { arguments.push_back(std::move(argument)); };
  add("--log-level=notice");  // kept for the case of failure
  add("--file-prefix=" + options.file_prefix);
  add("-m");
  add(std::to_string(options.memory_mb));
  if (options.huge_pages) {
    add("--in-memory");  // no page files that outlive the process
  } else {
    add("--no-huge");  // excludes --in-memory
    add("--no-shconf");
  }
  // Without an explicit list the EAL would probe every NIC of the machine.
  if (options.pci_addresses.empty()) add("--no-pci");
  for (const std::string& address : options.pci_addresses) add("--allow=" + address);
  for (const std::string& device : options.virtual_devices) add("--vdev=" + device);
  for (const std::string& argument : options.extra) add(argument);
  return arguments;
}

absl::Status StartEal(const EalOptions& options) {
  if (options.cores.size() > WorkerLimit()) {
    return absl::InvalidArgumentError("too many workers: this DPDK has room for " +
                                      std::to_string(WorkerLimit()));
  }
  std::vector<std::string> arguments = EalArguments(options);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  // Before the EAL has handlers of its own: those run first and remove the telemetry socket.
  (void)std::atexit(RemoveRuntimeDirectory);
  LogCapture capture;
  const int parsed = rte_eal_init(static_cast<int>(argv.size()), argv.data());
  const int error = rte_errno;
  const std::string log = capture.Finish();
  if (parsed < 0) {
    std::string line;
    for (const std::string& argument : arguments) line += " " + argument;
    return absl::InternalError(std::string("the EAL did not start: ") + rte_strerror(error) + log +
                               "\n  its arguments:" + line);
  }
  StartLog() = log;
  return absl::OkStatus();
}

const std::string& EalStartLog() { return StartLog(); }

std::string DpdkVersion() { return rte_version(); }

void StopEal() { rte_eal_cleanup(); }

bool HugePagesAvailable(uint32_t memory_mb) {
  const std::string root = "/sys/kernel/mm/hugepages";
  const std::string prefix = "hugepages-";
  DIR* directory = opendir(root.c_str());
  if (directory == nullptr) return false;
  bool enough = false;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;  // "hugepages-2048kB"
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    const uint64_t page_kb = std::strtoull(name.c_str() + prefix.size(), nullptr, 10);
    const uint64_t free_pages = ReadNumber(root + "/" + name + "/free_hugepages");
    if (free_pages * page_kb / 1024 >= memory_mb) enough = true;
  }
  closedir(directory);
  return enough;
}

std::vector<uint32_t> AllowedCores() {
  cpu_set_t set;
  std::vector<uint32_t> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (uint32_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

unsigned WorkerLimit() { return RTE_MAX_LCORE - 1; }

bool LaunchWorker(unsigned worker, int (*f)(void*), void* argument) {
  return rte_eal_remote_launch(f, argument, WorkerLcore(worker)) == 0;
}

bool WorkerFinished(unsigned worker) {
  return rte_eal_get_lcore_state(WorkerLcore(worker)) != RUNNING;
}

void JoinWorker(unsigned worker) { rte_eal_wait_lcore(WorkerLcore(worker)); }

}  // namespace weir::port
