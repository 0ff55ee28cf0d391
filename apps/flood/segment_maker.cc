// Templates and variations of each mode.
#include "flood/segment_maker.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/toeplitz.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;
using wire::kTcpUrg;

// MSS 1460, SACK permitted, timestamps, NOP, window scale 7.
constexpr std::array<uint8_t, 20> kLinuxOptions = {2,    4,    5, 180, 4, 2, 8, 10, 0x12, 0x34,
                                                   0x56, 0x78, 0, 0,   0, 0, 1, 3,  3,    7};
constexpr uint16_t kFixedPort = 40000;
// Below this the target of --target and its neighbours tend to listen.
constexpr uint16_t kClosedPortFirst = 10000;
constexpr uint16_t kSourcePortFirst = 1024;
constexpr size_t kTextSizes[] = {1, 64, 512, 1398};

// Microsoft's example key, which most drivers start with.
constexpr std::array<uint8_t, 40> kWellKnownKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
constexpr uint32_t kCollidingBits = 0xff;  // of the hash: tables of queues rarely look at more
constexpr size_t kColliding = 512;

std::vector<uint8_t> TextOf(size_t size) {
  static constexpr std::string_view kRequest = "GET /index.html HTTP/1.1\r\nHost: target\r\n\r\n";
  std::vector<uint8_t> text(size);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<uint8_t>(kRequest[i % kRequest.size()]);
  return text;
}

uint16_t PortFrom(uint16_t first, Prng& random) {
  return static_cast<uint16_t>(first + random.Below(65536u - first));
}

}  // namespace

std::span<const uint8_t> LinuxSynOptions() { return kLinuxOptions; }

SegmentMaker::SegmentMaker(Mode mode, const Scene& scene, uint64_t seed)
    : mode_(mode), scene_(scene), random_(seed) {
  Describe();
}

SegmentSpec SegmentMaker::Bare(uint8_t flags) const {
  SegmentSpec spec;
  spec.source = scene_.sources.Neighbour(1);
  spec.destination = scene_.target.address;
  spec.source_port = kFixedPort;
  spec.destination_port = scene_.target.port;
  spec.flags = flags;
  return spec;
}

void SegmentMaker::Add(const SegmentSpec& spec, uint16_t ts_offset) {
  templates_.emplace_back(SegmentFrame(scene_.own_mac, scene_.target_mac, spec), ts_offset);
}

void SegmentMaker::Describe() {
  using Source = Variation::Source;
  SegmentSpec syn = Bare(kTcpSyn);
  const SegmentSpec bare = syn;
  syn.options = kLinuxOptions;
  const auto live_if_any = [this] {
    vary_.source = scene_.live.empty() ? Source::kRandom : Source::kLive;
    vary_.source_port = scene_.live.empty();
    vary_.ack = true;
  };
  switch (mode_) {
    case Mode::kSynOneSource:
    case Mode::kSynPrefix:
      vary_.source = mode_ == Mode::kSynOneSource ? Source::kKept : Source::kNeighbours;
      return Add(syn, kLinuxTsOffset);
    case Mode::kSynFixed:
      vary_ = {.source = Source::kKept, .source_port = false};
      return Add(syn, kLinuxTsOffset);
    case Mode::kSynLive:
      live_if_any();
      vary_.ack = false;
      return Add(syn, kLinuxTsOffset);
    case Mode::kSynCollide:
      vary_ = {.source = Source::kColliding, .source_port = false};
      FindCollisions();
      return Add(syn, kLinuxTsOffset);
    case Mode::kSynBare:
    case Mode::kBadChecksum:
      return Add(bare);
    case Mode::kSynText:
    case Mode::kFastOpen:
      return AddText();
    case Mode::kSynJunk:
      return AddJunk();
    case Mode::kFlags:
      return AddFlags();
    case Mode::kClosedPorts:
      vary_.destination_port = true;
      return Add(bare);
    case Mode::kSynAck:
      vary_.ack = true;
      syn.flags = kTcpSyn | kTcpAck;
      return Add(syn, kLinuxTsOffset);
    case Mode::kAck:
      vary_.ack = true;
      return Add(Bare(kTcpAck));
    case Mode::kAckText: {
      vary_.ack = true;
      SegmentSpec spec = Bare(kTcpAck | kTcpPsh);
      const std::vector<uint8_t> text = TextOf(8);
      spec.text = text;
      return Add(spec);
    }
    case Mode::kRst:
      live_if_any();
      Add(Bare(kTcpRst));
      return Add(Bare(kTcpRst | kTcpAck));
    case Mode::kFin:
      live_if_any();
      Add(Bare(kTcpFin));
      return Add(Bare(kTcpFin | kTcpAck));
    case Mode::kData: {
      live_if_any();
      SegmentSpec spec = Bare(kTcpAck | kTcpPsh);
      const std::vector<uint8_t> text = TextOf(64);
      spec.text = text;
      return Add(spec);
    }
    case Mode::kLand: {
      vary_ = {.source = Source::kKept, .source_port = false};
      SegmentSpec spec = syn;
      spec.source = scene_.target.address;
      spec.source_port = scene_.target.port;
      return Add(spec, kLinuxTsOffset);
    }
    case Mode::kBadSource:
      vary_.source = Source::kKept;
      return AddBadSources();
    default:
      return Add(syn, kLinuxTsOffset);
  }
}

