// What a listener accepts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "weir/address.h"
#include "weir/connection_options.h"
#include "weir/handler.h"

namespace weir {

// Options of Server::Listen. Values left empty are the configuration's ([tcp] in weir.toml).
struct ListenOptions {
  uint16_t port = 0;  // 1..65535
  std::optional<IpAddress> address =
      {};  // one of the server's addresses; empty = all of them (MUST-43)
  std::optional<uint32_t> syn_backlog = {};  // half-open connections a worker, 1..2^20
  ConnectionOptions connection = {};         // of what it accepts
};

// Makes the handler of one worker; called once per worker, on that worker, before OnStart.
using HandlerFactory = std::function<std::unique_ptr<Handler>()>;

}  // namespace weir
