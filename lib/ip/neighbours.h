// Neighbours: who is reachable at which hardware address - neighbour unreachability detection
// (RFC 4861 7), for IPv6 and, by ARP, for IPv4.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "base/counters.h"
#include "base/time.h"
#include "ip/config.h"
#include "ip/interface.h"
#include "ip/local_addresses.h"
#include "ip/messages.h"
#include "ip/neighbour_table.h"
#include "ip/waiting_packets.h"
#include "packet/frame_list.h"
#include "packet/packet.h"

namespace weir::ip {

// What a neighbour said of itself; an ARP reply to us is a solicited one that overrides.
struct Advertisement {
  const wire::MacAddress* mac = nullptr;  // null: it did not say
  bool solicited = false;
  bool override = false;
};

class Neighbours {
 public:
  // The spans outlive this object.
  Neighbours(const IpConfig& config, std::span<const Interface> interfaces,
             const LocalAddresses& locals, Messages& messages, Counters& counters);

  // The entry of a neighbour that packets go to, made when there is none; kNone when there is no
  // place. `local` is the address of ours that will ask for it.
  uint16_t Obtain(const IpAddress& address, uint16_t interface, uint16_t local);
  // Fills in the destination, with which the frame begins, and sends it; it waits while the
  // neighbour is not resolved. False: not sent, and counted.
  bool Send(uint16_t index, Packet&& frame, Time now, FrameList& out);

  void OnAdvertisement(const IpAddress& address, uint16_t interface, const Advertisement& said,
                       Time now, FrameList& out);
  // Somebody who asks for us tells where it is itself.
  void OnSolicitation(const IpAddress& address, uint16_t interface, const wire::MacAddress& mac,
                      Time now, FrameList& out);
  // The layer above made progress with this neighbour (RFC 4861 7.3.1).
  void Confirm(uint16_t index, Time now) {
    if (index >= table_.capacity()) return;
    Neighbour& n = table_[index];
    if (!n.resolved() || !n.used) return;
    n.confirmed_at = now;
    if (n.state != NeighbourState::kReachable) BecomeReachable(index, now);
  }

  // The layer above makes none (MUST-20): the neighbour is asked at once, and everybody in the end,
  // so that one whose hardware address has changed is found again. Not sooner than one request
  // interval after it proved reachable: what one connection says must not keep the link busy.
  void Suspect(uint16_t index, Time now, FrameList& out);

  // Looks after entries that are due; at most kEntriesPerTick of them a call.
  void Tick(Time now, FrameList& out);
  Time next_deadline() const {
    return sweeping() ? Time{std::numeric_limits<int64_t>::min()} : earliest_;
  }

  bool Is(uint16_t index, const IpAddress& address, uint16_t interface) const {
    return table_.Is(index, address, interface);
  }
  // True when there is an entry for it, in whatever state.
  bool Knows(const IpAddress& address, uint16_t interface) const {
    return table_.Find(address, interface) != NeighbourTable::kNone;
  }
  const NeighbourTable& table() const { return table_; }
  uint32_t waiting() const { return waiting_.in_use(); }
  // How long a confirmation holds: drawn once around the configured time (RFC 4861 6.3.2).
  Duration reachable_time() const { return reachable_; }

 private:
  static constexpr uint32_t kEntriesPerTick = 64;

  bool sweeping() const { return cursor_ != 0; }
  void Schedule(Neighbour& n, Time due);
  void Attend(uint16_t index, Time now, FrameList& out);
  Time DueOf(const Neighbour& n) const;

  void Ask(uint16_t index, Time now, FrameList& out);
  void BeginResolution(uint16_t index, Time now, FrameList& out);
  void BecomeReachable(uint16_t index, Time now);
  void BecomeStale(uint16_t index, Time now);
  void BecomeDelay(uint16_t index, Time now);
  void BecomeProbe(uint16_t index, Time now, FrameList& out);
  void GiveUp(uint16_t index);

  bool RefusesChange(const Neighbour& n, Time now);
  void Flush(uint16_t index, FrameList& out);
  void Discard(uint16_t index);
  uint16_t Place(NeighbourClass kept);

  std::span<const Interface> interfaces_;
  const LocalAddresses& locals_;
  Messages& messages_;
  Counters& counters_;
  NeighbourTable table_;
  WaitingPackets waiting_;
  Duration reachable_, refresh_before_, probe_interval_, first_probe_delay_;
  uint8_t requests_max_;
  // Nothing is due before this. A sweep over the table, some entries a tick, finds the next.
  Time earliest_, sweep_earliest_;
  uint16_t cursor_ = 0;
};

}  // namespace weir::ip
