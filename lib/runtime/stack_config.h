// From the configuration of the process to the settings of one shard.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/config.h"
#include "runtime/entropy.h"
#include "runtime/flow_steering.h"
#include "stack/stack.h"
#include "wire/ethernet.h"

namespace weir::runtime {

// What an opened device adds to its [[port]].
struct PortFacts {
  uint16_t id = 0;  // what Packet::port() says
  wire::MacAddress mac;
  bool tx_tcp_checksum = false;
  bool syn_queues = false;
};

// Settings of worker number `shard`; `ports` in the order of config.ports. `steering`, where there
// are several workers, outlives the stack: what it opens comes back to it.
stack::StackConfig MakeStackConfig(const Config& config, const Secrets& secrets,
                                   std::span<const PortFacts> ports, unsigned shard,
                                   const FlowSteering* steering = nullptr);

// Packet buffers that one worker needs, and the octets of data room each of them has.
uint32_t PoolCapacity(const Config& config);
uint32_t PoolRoom(const Config& config);

}  // namespace weir::runtime
