// Fuzz target: a list of frames, segments, ICMP errors, delays, faults and calls of the application
// into a whole stack with two listeners and active opens. Whatever comes: no crash, only sound
// frames out, text as it was written, every invariant of the engine after every turn, and no buffer
// lost.
//
// An input is an octet of traits (fuzzed_host.h) and a list of records, each begun by an octet
// whose low two bits say what follows. Bit 2 is the family (0: IPv4), bit 3 the peer's port.
//   0  a frame, by bits 4..5:
//      0  two octets of size (little-endian), then the frame as it stands
//      1  the same with its checksums mended
//      2  an ICMP error about the last segment of the connection; service in bits 6..7; see Error
//      3  one octet: ARP, neighbour discovery or an echo request
//   1  a segment that fits the connection, or nearly; service in bits 4..5; see Segment. Bit 6: it
//      waits for the next turn's burst. Bit 7: one more octet of oddities
//   2  time: one octet n, 2^(n mod 28) microseconds
//   3  the application, by bits 4..5:
//      0  two octets: connection and action
//      1  two octets: callback and what it does from now on
//      2  one octet: which allocation of the next turn fails, 0 = all
//      3  one octet: bit 0 is the listener; it closes, or, with bit 1, begins anew with the traits
//         in bits 2..7
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "fuzz/fuzzed_host.h"
#include "fuzz/input.h"
#include "fuzz/mend_frame.h"
#include "fuzz/stream.h"
#include "segment/peer_frames.h"
#include "segment/segment.h"
#include "tcp/fast_open_cookie.h"
#include "wire/icmp.h"

namespace weir::fuzz {
namespace {

constexpr uint16_t kPeerPort = 40000;    // first of those that the peer opens from
constexpr uint16_t kPeerService = 7000;  // first of those that it listens on
constexpr uint16_t kClosedPort = 82;
constexpr size_t kFrameMax = 600;
constexpr size_t kRecordsMax = 200;
constexpr int kTurnsOfOneDelay = 24;
constexpr int64_t kStartUs = ((int64_t{1} << 32) - 100) * 1000;  // the clock wraps soon
constexpr uint8_t kTimeBits = 28;                                // up to 134 seconds at once

enum Service : uint8_t { kListener, kOtherListener, kNobody, kActive };

// One connection that the peer may have: family, port, service.
struct Flow {
  bool v4 = true;
  uint8_t port = 0;
  uint8_t service = kListener;

  size_t index() const { return size_t{service} * 4 + port * 2u + (v4 ? 0u : 1u); }
  Endpoint peer() const {
    const uint16_t first = service == kActive ? kPeerService : kPeerPort;
    return {segment::PeerAddress(v4), static_cast<uint16_t>(first + port)};
  }
  Endpoint own() const {
    constexpr uint16_t kPorts[] = {FuzzedHost::kPort, FuzzedHost::kOtherPort, kClosedPort,
                                   FuzzedHost::kActivePort};
    const auto shift = static_cast<uint16_t>(service == kActive ? port : 0);
    return {segment::StackAddress(v4), static_cast<uint16_t>(kPorts[service] + shift)};
  }
};

// What the stack has shown of a connection.
struct Shown {
  Seq next;  // what it expects
  Seq end;   // one past what it has sent
  uint32_t timestamp = 0;
  Octets last;  // the last frame
};

class World {
 public:
  explicit World(uint8_t traits)
      : host_(1, traits, {.uncoupled_port = FuzzedHost::kOtherPort}, now_,
              [this](Connection c) { return FirstOctet(c); }) {
    host_.set_connect([this](unsigned n) { return Connect(n); });
    host_.Listen(FuzzedHost::kPort);
    host_.Listen(FuzzedHost::kOtherPort);
    Turn(segment::ArpFrame(1));
    Turn(segment::SolicitationFrame());
  }

  void Run(Input input) {
    for (size_t i = 0; i < kRecordsMax && !input.empty(); ++i) {
      const uint8_t kind = input.Octet();
      Flow flow{(kind & 4) == 0, static_cast<uint8_t>(kind >> 3 & 1), kListener};
      switch (kind & 3) {
        case 0:
          flow.service = kind >> 6;
          Frame(kind >> 4 & 3, flow, input);
          break;
        case 1:
          flow.service = kind >> 4 & 3;
          burst_.push_back(Segment(flow, (kind & 0x80) != 0, input));
          if ((kind & 0x40) == 0) Turn();
          break;
        case 2:
          Pass(Microseconds(int64_t{1} << input.Octet() % kTimeBits));
          break;
        default:
          Call(kind >> 4 & 3, input);
      }
    }
    Turn();
    host_.End(now_);
  }

