// One row of the table: cycles per operation, and what they are to be compared with.
#pragma once

#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace weir::bench {

inline uint64_t Cycles() {
  unsigned aux;
  return __rdtscp(&aux);
}

// Cycles of the TSC per second, measured once.
inline double CyclesPerSecond() {
  static const double rate = [] {
    const auto began = std::chrono::steady_clock::now();
    const uint64_t from = Cycles();
    while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(50)) {
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(Cycles() - from) / took.count();
  }();
  return rate;
}

// Published goals of a row in TSC cycles per operation: the floor that one gets to with nothing but
// the necessary work, and the gate that must be met. 0 = none.
struct Goal {
  double floor = 0;
  double gate = 0;
};

// Collects the cycles of each iteration of one benchmark. The median goes into the report: on a
// shared machine the mean tells of the neighbours.
class Row {
 public:
  Row(benchmark::State& state, Goal goal) : state_(state), goal_(goal) { cycles_.reserve(1 << 16); }
  ~Row() {
    if (cycles_.empty()) return;
    state_.counters["cycles"] = Median(cycles_);
    state_.counters["floor"] = floors_.empty() ? goal_.floor : Median(floors_);
    state_.counters["gate"] = goal_.gate;
  }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  // `operations` took `cycles` altogether; only this counts as time.
  void Add(uint64_t cycles, uint64_t operations) {
    cycles_.push_back(static_cast<double>(cycles) / static_cast<double>(operations));
    state_.SetIterationTime(static_cast<double>(cycles) / CyclesPerSecond());
    operations_ += operations;
    state_.SetItemsProcessed(static_cast<int64_t>(operations_));
  }
  // What the plain way took for the same in this iteration; the row's floor is its median.
  void AddFloor(uint64_t cycles, uint64_t operations) {
    floors_.push_back(static_cast<double>(cycles) / static_cast<double>(operations));
  }

 private:
  static double Median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  benchmark::State& state_;
  Goal goal_;
  std::vector<double> cycles_;
  std::vector<double> floors_;
  uint64_t operations_ = 0;
};

}  // namespace weir::bench
