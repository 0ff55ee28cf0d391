// weir-proxy: carries TCP connections to one of several upstreams.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "proxy/proxy_handler.h"
#include "weir/weir.h"

ABSL_FLAG(uint16_t, port, 80, "TCP port to listen on");
ABSL_FLAG(std::vector<std::string>, upstream, {},
          "where connections go: ADDRESS:PORT or [ADDRESS]:PORT, several with commas");
ABSL_FLAG(std::string, balance, "least-connections",
          "which upstream a client gets: least-connections (of those the worker has), or hash (by "
          "the client's address, the same while that upstream is up)");
ABSL_FLAG(uint32_t, proxy_connections, 16384,
          "clients one worker serves at a time, two connections and about 100 octets each; what is "
          "beyond is reset");
ABSL_FLAG(uint32_t, connect_timeout_ms, 2000,
          "how long one upstream may take to accept, 1 to 60000; then the next is tried");
ABSL_FLAG(uint32_t, idle_timeout_s, 300,
          "both sides are reset when nothing moves for so long, up to 1000000; 0: never");
ABSL_FLAG(uint32_t, health_interval_ms, 2000,
          "how often each worker checks that each upstream accepts connections, up to 3600000; 0: "
          "not at all, all upstreams count as up");
ABSL_FLAG(uint32_t, health_fall, 3,
          "failed checks or connects in a row that take an upstream down, 1 to 1000");
ABSL_FLAG(uint32_t, health_rise, 2, "good checks in a row that bring it back, 1 to 1000");

namespace {

using weir::proxy::ProxyOptions;

absl::Status CheckRange(const char* name, uint32_t value, uint32_t min, uint32_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError("--" + std::string(name) + "=" + std::to_string(value) +
                                    ": must be from " + std::to_string(min) + " to " +
                                    std::to_string(max));
}

// The numbers among the flags, in their ranges.
absl::Status CheckNumbers() {
  for (const absl::Status& status :
       {CheckRange("proxy_connections", absl::GetFlag(FLAGS_proxy_connections), 1, 1u << 24),
        CheckRange("connect_timeout_ms", absl::GetFlag(FLAGS_connect_timeout_ms), 1, 60'000),
        CheckRange("idle_timeout_s", absl::GetFlag(FLAGS_idle_timeout_s), 0, 1'000'000),
        CheckRange("health_interval_ms", absl::GetFlag(FLAGS_health_interval_ms), 0, 3'600'000),
        CheckRange("health_fall", absl::GetFlag(FLAGS_health_fall), 1, 1000),
        CheckRange("health_rise", absl::GetFlag(FLAGS_health_rise), 1, 1000)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<ProxyOptions> OptionsOfFlags() {
  if (absl::Status status = CheckNumbers(); !status.ok()) return status;
  auto upstreams = weir::proxy::ParseUpstreams(absl::GetFlag(FLAGS_upstream));
  if (!upstreams.ok()) return upstreams.status();
  auto balance = weir::proxy::ParseBalance(absl::GetFlag(FLAGS_balance));
  if (!balance.ok()) return balance.status();
  ProxyOptions options;
  options.upstreams = *std::move(upstreams);
  options.balance = *balance;
  options.connections = absl::GetFlag(FLAGS_proxy_connections);
  options.connect_timeout_ms = absl::GetFlag(FLAGS_connect_timeout_ms);
  options.idle_timeout_ms = absl::GetFlag(FLAGS_idle_timeout_s) * 1000;
  options.health_interval_ms = absl::GetFlag(FLAGS_health_interval_ms);
  options.thresholds.fall = options.health_interval_ms == 0 ? 0 : absl::GetFlag(FLAGS_health_fall);
  options.thresholds.rise = absl::GetFlag(FLAGS_health_rise);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  ProxyOptions options;  // outlives the handlers, which refer to it
  return weir::Main(argc, argv, [&options](weir::Server& server) -> absl::Status {
    absl::StatusOr<ProxyOptions> given = OptionsOfFlags();
    if (!given.ok()) return given.status();
    options = *std::move(given);
    return server.Listen(
        {.port = absl::GetFlag(FLAGS_port), .connection = weir::proxy::SpliceOptions()},
        [&options] { return std::make_unique<weir::proxy::ProxyHandler>(options); });
  });
}
