// The EAL: DPDK's start and stop, always with an explicit list of devices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace weir::port {

struct EalOptions {
  std::vector<std::string> virtual_devices;  // "net_tap0,iface=weir0"
  std::vector<std::string> pci_addresses;    // "0000:01:00.0"; no other PCI device is touched
  bool huge_pages = false;
  uint32_t memory_mb = 512;
  std::string file_prefix = "weir";
  std::vector<uint32_t> cores;     // worker i runs on processor cores[i]
  std::vector<std::string> extra;  // arguments after all of ours
};

// rte_eal_init, once per process. Afterwards the calling thread is DPDK's main lcore, allowed on
// every processor it was allowed on before; worker i is lcore WorkerLcore(i), pinned. On failure
// the EAL's own words are in the status.
absl::Status StartEal(const EalOptions& options);
// What it logged all the same when it did start: harmless mostly, and the reason why where a device
// turns out to be missing. Each line after a newline, indented.
const std::string& EalStartLog();
// "DPDK 22.11.1" or the like.
std::string DpdkVersion();
// rte_eal_cleanup; nothing of DPDK may be used afterwards.
void StopEal();

// The argument list that StartEal gives to rte_eal_init.
std::vector<std::string> EalArguments(const EalOptions& options);

// Whether `memory_mb` of huge pages of one size are free now.
bool HugePagesAvailable(uint32_t memory_mb);
// The processors that this process may run on, in ascending order.
std::vector<uint32_t> AllowedCores();

// Lcore 0 is the main thread.
constexpr unsigned WorkerLcore(unsigned worker) { return worker + 1; }
// Workers that one process can have.
unsigned WorkerLimit();
// Runs f(argument) on that worker's lcore and returns at once; false when it is not there or busy.
bool LaunchWorker(unsigned worker, int (*f)(void*), void* argument);
// Whether that worker's f has returned, or never ran.
bool WorkerFinished(unsigned worker);
// Waits until that worker's f has returned.
void JoinWorker(unsigned worker);

}  // namespace weir::port
