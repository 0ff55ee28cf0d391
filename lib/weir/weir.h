// All of weir's public API.
#pragma once

#include "weir/address.h"
#include "weir/connection.h"
#include "weir/connection_options.h"
#include "weir/handler.h"
#include "weir/listener.h"
#include "weir/pull.h"
#include "weir/server.h"
#include "weir/stream.h"
#include "weir/worker.h"
