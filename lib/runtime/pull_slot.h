// PullSlot: one connection of a pull listener, as its worker and one thread of the application
// share it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "runtime/byte_ring.h"
#include "runtime/event_count.h"
#include "weir/connection.h"

namespace weir::runtime {

class PullHandler;
class PullShard;

// What the application wants done; bits, since several may be wanted before the worker looks.
enum PullCommand : uint32_t {
  kTaken = 1,           // Accept gave it out
  kTextToSend = 2,      // there is some in `to_send`
  kRoomToReceive = 4,   // there is some in `received` again, after `blocked`
  kShutdownWanted = 8,  // after everything in `to_send`
  kCloseWanted = 16,    // the application's last word
  kAbortWanted = 32,    // likewise
};

// What the worker tells.
enum PullState : uint32_t {
  kPeerClosed = 1,  // everything the peer sent is in `received`
  kGone = 2,        // the connection; its reason stands above kReasonShift
  kReasonShift = 8,
};

// What a pull listener has on each worker.
struct PullSizes {
  uint32_t backlog = 0;      // connections that wait for Accept
  uint32_t max_streams = 0;  // connections accepted and not given up yet
  // Octets of each connection, powers of two.
  uint32_t send_buffer = 0;
  uint32_t receive_buffer = 0;
};

struct alignas(64) PullSlot {
  // --- both sides ---
  std::atomic<uint32_t> commands = 0;  // who sets the first puts the slot into the shard's ring
  std::atomic<bool> blocked = false;   // text waits behind `received`: kRoomToReceive is wanted
  std::atomic<uint32_t> state = 0;
  EventCount changed;  // text, room, state; at most one thread waits
  ByteRing received;   // the worker writes
  ByteRing to_send;    // the application writes
  // Written by the worker before the application gets to see the slot.
  PullShard* shard = nullptr;
  uint32_t index = 0;
  Endpoint remote;
  Endpoint local;

  // --- the application's ---
  bool shut = false;  // asked for Shutdown

  // --- the worker's ---
  alignas(64) PullHandler* handler = nullptr;
  Connection connection;     // default when it is gone or no longer ours
  uint32_t next = 0;         // of the list it is in, free or waiting
  uint32_t handed_over = 0;  // octets of `to_send` that were given to TCP by FinishClose
  uint32_t pieces = 0;       // which TCP still reads where they are
  bool offered = false;      // to Accept
  bool shutdown_wanted = false;
  bool given_up = false;  // the application has said its last word

  std::optional<CloseReason> closed() const {
    const uint32_t now = state.load(std::memory_order_seq_cst);
    if ((now & kGone) == 0) return std::nullopt;
    return static_cast<CloseReason>(now >> kReasonShift);
  }
  void SetGone(CloseReason reason) {
    state.fetch_or(kGone | static_cast<uint32_t>(reason) << kReasonShift,
                   std::memory_order_seq_cst);
  }
};

}  // namespace weir::runtime
