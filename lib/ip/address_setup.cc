// AddressSetup: detection, reports, announcements and their timers.
#include "ip/address_setup.h"

#include <algorithm>
#include <limits>

#include "wire/ipv6.h"
#include "wire/mld.h"

namespace weir::ip {
namespace {

constexpr Time kNever{std::numeric_limits<int64_t>::max()};
// RFC 3810 9.1 and 9.11: a join is reported twice, at most a second apart.
constexpr uint8_t kJoinReports = 2;
constexpr Duration kJoinInterval = Seconds(1);
// RFC 5227 1.1, DEFEND_INTERVAL.
constexpr Duration kDefendInterval = Seconds(10);

}  // namespace

AddressSetup::AddressSetup(const IpConfig& config, std::span<const Interface> interfaces,
                           LocalAddresses& locals, Messages& messages, Counters& counters)
    : interfaces_(interfaces),
      locals_(locals),
      messages_(messages),
      counters_(counters),
      owner_(config.owner),
      probe_interval_(config.probe_interval),
      prng_(config.seed),
      progress_(locals.size()),
      memberships_(interfaces.size()),
      next_(kNever) {
  for (const LocalAddress& local : locals_.all()) {
    if (local.address.is_v4()) continue;
    const IpAddress group = wire::SolicitedNodeAddress(local.address);
    auto& groups = memberships_[local.interface].groups;
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
}

void AddressSetup::Start(Time now, FrameList& out) {
  // RFC 4862 5.4.2: the groups are joined before the first probe, or its answer is not heard. The
  // random delay before that, which is for hundreds of hosts powered up together, is left out.
  for (uint16_t i = 0; i < memberships_.size(); ++i) {
    if (!owner_ || memberships_[i].groups.empty()) continue;
    memberships_[i].joins_left = kJoinReports;
    memberships_[i].report_at = now;
    TickGroups(i, now, out);
  }
  for (size_t i = 0; i < locals_.size(); ++i) {
    const Interface& nic = interfaces_[locals_[i].interface];
    if (locals_[i].address.is_v4() || !nic.dad()) {
      MakeUsable(i, out);
      continue;
    }
    // DupAddrDetectTransmits 1, RetransTimer (RFC 4862 5.1): one probe, and time for an answer.
    progress_[i].done_at = now + probe_interval_;
    if (owner_) messages_.ProbeDuplicate(nic, locals_[i].address, out);
  }
  Reschedule();
}

void AddressSetup::OnConflict(size_t local, Time now, FrameList& out) {
  LocalAddress& ours = locals_[local];
  if (ours.state == AddressState::kDuplicate) return;
  if (ours.state == AddressState::kTentative) {
    ours.state = AddressState::kDuplicate;  // RFC 4862 5.4.5
    counters_.Add(Counter::kAddressDuplicates);
    Reschedule();
    return;
  }
  counters_.Add(Counter::kAddressConflicts);
  Progress& progress = progress_[local];
  if (!owner_ || (progress.defended && now - progress.defended_at < kDefendInterval)) return;
  progress.defended = true;
  progress.defended_at = now;
  messages_.Announce(interfaces_[ours.interface], ours.address, out);
}

void AddressSetup::OnMldQuery(uint16_t interface, const wire::MldQuery& query, Time now) {
  Membership& membership = memberships_[interface];
  const auto& groups = membership.groups;
  const bool concerns_us = query.group.is_unspecified() ||
                           std::find(groups.begin(), groups.end(), query.group) != groups.end();
  if (!owner_ || groups.empty() || !concerns_us) return;
  // RFC 3810 6.2: at a random time within the querier's limit; one answer serves all queries till
  // then.
  const int64_t limit_us = std::max<int64_t>(1, int64_t{query.max_response_ms} * 1000);
  const Time at =
      now + Microseconds(static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(limit_us))));
  membership.answer_at = membership.answer ? std::min(membership.answer_at, at) : at;
  membership.answer = true;
  Reschedule();
}

void AddressSetup::Tick(Time now, FrameList& out) {
  if (now < next_) return;
  for (size_t i = 0; i < locals_.size(); ++i) {
    const LocalAddress& local = locals_[i];
    if (local.state == AddressState::kTentative && progress_[i].done_at <= now) MakeUsable(i, out);
  }
  for (uint16_t i = 0; i < memberships_.size(); ++i) TickGroups(i, now, out);
  Reschedule();
}

void AddressSetup::MakeUsable(size_t local, FrameList& out) {
  LocalAddress& ours = locals_[local];
  ours.state = AddressState::kUsable;
  if (owner_) messages_.Announce(interfaces_[ours.interface], ours.address, out);
}

void AddressSetup::TickGroups(uint16_t interface, Time now, FrameList& out) {
  Membership& membership = memberships_[interface];
  if (membership.joins_left > 0 && membership.report_at <= now) {
    --membership.joins_left;
    // Past the detection of the link-local address, which it should be sent from (RFC 3590).
    membership.report_at =
        now + probe_interval_ +
        Microseconds(static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(kJoinInterval.us))));
    Report(interface, wire::kMldChangeToExclude, out);
  }
  if (membership.answer && membership.answer_at <= now) {
    membership.answer = false;
    Report(interface, wire::kMldModeIsExclude, out);
  }
}

void AddressSetup::Report(uint16_t interface, uint8_t record_type, FrameList& out) {
  IpAddress source;  // "::" until there is a link-local address (RFC 3590)
  for (const LocalAddress& local : locals_.all()) {
    if (local.interface == interface && local.state == AddressState::kUsable &&
        local.address.is_link_local_v6()) {
      source = local.address;
    }
  }
  messages_.ReportGroups(interfaces_[interface], source, record_type,
                         memberships_[interface].groups, out);
}

void AddressSetup::Reschedule() {
  next_ = kNever;
  for (size_t i = 0; i < locals_.size(); ++i) {
    if (locals_[i].state == AddressState::kTentative) {
      next_ = std::min(next_, progress_[i].done_at);
    }
  }
  for (const Membership& membership : memberships_) {
    if (membership.joins_left > 0) next_ = std::min(next_, membership.report_at);
    if (membership.answer) next_ = std::min(next_, membership.answer_at);
  }
}

}  // namespace weir::ip