 private:
  // The place in the stream of the first octet that the peer sends: its sequence number.
  uint32_t FirstOctet(Connection c) {
    const tcp::Tcb* tcb = host_.Find(c.local(), c.remote());
    WEIR_CHECK(tcb != nullptr);
    const tcp::Flight* flight = host_.engine().FlightOf(*tcb);
    const uint32_t unread = flight == nullptr ? 0 : flight->unread_octets;
    return (tcb->rcv.nxt - unread - (tcb->has(tcp::kPeerFin) ? 1u : 0u)).value;
  }

  Connection Connect(unsigned n) {
    const Flow flow{(n & 1) == 0, static_cast<uint8_t>(n >> 1 & 1), kActive};
    return host_.Connect(flow.v4, flow.port, flow.peer().port);
  }

  void Frame(int what, const Flow& flow, Input& input) {
    if (what == 2) return Turn(Error(flow, input));
    if (what == 3) return Turn(Neighbour(flow.v4, input.Octet()));
    const auto taken = input.Take(std::min<size_t>(input.Word(), kFrameMax));
    Octets frame(taken.begin(), taken.end());
    if (what == 1) MendChecksums(frame);
    wire::Frame parsed;
    wire::ParseFrame(frame, {}, parsed);
    // It may fit a connection, with text of its own.
    if (parsed.kind == wire::FrameKind::kTcp) host_.application().ForgetText();
    Turn(std::move(frame));
  }

  Octets Neighbour(bool v4, uint8_t what) {
    if (what % 3 == 0) return segment::EchoFrame(v4, what);
    if (v4) return segment::ArpFrame(what % 3);
    return what % 3 == 1 ? segment::SolicitationFrame() : segment::AdvertisementFrame();
  }

  // One octet of type and code, one of how far the quoted sequence number is off (in 256), two of
  // MTU, one of how much is quoted.
  Octets Error(const Flow& flow, Input& input) {
    constexpr uint8_t kTypes[2][4] = {{wire::kIcmpv6Unreachable, wire::kIcmpv6PacketTooBig,
                                       wire::kIcmpv6TimeExceeded, wire::kIcmpv6ParameterProblem},
                                      {wire::kIcmpUnreachable, wire::kIcmpUnreachable,
                                       wire::kIcmpTimeExceeded, wire::kIcmpParameterProblem}};
    const uint8_t kind = input.Octet();
    wire::IcmpHeader icmp{.type = kTypes[flow.v4][kind & 3],
                          .code = static_cast<uint8_t>(kind >> 2)};
    if (flow.v4 && (kind & 3) == 1) icmp.code = wire::kIcmpFragmentationNeeded;
    const auto off = static_cast<uint32_t>(static_cast<int8_t>(input.Octet())) * 256;
    icmp.rest = input.Word();
    const size_t quoted_size = input.Octet();
    Octets quoted = ShownOf(flow).last;
    quoted.erase(quoted.begin(), quoted.begin() + std::min<ptrdiff_t>(std::ssize(quoted),
                                                                      wire::kEthernetHeaderSize));
    quoted.resize(std::min(quoted.size(), quoted_size));
    const size_t seq_at = flow.v4 ? 24 : 44;
    if (quoted.size() >= seq_at + 4) {
      StoreBe32(&quoted[seq_at], LoadBe32(&quoted[seq_at]) + off);
    }
    Octets message(wire::kIcmpHeaderSize);
    wire::WriteIcmp(message.data(), icmp);
    message.insert(message.end(), quoted.begin(), quoted.end());
    Octets frame = segment::IpFrame(flow.v4, flow.v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6,
                                    wire::kTtlDefault, message);
    MendChecksums(frame);
    return frame;
  }

