// Report: what a run found wrong, and the hash that tells two runs apart.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::sim {

class Report {
 public:
  static constexpr size_t kFailuresMax = 10;

  void Fail(std::string what) {
    if (failures_.size() < kFailuresMax) failures_.push_back(std::move(what));
  }
  // FNV-1a over everything that happened.
  void Hash(std::span<const uint8_t> octets) {
    for (const uint8_t octet : octets) hash_ = (hash_ ^ octet) * 0x100000001b3u;
  }
  void Hash(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
      hash_ = (hash_ ^ (number >> shift & 0xff)) * 0x100000001b3u;
    }
  }

  bool ok() const { return failures_.empty(); }
  const std::vector<std::string>& failures() const { return failures_; }
  uint64_t hash() const { return hash_; }

 private:
  std::vector<std::string> failures_;
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace weir::sim
