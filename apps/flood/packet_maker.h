// PacketMaker: the floods that are no sequence of TCP segments - fragments, ICMP, ARP, neighbour
// discovery, odd frames.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/prng.h"
#include "flood/modes.h"
#include "flood/scene.h"

namespace weir::flood {

// Every frame is one of a few templates in which some numbers are drawn anew, with the checksums
// corrected for each.
class PacketMaker {
 public:
  // A mode that is made of packets. The scene outlives the maker.
  PacketMaker(Mode mode, const Scene& scene, uint64_t seed);

  // Writes the next frame, at most kFrameMax octets, and returns its size.
  uint16_t Make(uint8_t* out);

 private:
  void Describe();
  void AddTinyFragments();
  void AddOverlappingFragments();
  void AddEndlessFragments();
  void AddIcmp(uint8_t type, uint8_t code, uint32_t rest);
  void AddEcho();
  void AddIcmpMessage(std::vector<uint8_t> message);
  void AddRedirect();
  void AddArp(bool gratuitous);
  void AddNeighbour(bool advert);
  void AddRouterAdvert();
  void AddOddFrames();

  std::vector<uint8_t> Frame(std::span<const uint8_t> packet) const;
  // A fragment of a TCP segment from a host of nobody.
  std::vector<uint8_t> Fragment(std::span<const uint8_t> payload, uint16_t offset, bool more) const;
  // The packet that an ICMP error is about: what the target is said to have sent.
  std::vector<uint8_t> Quoted() const;

  void VaryFragment(uint8_t* frame);
  void VarySource(uint8_t* frame, uint16_t transport_checksum);
  void VaryQuoted(uint8_t* frame);
  void VaryArp(uint8_t* frame);
  void VaryNeighbour(uint8_t* frame);

  Mode mode_;
  const Scene& scene_;
  bool v4_;
  Prng random_;
  std::vector<std::vector<uint8_t>> frames_;
  uint32_t next_ = 0;      // template
  uint32_t datagram_ = 0;  // identification that all fragments of one datagram share
  IpAddress datagram_source_;
};

}  // namespace weir::flood
