// MendChecksums: makes the checksums of a frame right whose octets were altered at random, so that
// the alteration gets past them.
#pragma once

#include <cstdint>
#include <span>

namespace weir::fuzz {

// Fills in the IPv4 header's checksum and that of TCP, ICMP or ICMPv6 behind it, as far as the
// frame has them. It walks the headers by itself and believes none of them: any octets will do.
void MendChecksums(std::span<uint8_t> frame);

}  // namespace weir::fuzz