// SYNs with text, as HTTP over Fast Open would have it.
void SegmentMaker::AddText() {
  // Kind 34 with a cookie of eight octets (RFC 7413 4.1.1), which Make draws anew by TSval's place.
  static constexpr std::array<uint8_t, 20> kCookie = {2, 4, 5, 180, 1, 1, 34, 10, 1, 2,
                                                      3, 4, 5, 6,   7, 8, 1,  1,  1, 1};
  for (const size_t size : kTextSizes) {
    const std::vector<uint8_t> text = TextOf(size);
    SegmentSpec spec = Bare(kTcpSyn);
    if (mode_ == Mode::kFastOpen) {
      spec.options = kCookie;
    } else {
      spec.options = kLinuxOptions;
    }
    spec.text = text;
    Add(spec, kLinuxTsOffset);
  }
}

void SegmentMaker::AddJunk() {
  const std::vector<std::vector<uint8_t>> junk = {
      std::vector<uint8_t>(40, 253),    // an unknown kind, cut short
      {253, 40},                        // longer than the header
      {2, 0, 5, 180},                   // length 0
      {2, 1, 5, 180},                   // length 1
      {1, 1, 1, 2},                     // nothing behind the kind
      {2, 4, 0, 0},                     // MSS 0
      {2, 4, 0, 1},                     // MSS 1
      {2, 4, 255, 255},                 // MSS 65535
      {2, 3, 5, 1},                     // MSS of another length
      {3, 3, 255, 1},                   // window scale 255
      {4, 2, 4, 2, 4, 2, 4, 2},         // SACK permitted four times
      {5, 10, 0, 0, 0, 1, 0, 0, 0, 2},  // SACK blocks on a SYN
      {0, 2, 4, 5, 180, 3, 3, 7},       // options behind the end
      {19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},  // RFC 2385
      std::vector<uint8_t>(40, 1),                                      // nothing but NOPs
  };
  for (const std::vector<uint8_t>& options : junk) {
    SegmentSpec spec = Bare(kTcpSyn);
    spec.options = options;
    Add(spec);
  }
  std::vector<uint8_t> timestamps;  // as often as they fit
  for (int i = 0; i < 4; ++i) {
    timestamps.insert(timestamps.end(), {8, 10, 1, 2, 3, 4, 0, 0, 0, 0});
  }
  SegmentSpec spec = Bare(kTcpSyn);
  spec.options = timestamps;
  Add(spec);
}

