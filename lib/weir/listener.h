// What a listener accepts and how its connections behave.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "weir/address.h"
#include "weir/handler.h"

namespace weir {

// Options of Server::Listen. Values left empty are the configuration's ([tcp] in weir.toml).
struct ListenOptions {
  uint16_t port = 0;  // 1..65535
  std::optional<IpAddress> address =
      {};  // one of the server's addresses; empty = all of them (MUST-43)
  std::optional<uint32_t> send_buffer = {};     // octets, 2048..2^30
  std::optional<uint32_t> receive_buffer = {};  // octets, 2048..2^30
  std::optional<bool> no_delay = {};
  std::optional<bool> keep_alive = {};
  // Delivers text also when the send buffer has no room for an answer as long as the text.
  bool deliver_when_full = false;
};

// Makes the handler of one worker; called once per worker, on that worker, before any connection.
using HandlerFactory = std::function<std::unique_ptr<Handler>()>;

}  // namespace weir