  // Flags; two octets each of sequence number (relative to what the stack expects),
  // acknowledgement (relative to what it has sent) and window; octets of text; options.
  Octets Segment(const Flow& flow, bool odd, Input& input) {
    const Shown& shown = ShownOf(flow);
    Seq seq = shown.next, ack = shown.end;
    segment::Seg seg;
    seg.flags = input.Octet();
    const auto seq_off = static_cast<uint32_t>(static_cast<int16_t>(input.Word()));
    const auto ack_off = static_cast<uint32_t>(static_cast<int16_t>(input.Word()));
    seg.window = input.Word();
    uint32_t size = input.Octet();
    const uint8_t options = input.Octet();
    if ((options & 1) != 0) seg.Mss(static_cast<uint16_t>(options * 11));
    if ((options & 2) != 0) seg.Scale(options >> 4);
    if ((options & 4) != 0) {
      seg.Ts(static_cast<uint32_t>(now_.us / 1000) - (options >> 5), shown.timestamp);
    }
    // A cookie of the stack's own, on a SYN; on a SYN-ACK it is as good as any.
    if ((options & 8) != 0) {
      seg.Cookie(tcp::FastOpenCookieCodec(kCookieKey).Make(flow.peer().address, now_));
    }
    if (odd) {
      const uint8_t what = input.Octet();
      const tcp::Tcb* c = host_.Find(flow.own(), flow.peer());
      if ((what & 1) != 0 && c != nullptr) seq = c->rcv.adv;
      if ((what & 2) != 0 && c != nullptr) ack = c->snd.una;
      if ((what & 4) != 0) seg.BadChecksum();
      if ((what & 8) != 0) {
        const auto raw = input.Take(8);
        seg.RawOptions({raw.begin(), raw.end()});
      }
      if ((what & 16) != 0) seg.Urgent(input.Word());
      if ((what & 32) != 0) seg.options.ts_echo += static_cast<uint32_t>(int8_t(input.Octet()));
      if ((what & 64) != 0) size = std::min(size * 8, 1400u);
      if ((what & 128) != 0) seg.Broadcast();
    }
    seg.seq = (seq + seq_off).value;
    seg.ack = (ack + ack_off).value;
    seg.text = StreamText(seg.seq + (seg.syn() ? 1 : 0), size);
    segment::Path path;
    path.source_mac = segment::kPeerMac;
    path.destination_mac = segment::kStackMac;
    path.source = flow.peer();
    path.destination = flow.own();
    return segment::BuildFrame(path, seg);
  }

  void Call(int what, Input& input) {
    const uint8_t first = input.Octet();
    switch (what) {
      case 0:
        host_.application().Act(first, input.Octet());
        return Turn();
      case 1:
        return host_.application().Set(static_cast<Callback>(first % kCallbackCount),
                                       input.Octet());
      case 2:
        return host_.FailAllocation(first);
      default: {
        const uint16_t port = (first & 1) == 0 ? FuzzedHost::kPort : FuzzedHost::kOtherPort;
        host_.CloseListener(port);
        if ((first & 2) != 0) host_.Listen(port, first >> 2);
        return Turn();
      }
    }
  }

  // At most a turn a deadline, and no more turns than a fuzzer has time for.
  void Pass(Duration d) {
    const Time end = now_ + d;
    for (int i = 0; i < kTurnsOfOneDelay && now_ < end; ++i) {
      now_ = std::min(std::max(host_.NextDeadline(now_), now_ + Microseconds(1)), end);
      Turn();
    }
    now_ = end;
    Turn();
  }

  void Turn(Octets frame) {
    burst_.push_back(std::move(frame));
    Turn();
  }
  void Turn() {
    const std::vector<Octets> received = std::move(burst_);
    burst_.clear();
    for (Octets& sent : host_.Turn(received, now_)) Look(std::move(sent));
  }

  void Look(Octets octets) {
    wire::Frame frame;
    wire::ParseFrame(octets, {}, frame);
    if (frame.kind != wire::FrameKind::kTcp) return;
    const wire::TcpHeader& h = frame.tcp;
    Shown* shown = FindShown(frame);
    if (shown == nullptr) return;
    shown->last = octets;
    if (h.rst()) return;
    if (h.has_ack()) shown->next = h.ack;
    shown->end = h.seq + frame.text_size + (h.syn() ? 1 : 0) + (h.fin() ? 1 : 0);
    if (h.options.has(wire::TcpOptions::kTimestamps)) shown->timestamp = h.options.ts_value;
  }

  Shown& ShownOf(const Flow& flow) { return shown_[flow.index()]; }
  Shown* FindShown(const wire::Frame& frame) {
    for (uint8_t service = kListener; service <= kActive; ++service) {
      for (uint8_t port = 0; port < 2; ++port) {
        const Flow flow{frame.v4, port, service};
        if (flow.own() == Endpoint{frame.source, frame.tcp.source_port} &&
            flow.peer() == Endpoint{frame.destination, frame.tcp.destination_port}) {
          return &ShownOf(flow);
        }
      }
    }
    return nullptr;  // an answer to a raw frame
  }

  Time now_{kStartUs};
  FuzzedHost host_;
  std::array<Shown, 16> shown_;
  std::vector<Octets> burst_;
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::fuzz::Input input({data, size});
  const uint8_t traits = input.Octet();
  weir::fuzz::World(traits).Run(input);
  return 0;
}