void SegmentMaker::AddFlags() {
  vary_.ack = true;
  for (const uint8_t flags :
       {uint8_t{kTcpSyn | kTcpFin}, uint8_t{kTcpSyn | kTcpRst}, uint8_t{kTcpSyn | kTcpUrg},
        uint8_t{0}, uint8_t{0x3f}, uint8_t{0xff}, uint8_t{kTcpFin},
        uint8_t{kTcpFin | kTcpUrg | kTcpPsh}, uint8_t{kTcpSyn | kTcpFin | kTcpAck},
        uint8_t{kTcpSyn | kTcpRst | kTcpAck}}) {
    Add(Bare(flags));
  }
  SegmentSpec reserved = Bare(kTcpSyn);
  reserved.reserved = 0x0f;
  Add(reserved);
}

// None of them can be answered, by anybody.
void SegmentMaker::AddBadSources() {
  const bool v4 = scene_.target.address.is_v4();
  const char* const sources[2][5] = {
      {"::1", "::", "ff02::1", "ff0e::1", "ff02::2"},
      {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1"}};
  for (const char* source : sources[v4]) {
    SegmentSpec spec = Bare(kTcpSyn);
    spec.source = *IpAddress::Parse(source);
    Add(spec);
  }
}

// Sources and ports whose hash under the well-known key ends in zeros.
void SegmentMaker::FindCollisions() {
  const runtime::Toeplitz toeplitz(kWellKnownKey);
  colliding_.reserve(kColliding);
  // One in 256 is one: what is not found in this many is not worth waiting for.
  for (size_t i = 0; i < kColliding * (kCollidingBits + 1) * 4 && colliding_.size() < kColliding;
       ++i) {
    const Endpoint source{scene_.sources.Random(random_), PortFrom(kSourcePortFirst, random_)};
    const uint32_t hash =
        toeplitz.Hash({source.address, scene_.target.address, source.port, scene_.target.port});
    if ((hash & kCollidingBits) == 0) colliding_.push_back(source);
  }
  if (colliding_.empty()) colliding_.push_back({scene_.sources.Neighbour(1), kFixedPort});
}

void SegmentMaker::DrawSource(SegmentTemplate::Fields& fields) {
  using Source = Variation::Source;
  const auto take = [&fields](const Endpoint& source) {
    fields.source = source.address;
    fields.source_port = source.port;
  };
  switch (vary_.source) {
    case Source::kKept:
      break;
    case Source::kRandom:
      fields.source = scene_.sources.Random(random_);
      break;
    case Source::kNeighbours:
      fields.source = scene_.sources.Neighbour(static_cast<uint8_t>(count_));
      break;
    case Source::kLive:
      take(scene_.live[count_ % scene_.live.size()]);
      break;
    case Source::kColliding:
      take(colliding_[count_ % colliding_.size()]);
      break;
  }
}

uint16_t SegmentMaker::Make(uint8_t* out) {
  const SegmentTemplate& segment = templates_[next_];
  if (++next_ == templates_.size()) next_ = 0;
  SegmentTemplate::Fields fields = segment.fields();
  DrawSource(fields);
  const uint64_t draw = random_.Next();
  if (vary_.source_port) {
    fields.source_port =
        static_cast<uint16_t>(kSourcePortFirst + (draw >> 48) * (65536 - kSourcePortFirst) / 65536);
  }
  if (vary_.seq) fields.seq = static_cast<uint32_t>(draw);
  fields.ts_value = static_cast<uint32_t>(draw >> 16);
  if (vary_.ack) fields.ack = static_cast<uint32_t>(random_.Next());
  if (vary_.destination_port) {
    fields.destination_port = PortFrom(kClosedPortFirst, random_);
    if (fields.destination_port == scene_.target.port) fields.destination_port ^= 1;
  }
  ++count_;
  const uint16_t size = segment.Stamp(fields, out);
  if (mode_ == Mode::kBadChecksum)
    out[segment.tcp_offset() + 16 + (draw & 1)] ^= 1 << (draw >> 8 & 7);
  return size;
}

}  // namespace weir::flood
