// Kinds of answers, and which SYN-ACK came twice.
#include "flood/answers.h"

#include "base/prng.h"

namespace weir::flood {
namespace {

// A number that differs for another tuple or another SYN: the acknowledgement number is the SYN's
// own plus one, so an answer to a second SYN is no repeat.
uint64_t KeyOf(const wire::Frame& frame) {
  const uint64_t numbers = uint64_t{frame.tcp.ack.value} << 32 |
                           uint64_t{frame.tcp.destination_port} << 16 | frame.tcp.source_port;
  const uint64_t key =
      Prng(Prng(frame.destination.high() ^ numbers).Next() ^ frame.destination.low()).Next();
  return key == 0 ? 1 : key;
}

}  // namespace

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
    const uint64_t key = KeyOf(frame);
    if (sample_bits_ != 0 && key >> (64 - sample_bits_) != 0) return;
    ++counts.syn_acks_sampled;
    if (SeenBefore(key)) ++counts.syn_ack_repeats;
    return;
  }
  ++counts.other_tcp;
  if (frame.text_size > 0 && !expected) ++counts.forged;
}

void Answers::CountNeighbourRequest(uint32_t size, FloodCounts& counts) {
  ++counts.answer_frames;
  counts.answer_octets += size;
  ++counts.neighbour_requests;
}

}  // namespace weir::flood
