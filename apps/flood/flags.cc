// Every flag of weir-flood.
#include "flood/flags.h"

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_join.h"
#include "runtime/flag_reader.h"

using Words = std::vector<std::string>;

ABSL_FLAG(std::string, device, "",
          "the DPDK device to send from: net_memif0,..., net_af_packet0,iface=..., and so on; or a "
          "PCI address, with --allow-physical");
ABSL_FLAG(std::string, target, "198.18.0.2:7",
          "whom to flood: ADDRESS:PORT or [ADDRESS]:PORT of a server that echoes");
ABSL_FLAG(Words, address, Words({"198.18.0.1/24", "2001:2::1/64"}),
          "our own addresses, ADDRESS/BITS: honest clients come from those of the target's family; "
          "the target's router must be the first of them");
ABSL_FLAG(std::string, sources, "",
          "the network that the flood comes from (default: 198.19.0.0/16 or 2001:2:0:ff00::/56): "
          "its lower half are hosts that do not exist, its upper half those of modes that complete "
          "handshakes");
ABSL_FLAG(Words, mode, Words({"syn"}), "floods, in turn; --mode=list names all of them");
ABSL_FLAG(Words, rate, Words({"10000"}),
          "the sweep: frames per second (5000, 20k, 1.5M) or percentages of the capacity (90%)");
ABSL_FLAG(std::string, pulse, "", "ON/OFF milliseconds: the flood comes in pulses");
ABSL_FLAG(std::string, rate_cap, "",
          "frames per second (5000, 20k, 1.5M) that are never exceeded; must be given");
ABSL_FLAG(double, duration, 0,
          "seconds after which everything ends, whatever is under way; must be given");
ABSL_FLAG(double, step, 5, "seconds for each rate");
ABSL_FLAG(double, baseline, 5, "seconds without a flood before");
ABSL_FLAG(double, recovery, 5, "seconds without a flood afterwards");
ABSL_FLAG(bool, capacity_search, false,
          "first finds the rate at which SYN-ACKs stop keeping up with SYNs");
ABSL_FLAG(double, capacity, 0, "that rate, where it is known");
ABSL_FLAG(double, legit_rate, 100, "honest connections per second: open, one request, close");
ABSL_FLAG(std::string, arrivals, "poisson", "when they come: constant or poisson");
ABSL_FLAG(uint32_t, request_size, 64, "octets of a request, and of its answer");
ABSL_FLAG(uint32_t, deadline_ms, 3000, "when a connection without its answer has failed");
ABSL_FLAG(uint32_t, established, 0, "flows that are opened before the flood and keep asking");
ABSL_FLAG(double, established_rate, 1000, "requests per second of all of them together");
ABSL_FLAG(uint32_t, peers, 1000, "hosts of modes that complete handshakes");
ABSL_FLAG(Words, criteria, Words(),
          "what must hold in every step of the flood, METRIC>=NUMBER or METRIC<=NUMBER, with "
          "@RATE (5000, 20k, 1.5M) or @PERCENT% in steps up to that; metrics: first_syn success "
          "success_1s goodput "
          "resets corrupt connect_p99_us answer_p99_us established_p99_us answer_p99_ratio "
          "amplification frame_amplification syn_ack_repeats forged replays recovery_s");
ABSL_FLAG(std::string, json, "", "file for the report with all samples");
ABSL_FLAG(std::string, svg, "", "file for a plot of success and p99 against the rate");
ABSL_FLAG(int32_t, core, -1, "the processor to run on; -1: the last that may be used");
ABSL_FLAG(uint32_t, memory_mb, 512, "memory for packet buffers");
ABSL_FLAG(bool, huge_pages, false, "takes it from huge pages");
ABSL_FLAG(std::string, file_prefix, "weir_flood", "tells this process of DPDK from others");
ABSL_FLAG(double, link_wait, 10, "seconds to wait for the link and for the target");
ABSL_FLAG(uint64_t, seed, 0, "of everything random; 0: drawn");
ABSL_FLAG(bool, check, false, "prints what would be done and ends");
ABSL_FLAG(bool, i_control_this_lab, false,
          "says that device, network and target are yours to break; must be given");
ABSL_FLAG(bool, allow_physical, false, "allows a device that is, or stands on, a physical one");
ABSL_FLAG(Words, allow_target, Words(),
          "networks beside 198.18.0.0/15 and 2001:2::/48 that addresses may be of");

