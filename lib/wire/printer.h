// One line of text for a frame, much as tcpdump would print it; for traces and tests, never per
// packet in service.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "wire/frame.h"
#include "wire/tcp.h"

namespace weir::wire {

// For example
//   198.18.0.1:4000 > 198.18.0.2:80 S 1:1(0) win 64240 <mss 1460,sackOK,TS 1 ecr 0,nop,ws 7>
//   [2001:2::1]:4000 > [2001:2::2]:80 P. 2:6(4) ack 9 win 502 <nop,nop,TS 1 ecr 1>
//   arp who-has 198.18.0.2 tell 198.18.0.1
//   198.18.0.1 > 198.18.0.2 icmp echo request id 7 seq 1
//   dropped DropTcpChecksum: TCP segments with a wrong checksum
// Flags are S F R P W(cwr) E(ce) and "." for ACK; "none" without any. For frames on their way to a
// device that fills in checksums, pass hints that call them good.
std::string PrintFrame(std::span<const uint8_t> octets, const FrameHints& hints = {});

// "nop,nop,TS 1 ecr 0" for the option octets of a header; kinds not known here as "opt-253:4" (kind
// and size), and "malformed" where the walk had to stop.
std::string PrintTcpOptions(std::span<const uint8_t> options);

}  // namespace weir::wire
