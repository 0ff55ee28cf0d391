// Kinds of answers, and which SYN-ACK came twice.
#include "flood/answers.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

constexpr size_t kEthernet = wire::kEthernetHeaderSize;
constexpr uint8_t kPlainIpv4 = 0x45;  // version, and a header without options
constexpr uint8_t kSynAckFlags = wire::kTcpSyn | wire::kTcpAck;

// A number that differs for another tuple or another SYN: the acknowledgement number is the SYN's
// own plus one, so an answer to a second SYN is no repeat.
uint64_t KeyOf(const SynAck& syn_ack) {
  const uint64_t numbers =
      uint64_t{syn_ack.ack} << 32 | uint64_t{syn_ack.destination_port} << 16 | syn_ack.source_port;
  const uint64_t key =
      Prng(Prng(syn_ack.destination.high() ^ numbers).Next() ^ syn_ack.destination.low()).Next();
  return key == 0 ? 1 : key;
}

}  // namespace

std::optional<SynAck> PeekSynAck(std::span<const uint8_t> frame) {
  const uint8_t* p = frame.data();
  if (frame.size() < kEthernet + wire::kIpv4HeaderSize + wire::kTcpHeaderSize) return std::nullopt;
  SynAck syn_ack;
  const uint8_t* tcp = nullptr;
  const uint16_t ether_type = LoadBe16(p + 12);
  p += kEthernet;
  if (ether_type == wire::kEtherTypeIpv4) {
    if (p[0] != kPlainIpv4 || p[9] != wire::kProtocolTcp) return std::nullopt;
    if ((LoadBe16(p + 6) & wire::kIpv4FragmentMask) != 0) return std::nullopt;
    syn_ack.destination = wire::LoadIpv4Address(p + 16);
    tcp = p + wire::kIpv4HeaderSize;
  } else if (ether_type == wire::kEtherTypeIpv6) {
    if (frame.size() < kEthernet + wire::kIpv6HeaderSize + wire::kTcpHeaderSize) {
      return std::nullopt;
    }
    if (p[6] != wire::kProtocolTcp) return std::nullopt;
    syn_ack.destination = IpAddress::FromV6Octets(p + 24);
    tcp = p + wire::kIpv6HeaderSize;
  } else {
    return std::nullopt;
  }
  if ((tcp[13] & ~(wire::kTcpEce | wire::kTcpCwr)) != kSynAckFlags) return std::nullopt;
  syn_ack.source_port = LoadBe16(tcp);
  syn_ack.destination_port = LoadBe16(tcp + 2);
  syn_ack.ack = LoadBe32(tcp + 8);
  return syn_ack;
}

Answers::Answers() : seen_(kRemembered) {}

void Answers::SampleFor(double syn_acks_per_second) {
  sample_bits_ = 0;
  // A quarter full, nine in ten of those remembered are still there when they come again.
  while (syn_acks_per_second * kRepeatedAfterS / (1u << sample_bits_) > kRemembered / 4 &&
         sample_bits_ < 16) {
    ++sample_bits_;
  }
}

bool Answers::SeenBefore(uint64_t key) {
  uint64_t& place = seen_[key % kRemembered];
  if (place == key) return true;
  place = key;
  return false;
}

void Answers::Count(const wire::Frame& frame, uint32_t size, bool expected, FloodCounts& counts) {
  ++counts.answer_frames;
  counts.answer_octets += size;
  if (frame.kind == wire::FrameKind::kIcmp || frame.kind == wire::FrameKind::kIcmpv6) {
    ++counts.icmp;
    return;
  }
  if (frame.kind != wire::FrameKind::kTcp) {
    ++counts.unreadable;
    return;
  }
  if (frame.tcp.rst()) {
    ++counts.resets;
    return;
  }
  if (frame.tcp.syn()) {
    ++counts.syn_acks;
    Remember(
        {frame.destination, frame.tcp.source_port, frame.tcp.destination_port, frame.tcp.ack.value},
        counts);
    return;
  }
  ++counts.other_tcp;
  if (frame.text_size > 0 && !expected) ++counts.forged;
}

void Answers::CountSynAck(const SynAck& syn_ack, uint32_t size, FloodCounts& counts) {
  ++counts.answer_frames;
  counts.answer_octets += size;
  ++counts.syn_acks;
  Remember(syn_ack, counts);
}

void Answers::Remember(const SynAck& syn_ack, FloodCounts& counts) {
  const uint64_t key = KeyOf(syn_ack);
  if (sample_bits_ != 0 && key >> (64 - sample_bits_) != 0) return;
  ++counts.syn_acks_sampled;
  if (SeenBefore(key)) ++counts.syn_ack_repeats;
}

void Answers::CountNeighbourRequest(uint32_t size, FloodCounts& counts) {
  ++counts.answer_frames;
  counts.answer_octets += size;
  ++counts.neighbour_requests;
}

}  // namespace weir::flood
