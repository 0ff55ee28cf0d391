// Active opens: what ip knows of the way, and tcp of the connection.
#include <algorithm>

#include "stack/stack.h"
#include "tcp/settings.h"

namespace weir::stack {
namespace {

absl::Status Refuse(const IpAddress& address, const char* why) {
  return absl::InvalidArgumentError(address.ToString() + ": " + why);
}

}  // namespace

bool Stack::IsOurs(const IpAddress& address) const {
  const auto locals = ip_.locals();
  return std::any_of(locals.begin(), locals.end(),
                     [&](const ip::LocalAddress& local) { return local.address == address; });
}

absl::Status Stack::CheckConnect(const ConnectOptions& options) const {
  const IpAddress& to = options.remote.address;
  if (options.remote.port == 0) {
    return absl::InvalidArgumentError("port 0 is not one to connect to");
  }
  if (!tcp::IsHost(to) || ip_.IsBroadcast(to)) {
    return Refuse(to, "not the address of one host");  // MUST-46
  }
  // A port does not give us back what we send.
  if (IsOurs(to)) return Refuse(to, "an address of this server's own");
  if (options.source && options.source->is_v4() != to.is_v4()) {
    return Refuse(*options.source, "not of the family that is connected to");
  }
  if (options.source && !IsOurs(*options.source)) {
    return Refuse(*options.source, "not an address of this server");
  }
  return CheckRanges(options.connection);
}

absl::StatusOr<Connection> Stack::Connect(const ConnectOptions& options, Handler& handler) {
  if (stopped_) return absl::FailedPreconditionError("");
  if (absl::Status status = CheckConnect(options); !status.ok()) return status;
  absl::StatusOr<tcp::Settings> settings = tcp::WithOptions(tcp_.config(), options.connection);
  if (!settings.ok()) return settings.status();
  settings->fast_open = options.fast_open;
  const int local = options.source ? ip_.IndexFrom(*options.source, options.remote.address)
                                   : ip_.SourceFor(options.remote.address);  // MUST-44, MUST-45
  if (local < 0) return absl::UnavailableError("");
  return tcp_.Connect(static_cast<uint8_t>(local), options.source_port, options.remote, *settings,
                      &handler);
}

}  // namespace weir::stack
