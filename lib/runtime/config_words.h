// The text forms that configuration values may have: words, addresses, device names, EAL arguments.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/config.h"

namespace weir::runtime {

// The words of an enumeration, in the order of its values.
std::span<const char* const> Words(HugePages);
std::span<const char* const> Words(Idle);
std::span<const char* const> Words(Steering);
std::span<const char* const> Words(SynQueue);
std::span<const char* const> Words(Congestion);
std::span<const char* const> Words(SynCookies);
std::span<const char* const> Words(AcceptOverflow);
std::span<const char* const> Words(MtuProbing);
std::span<const char* const> Words(ShedIdle);

// An error's message is "what is wrong; what would be right", without key and value.
absl::StatusOr<InterfaceAddress> ParseInterfaceAddress(const std::string& text);
absl::StatusOr<IpAddress> ParseGateway(const std::string& text, bool v4);
absl::StatusOr<MacAddress> ParseMacAddress(const std::string& text);
std::string PrintMacAddress(const MacAddress& mac);

absl::Status NormalizePortName(std::string& text);
absl::Status NormalizeVirtualDevice(std::string& text);
absl::Status NormalizePciAddress(std::string& text);
absl::Status NormalizeFilePrefix(std::string& text);
absl::Status NormalizePath(std::string& text);
absl::Status CheckEalArguments(const std::vector<std::string>& arguments);

// "net_tap0" of "net_tap0,iface=weir0": two ports cannot share it.
std::string_view VirtualDeviceName(std::string_view device);

// `text` with its control characters replaced, so that a message stays on its line.
std::string OneLine(std::string_view text);

// The candidate closest to `name` by edit distance; "" where none is close.
std::string Nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace weir::runtime
