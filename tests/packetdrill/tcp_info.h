// What getsockopt(TCP_INFO) says, from Connection::Info.
#pragma once

#include <sys/socket.h>

#include "packetdrill/sockets.h"

namespace weir::packetdrill {

// Option numbers of <linux/tcp.h>.
inline constexpr int kTcpInfo = 11;
inline constexpr int kTcpCcInfo = 26;

// Writes Linux's struct tcp_info, cut to *size and at most 280 octets; sets *size to what was
// written. What weir does not count is 0.
void FillTcpInfo(const Socket& s, void* value, socklen_t* size);

}  // namespace weir::packetdrill
