// Reports: text for people, JSON with every sample, a plot.
#pragma once

#include <string>
#include <vector>

#include "flood/criteria.h"
#include "flood/options.h"
#include "flood/results.h"

namespace weir::flood {

// What is said about a run beside its counts.
struct RunFacts {
  std::vector<std::string> command_line;
  std::vector<std::string> eal_arguments;
  std::string device;  // Device::Describe
  std::string processor;
  std::string kernel;
  std::string dpdk;
  std::string version;
  uint64_t seed = 0;
};

// A table of the steps, in which figures of invalid ones are replaced by INVALID and the reason.
std::string TextReport(const Options& options, const Results& results,
                       const std::vector<Verdict>& verdicts);
// One object, schema 1: docs/flood.md says what is in it. All counts, whatever they are worth.
std::string JsonReport(const Options& options, const Results& results,
                       const std::vector<Verdict>& verdicts, const RunFacts& facts);
// Success, first-SYN success and p99 of the answers against the rate of the flood.
std::string SvgReport(const Options& options, const Results& results);

// 0 passed, 1 a criterion failed, 2 figures mean nothing: the run's, or those of a step that was
// to be measured.
int ExitStatus(const Results& results, const std::vector<Verdict>& verdicts);

}  // namespace weir::flood
