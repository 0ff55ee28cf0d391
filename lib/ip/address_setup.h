// AddressSetup: makes our addresses usable and known - duplicate address detection, multicast
// listener reports, announcements, defence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/prng.h"
#include "base/time.h"
#include "ip/config.h"
#include "ip/interface.h"
#include "ip/local_addresses.h"
#include "ip/messages.h"
#include "packet/frame_list.h"
#include "wire/mld.h"

namespace weir::ip {

class AddressSetup {
 public:
  // What is referred to outlives this object.
  AddressSetup(const IpConfig& config, std::span<const Interface> interfaces,
               LocalAddresses& locals, Messages& messages, Counters& counters);

  // IPv4 addresses are usable at once and announced; IPv6 ones after they have proved unique.
  void Start(Time now, FrameList& out);
  // Somebody else uses the address, or checks whether it may: a tentative address is given up; one
  // in use is kept and, at most every ten seconds, claimed again (RFC 5227 2.4).
  void OnConflict(size_t local, Time now, FrameList& out);
  // A multicast listener query came in on the interface.
  void OnMldQuery(uint16_t interface, const wire::MldQuery& query, Time now);

  void Tick(Time now, FrameList& out);
  Time next_deadline() const { return next_; }

 private:
  struct Progress {  // of one local address
    Time done_at;    // duplicate address detection ends
    Time defended_at;
    bool defended = false;
  };
  struct Membership {  // of one interface's solicited-node groups
    std::vector<IpAddress> groups;
    uint8_t joins_left = 0;  // unsolicited reports still to be sent
    Time report_at;          // the next of them
    bool answer = false;     // a query wants an answer
    Time answer_at;
  };

  void MakeUsable(size_t local, FrameList& out);
  void Report(uint16_t interface, uint8_t record_type, FrameList& out);
  void TickGroups(uint16_t interface, Time now, FrameList& out);
  void Reschedule();

  std::span<const Interface> interfaces_;
  LocalAddresses& locals_;
  Messages& messages_;
  Counters& counters_;
  bool owner_;
  Duration probe_interval_;
  Prng prng_;
  std::vector<Progress> progress_;
  std::vector<Membership> memberships_;
  Time next_;
};

}  // namespace weir::ip
