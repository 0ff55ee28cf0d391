// Multicast listener discovery (RFC 3810): what a host needs to hear its solicited-node groups.
#pragma once

#include <cstdint>
#include <span>

#include "weir/address.h"
#include "wire/drop.h"
#include "wire/frame.h"

namespace weir::wire {

// ICMPv6 types.
inline constexpr uint8_t kMldQuery = 130;
inline constexpr uint8_t kMldReport = 131;  // version 1
inline constexpr uint8_t kMldDone = 132;    // version 1
inline constexpr uint8_t kMldv2Report = 143;

// Multicast address record types (RFC 3810 5.2.12).
inline constexpr uint8_t kMldModeIsExclude = 2;    // answers a query: we listen
inline constexpr uint8_t kMldChangeToInclude = 3;  // unsolicited: we have left
inline constexpr uint8_t kMldChangeToExclude = 4;  // unsolicited: we have joined

inline constexpr uint16_t kMldRecordSize = 20;
// A whole IPv6 packet around a report: header, hop-by-hop with router alert, report header.
inline constexpr uint16_t kMldReportOverhead = 40 + 8 + 8;

// All MLDv2-capable routers, ff02::16: where reports go.
[[nodiscard]] IpAddress MldRouters();

// Writes a whole IPv6 packet (hop limit 1, router alert, checksum) that reports `groups`, each with
// an empty source list, to ff02::16. `source` is a link-local address or "::" (RFC 3590). Returns
// its size, kMldReportOverhead + kMldRecordSize * groups.size(); at most 70 groups fit 1500 octets.
uint16_t WriteMldReport(uint8_t* out, const IpAddress& source, uint8_t record_type,
                        std::span<const IpAddress> groups);

struct MldQuery {
  IpAddress group;  // "::" asks for all groups
  uint32_t max_response_ms = 0;
};

// Reads a query (version 1 or 2; source lists are ignored) of kind kIcmpv6. Returns the reason to
// drop it (hop limit not 1, source not link-local, cut short, no group), or kNoDrop.
[[nodiscard]] Counter ParseMldQuery(std::span<const uint8_t> message, const Frame& frame,
                                    MldQuery& query);

}  // namespace weir::wire
