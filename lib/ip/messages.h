// Messages: the frames that IP sends on its own account - ARP, neighbour discovery, MLD.
#pragma once

#include <cstdint>
#include <span>

#include "base/counters.h"
#include "ip/interface.h"
#include "packet/frame_list.h"
#include "packet/packet.h"
#include "weir/address.h"
#include "wire/arp.h"
#include "wire/nd.h"

namespace weir::ip {

// Each function builds one frame and appends it to `out`. One that finds no buffer or no room is
// counted and forgotten: whatever asked for it asks again.
class Messages {
 public:
  Messages(PacketPool& pool, Counters& counters) : pool_(pool), counters_(counters) {}

  // Asks who has `target`: everybody, or only the one at `mac` when that is given.
  void Solicit(const Interface& nic, const IpAddress& source, const IpAddress& target,
               const wire::MacAddress* mac, FrameList& out);
  // "`source` is at our hardware address", said to all (RFC 5227 2.3, RFC 4861 7.2.6).
  void Announce(const Interface& nic, const IpAddress& source, FrameList& out);
  // The probe of duplicate address detection (RFC 4862 5.4.2).
  void ProbeDuplicate(const Interface& nic, const IpAddress& tentative, FrameList& out);
  // Answers to a question that came in `received`, whose buffer is used again where it may be.
  void AnswerArp(const Interface& nic, const wire::ArpPacket& request, Packet received,
                 FrameList& out);
  void AnswerNd(const Interface& nic, const IpAddress& target, const IpAddress& asker,
                const wire::MacAddress& asker_mac, Packet received, FrameList& out);
  void ReportGroups(const Interface& nic, const IpAddress& source, uint8_t record_type,
                    std::span<const IpAddress> groups, FrameList& out);

 private:
  Packet Blank(Packet received);
  void SendArp(const Interface& nic, const wire::ArpPacket& arp, const wire::MacAddress& to,
               Packet frame, FrameList& out);
  void SendNd(const Interface& nic, const wire::NdMessage& nd, const IpAddress& source,
              const IpAddress& destination, const wire::MacAddress& to, Packet frame,
              FrameList& out);
  void Push(const Interface& nic, Packet frame, FrameList& out);

  PacketPool& pool_;
  Counters& counters_;
};

}  // namespace weir::ip
