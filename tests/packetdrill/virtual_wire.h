// VirtualWire: one Stack in virtual time, spoken to in IP packets as packetdrill does.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "packet/pool_heap.h"
#include "packetdrill/settings.h"
#include "stack/stack.h"
#include "wire/tcp.h"

namespace weir::packetdrill {

// Puts Ethernet on and takes it off, and plays the hosts at the other end: whoever the stack asks
// for by ARP or neighbour solicitation answers at once.
class VirtualWire {
 public:
  struct Sent {
    Time at;
    std::vector<uint8_t> octets;  // from the IP header on
    wire::TcpHeader tcp;
    uint16_t text_size = 0;
  };

  explicit VirtualWire(const Settings& settings);
  // That by which every stack of ours knows this client.
  static wire::FastOpenCookie FastOpenCookieOf(const IpAddress& client);
  VirtualWire(const VirtualWire&) = delete;
  VirtualWire& operator=(const VirtualWire&) = delete;

  Time now() const { return now_; }
  // Reading a clock takes a while: who waits by doing nothing else must see it move.
  void ClockWasRead() { now_ = now_ + Microseconds(1); }

  // A turn with this IP packet.
  void Inject(std::span<const uint8_t> packet);
  // Turns at the present time until the stack has nothing more to do.
  void Settle();
  // When the stack wants its next turn; later than now().
  Time NextTurn() const;
  // Moves the clock, not past NextTurn(), and lets the stack have its turn then.
  void StepTo(Time time);

  // TCP that the stack has sent, oldest first.
  std::deque<Sent>& sent() { return sent_; }
  const Settings& settings() const { return settings_; }
  stack::Stack& stack() { return *stack_; }
  tcp::Engine& engine() { return stack_->tcp(); }

 private:
  void Turn(std::vector<Packet>& received);
  void Take(Packet& packet);
  void AnswerArp(std::span<const uint8_t> frame);
  void AnswerNd(std::span<const uint8_t> octets, const wire::Frame& frame);

  Settings settings_;
  HeapPool pool_;
  HeapPool wire_pool_;
  Counters counters_;
  Time now_;
  std::unique_ptr<stack::Stack> stack_;
  std::deque<Sent> sent_;
  std::vector<Packet> answers_;  // of the peer's layer 2, for the next turn
};

}  // namespace weir::packetdrill
