// The IPv4 header: what is rarely in one, and which sources are refused.
#include "wire/ipv4.h"

namespace weir::wire {
namespace {

// Option types (RFC 791 3.1), copied flag and class included.
constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNoOperation = 1;
constexpr uint8_t kOptionLooseSourceRoute = 131;
constexpr uint8_t kOptionStrictSourceRoute = 137;

}  // namespace

Counter CheckIpv4Options(std::span<const uint8_t> options) {
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t type = options[at];
    if (type == kOptionEnd) break;
    if (type == kOptionNoOperation) {
      ++at;
      continue;
    }
    if (type == kOptionLooseSourceRoute || type == kOptionStrictSourceRoute) {
      return Counter::kDropIpv4SourceRoute;
    }
    if (options.size() - at < 2) return Counter::kDropIpv4Options;
    const uint8_t size = options[at + 1];
    if (size < 2 || size > options.size() - at) return Counter::kDropIpv4Options;
    at += size;
  }
  return kNoDrop;
}

Counter CheckIpv4Source(uint32_t address) {
  const auto network = static_cast<uint8_t>(address >> 24);
  if (IsOrdinaryIpv4(network)) return kNoDrop;
  if (network == 0) return Counter::kDropSourceUnspecified;
  if (network == 127) return Counter::kDropSourceLoopback;
  if (network < 240) return Counter::kDropSourceMulticast;
  return address == 0xffffffffu ? Counter::kDropSourceBroadcast : Counter::kDropSourceReserved;
}

}  // namespace weir::wire
