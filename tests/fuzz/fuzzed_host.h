// FuzzedHost: one whole stack with its application, and all that is checked after each turn. With
// WEIR_FUZZ_TRACE in the environment every frame is printed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "fuzz/scripted_application.h"
#include "invariants/engine_checker.h"
#include "packet/pool_heap.h"
#include "stack/stack.h"

namespace weir::fuzz {

using Octets = std::vector<uint8_t>;

// What an input may choose about a host, a bit each.
enum Trait : uint8_t {
  kNoTimestamps = 1 << 0,
  kTinyBuffers = 1 << 1,  // of sending and receiving
  kSmallMtu = 1 << 2,
  kOffload = 1 << 3,       // the device makes and verifies TCP checksums
  kScarceMemory = 1 << 4,  // few packets, Flights and control blocks
  kShortTimers = 1 << 5,   // gives up soon, and probes idle peers soon
  kScaled = 1 << 6,        // a window scale though the buffer needs none
  kNagleOff = 1 << 7,
  kFastOpen = kScaled | kNagleOff,           // both together: of listeners and active opens
  kShedding = kTinyBuffers | kScarceMemory,  // long before memory is out, idle connections too
};

// What an input may choose about a listener; 0: as the host is configured.
enum ListenerTrait : uint8_t {
  kCookies = 3,        // 1 off, 2 auto, 3 always
  kDeferred = 1 << 2,  // OnOpen waits for text
  kLimited = 1 << 3,   // few connections, fewer of a prefix, resets beyond a short queue
  kWithFastOpen = 1 << 4,
};

// What the hosts' cookies come from.
inline constexpr SipKey kCookieKey{7, 8};

class FuzzedHost {
 public:
  static constexpr uint16_t kPort = 80;           // an ordinary listener
  static constexpr uint16_t kOtherPort = 81;      // uncoupled, with SYN cookies only
  static constexpr uint16_t kActivePort = 50000;  // first of those that connections are opened from

  // Addresses end in number + 1: host 0 is what segment/peer_frames.h calls the peer, host 1 its
  // stack. `application` becomes ListenOptions's and ConnectOptions's.
  FuzzedHost(int number, uint8_t traits, const ScriptedApplication::Settings& application, Time now,
             ScriptedApplication::ReadBase read_base);
  ~FuzzedHost();

  // Sends to port `service` of the other host, from a port of its own by `number`.
  Connection Connect(bool v4, unsigned number, uint16_t remote_port);
  void set_connect(ScriptedApplication::Connect connect) { connect_ = std::move(connect); }
  void Listen(uint16_t port, uint8_t listener_traits = 0);
  void CloseListener(uint16_t port);

  // One turn with these frames; returns what is sent, with complete checksums.
  std::vector<Octets> Turn(std::span<const Octets> received, Time now);
  Time NextDeadline(Time now) const { return stack_->NextDeadline(now); }

  // The `nth` allocation from now finds no packet; all of the next turn's, when 0.
  void FailAllocation(uint8_t nth);
  // Ends all connections and waits TIME-WAIT out; then nothing may be left.
  void End(Time& now);
  bool has(Trait trait) const { return (traits_ & trait) != 0; }
  bool idle() const { return engine().usage().connections == 0; }
  // Nothing is borrowed any more.
  void CheckEmpty(Time now);

  ScriptedApplication& application() { return application_; }
  const ScriptedApplication& application() const { return application_; }
  const tcp::Engine& engine() const { return const_cast<stack::Stack&>(*stack_).tcp(); }
  // The control block of a connection of ours, if there is one.
  const tcp::Tcb* Find(const Endpoint& local, const Endpoint& remote) const;

 private:
  Octets Transmit(Packet& packet);
  void Trace(const char* arrow, const Octets& octets, Time now) const;
  void NoteFastOpen(Connection c);
  void CheckText(const Octets& octets, const wire::Frame& frame);

  int number_;
  uint8_t traits_;
  uint32_t write_base_;
  bool uncoupled_;
  HeapPool pool_;
  HeapPool device_pool_;  // of received frames
  Counters counters_;
  ScriptedApplication::Connect connect_;
  ScriptedApplication application_;
  std::unique_ptr<stack::Stack> stack_;
  invariants::EngineChecker checker_;
  std::array<std::optional<uint16_t>, 2> listeners_;
  // The initial sequence numbers shown, and those of fast opens, by source and destination.
  std::map<std::tuple<IpAddress, uint16_t, IpAddress, uint16_t>, std::vector<Seq>> isses_;
  bool exhausted_ = false;
};

}  // namespace weir::fuzz