namespace weir::flood {
namespace {

constexpr const char* kUsage =
    "Floods a TCP server in a lab, with honest clients beside the flood, and reports what became "
    "of "
    "them.\n"
    "Exit status: 0 passed, 1 a criterion failed, 2 the figures mean nothing (INVALID), 3 refused "
    "before a frame was sent.\n"
    "docs/flood.md has examples. Dashes and underscores in names are alike.";

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

absl::Status ReadTarget(Options& options) {
  const std::string text = absl::GetFlag(FLAGS_target);
  const auto target = Endpoint::Parse(text);
  if (!target) return Wrong("--target=" + text + ": not ADDRESS:PORT or [ADDRESS]:PORT");
  options.target = *target;
  const bool v4 = target->address.is_v4();
  auto addresses = ParseAddresses(absl::GetFlag(FLAGS_address), v4);
  if (!addresses.ok()) return addresses.status();
  options.addresses = *std::move(addresses);
  std::string sources = absl::GetFlag(FLAGS_sources);
  if (sources.empty()) sources = v4 ? "198.19.0.0/16" : "2001:2:0:ff00::/56";
  const auto prefix = Prefix::Parse(sources);
  if (!prefix) return Wrong("--sources=" + sources + ": not ADDRESS/BITS");
  options.sources = *prefix;
  return absl::OkStatus();
}

absl::Status ReadFlood(Options& options) {
  auto modes = ParseModes(absl::GetFlag(FLAGS_mode));
  if (!modes.ok()) return modes.status();
  options.modes = *std::move(modes);
  for (const std::string& text : absl::GetFlag(FLAGS_rate)) {
    auto rate = ParseRate(text);
    if (!rate.ok()) return rate.status();
    options.rates.push_back(*rate);
  }
  const auto cap = ParseRateCap(absl::GetFlag(FLAGS_rate_cap));
  if (!cap.ok()) return cap.status();
  options.rate_cap = *cap;
  auto pulse = ParsePulse(absl::GetFlag(FLAGS_pulse));
  if (!pulse.ok()) return pulse.status();
  options.pulse = *pulse;
  std::vector<std::string> problems;
  for (const std::string& text : absl::GetFlag(FLAGS_criteria)) {
    auto criterion = ParseCriterion(text);
    if (criterion.ok()) {
      options.criteria.push_back(*std::move(criterion));
    } else {
      problems.emplace_back(criterion.status().message());
    }
  }
  return problems.empty() ? absl::OkStatus() : Wrong(absl::StrJoin(problems, "\n"));
}

absl::Status ReadRest(Options& options) {
  const std::string arrivals = absl::GetFlag(FLAGS_arrivals);
  if (arrivals != "poisson" && arrivals != "constant") {
    return Wrong("--arrivals=" + arrivals + ": must be constant or poisson");
  }
  options.poisson = arrivals == "poisson";
  for (const std::string& text : absl::GetFlag(FLAGS_allow_target)) {
    const auto prefix = Prefix::Parse(text);
    if (!prefix) return Wrong("--allow-target=" + text + ": not ADDRESS/BITS");
    options.allow_target.push_back(*prefix);
  }
  options.device = absl::GetFlag(FLAGS_device);
  options.duration_s = absl::GetFlag(FLAGS_duration);
  options.step_s = absl::GetFlag(FLAGS_step);
  options.baseline_s = absl::GetFlag(FLAGS_baseline);
  options.recovery_s = absl::GetFlag(FLAGS_recovery);
  options.capacity_search = absl::GetFlag(FLAGS_capacity_search);
  options.capacity = absl::GetFlag(FLAGS_capacity);
  options.legit_rate = absl::GetFlag(FLAGS_legit_rate);
  options.request_size = absl::GetFlag(FLAGS_request_size);
  options.deadline_ms = absl::GetFlag(FLAGS_deadline_ms);
  options.established = absl::GetFlag(FLAGS_established);
  options.established_rate = absl::GetFlag(FLAGS_established_rate);
  options.peers = absl::GetFlag(FLAGS_peers);
  options.json = absl::GetFlag(FLAGS_json);
  options.svg = absl::GetFlag(FLAGS_svg);
  options.core = absl::GetFlag(FLAGS_core);
  options.memory_mb = absl::GetFlag(FLAGS_memory_mb);
  options.huge_pages = absl::GetFlag(FLAGS_huge_pages);
  options.file_prefix = absl::GetFlag(FLAGS_file_prefix);
  options.link_wait_s = absl::GetFlag(FLAGS_link_wait);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.i_control_this_lab = absl::GetFlag(FLAGS_i_control_this_lab);
  options.allow_physical = absl::GetFlag(FLAGS_allow_physical);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CommandLine> ReadCommandLine(int argc, char** argv) {
  absl::SetProgramUsageMessage(kUsage);
  runtime::FlagReader flags(argc, argv);
  flags.Read();
  CommandLine line;
  if (flags.help) {
    line.print = "Usage: weir-flood --device=DEVICE [flags]\n" + runtime::FlagsHelp() + "\n";
    return line;
  }
  for (char* argument : flags.rest) {
    flags.problems.push_back(std::string(argument) + ": not a flag");
  }
  if (!flags.problems.empty()) return Wrong(absl::StrJoin(flags.problems, "\n"));
  if (absl::GetFlag(FLAGS_mode) == Words{"list"}) {
    line.print = ModeList();
    return line;
  }
  for (const auto read : {ReadTarget, ReadFlood, ReadRest}) {
    if (absl::Status status = read(line.options); !status.ok()) return status;
  }
  if (absl::Status s = CheckOptions(line.options, Interfaces()); !s.ok()) return s;
  if (absl::GetFlag(FLAGS_check)) line.print = DescribePlan(line.options);
  return line;
}

}  // namespace weir::flood
