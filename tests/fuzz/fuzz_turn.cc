// Fuzz target: a list of frames, segments, delays and calls of the application into a whole stack
// with a listener. Whatever comes: no crash, only sound frames out, and no buffer lost.
//
// An input is a list of records, each begun by an octet whose low two bits say what follows:
//   0  a raw frame: two octets of size (little-endian, at most kFrameMax), then the frame
//   1  a TCP segment with right checksums: flags, then as two octets each the sequence number
//      (relative to what the stack expects) and the acknowledgement (relative to what it has sent),
//      window, then one octet of text size and one of options
//   2  time: one octet n, 2^(n mod 28) microseconds
//   3  the application: one octet, see Act
// Bit 2 chooses the family, bit 3 the peer's port.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "packet/pool_heap.h"
#include "segment/peer_frames.h"
#include "segment/segment.h"
#include "stack/stack.h"

namespace weir {
namespace {

constexpr uint16_t kListenPort = 80;
constexpr uint16_t kPeerPort = 40000;
constexpr size_t kFrameMax = 600;
constexpr size_t kRecordsMax = 200;
constexpr int64_t kStartUs = ((int64_t{1} << 32) - 100) * 1000;  // the clock wraps soon
constexpr uint8_t kTimeBits = 28;                                // up to 134 seconds at once

// Reads octets until there are none; then zeros.
class Input {
 public:
  explicit Input(std::span<const uint8_t> octets) : octets_(octets) {}
  bool empty() const { return octets_.empty(); }
  uint8_t Octet() {
    if (octets_.empty()) return 0;
    const uint8_t octet = octets_[0];
    octets_ = octets_.subspan(1);
    return octet;
  }
  uint16_t Word() {
    const uint8_t low = Octet();
    return static_cast<uint16_t>(low | Octet() << 8);
  }
  std::vector<uint8_t> Take(size_t size) {
    const auto part = octets_.first(std::min(size, octets_.size()));
    octets_ = octets_.subspan(part.size());
    return {part.begin(), part.end()};
  }

 private:
  std::span<const uint8_t> octets_;
};

class Application : public Handler {
 public:
  Connection last;
  bool echo = true;

 private:
  void OnOpen(Connection c) override { last = c; }
  void OnData(Connection c, Bytes text) override {
    WEIR_CHECK(!text.empty());
    if (echo) (void)c.Send(text);
  }
};

class World {
 public:
  World() : pool_(256), wire_pool_(64), stack_(Config(), pool_, counters_, now_) {
    stack_.Start(now_);
    (void)stack_.tcp().Listen(*stack_.tcp().WithDefaults({.port = kListenPort}), &application_);
    Turn({});
    Turn(segment::ArpFrame(1));
    Turn(segment::SolicitationFrame());
  }

  void Run(Input input) {
    for (size_t i = 0; i < kRecordsMax && !input.empty(); ++i) {
      const uint8_t kind = input.Octet();
      const bool v4 = (kind & 4) == 0;
      const auto port = static_cast<uint16_t>(kPeerPort + (kind >> 3 & 1));
      switch (kind & 3) {
        case 0: {
          const size_t size = std::min<size_t>(input.Word(), kFrameMax);
          Turn(input.Take(size));
          break;
        }
        case 1:
          Turn(Segment(input, v4, port));
          break;
        case 2:
          Pass(Microseconds(int64_t{1} << input.Octet() % kTimeBits));
          break;
        default:
          Act(input.Octet());
      }
    }
    End();
  }

 private:
  // What the peer knows of one connection: the stack's last words.
  struct Peer {
    Seq next;  // what the stack expects
    Seq end;   // one past what it has sent
  };

  static stack::StackConfig Config() {
    ip::InterfaceConfig interface;
    interface.mac = segment::kStackMac;
    interface.addresses = {{segment::StackAddress(true), 24}, {segment::StackAddress(false), 64}};
    interface.dad = false;
    stack::StackConfig config;
    config.ip.interfaces.push_back(interface);
    config.ip.neighbours = 8;
    config.ip.waiting_packets = 8;
    config.tcp.keys = {{1, 2}, {3, 4}, {5, 6}};
    config.tcp.max_connections = 8;
    config.tcp.max_flights = 8;
    config.tcp.kept_buffers = 64;
    config.tcp.receive_buffer = 4096;
    config.tcp.send_buffer = 4096;
    config.burst_max = 16;
    config.frames_max = 64;
    return config;
  }

  Peer& PeerOf(bool v4, uint16_t port) { return peers_[(v4 ? 0u : 2u) + (port & 1u)]; }

  std::vector<uint8_t> Segment(Input& input, bool v4, uint16_t port) {
    const Peer& peer = PeerOf(v4, port);
    segment::Seg seg;
    seg.flags = input.Octet();
    seg.seq = (peer.next + static_cast<uint32_t>(static_cast<int16_t>(input.Word()))).value;
    seg.ack = (peer.end + static_cast<uint32_t>(static_cast<int16_t>(input.Word()))).value;
    seg.window = input.Word();
    seg.text = segment::Pattern(0, input.Octet());
    const uint8_t options = input.Octet();
    if ((options & 1) != 0) seg.Mss(static_cast<uint16_t>(options * 11));
    if ((options & 2) != 0) seg.Scale(options >> 4);
    if ((options & 4) != 0) seg.Ts(static_cast<uint32_t>(now_.us / 1000) - (options >> 5), 0);
    segment::Path path;
    path.source_mac = segment::kPeerMac;
    path.destination_mac = segment::kStackMac;
    path.source = {segment::PeerAddress(v4), port};
    path.destination = {segment::StackAddress(v4), kListenPort};
    return segment::BuildFrame(path, seg);
  }

  void Act(uint8_t what) {
    static constexpr std::array<uint8_t, 2000> kText{};
    Connection& c = application_.last;
    switch (what & 7) {
      case 0:
        (void)c.Send(Bytes(kText).first(what * 7u));
        break;
      case 1:
        c.Pause();
        break;
      case 2:
        c.Resume();
        break;
      case 3:
        c.Shutdown();
        break;
      case 4:
        c.Close();
        break;
      case 5:
        c.Abort();
        break;
      case 6:
        c.SetTimer(what);
        break;
      default:
        (void)c.SendOwned(Bytes(kText).first(what * 7u), nullptr, nullptr);
        application_.echo = !application_.echo;
    }
    Turn({});
  }

  // At most a turn a deadline, and no more turns than a fuzzer has time for.
  void Pass(Duration d) {
    const Time end = now_ + d;
    for (int i = 0; i < 64 && now_ < end; ++i) {
      now_ = std::min(std::max(stack_.NextDeadline(now_), now_ + Microseconds(1)), end);
      Turn({});
    }
    now_ = end;
    Turn({});
  }

  void Turn(const std::vector<uint8_t>& frame) {
    Packet packet;
    if (!frame.empty()) packet = PacketOf(wire_pool_, frame);
    for (Packet& sent : stack_.Turn(std::span(&packet, 1), now_)) Look(sent);
  }

  void Look(Packet& packet) {
    std::vector<uint8_t> octets(packet.size());
    packet.CopyOut(0, octets);
    packet.Reset();
    wire::Frame frame;
    wire::ParseFrame(octets, {}, frame);
    WEIR_CHECK(frame.kind != wire::FrameKind::kDropped);
    if (frame.kind != wire::FrameKind::kTcp || frame.tcp.rst()) return;
    Peer& peer = PeerOf(frame.v4, frame.tcp.destination_port);
    if (frame.tcp.has_ack()) peer.next = frame.tcp.ack;
    peer.end =
        frame.tcp.seq + frame.text_size + (frame.tcp.syn() ? 1 : 0) + (frame.tcp.fin() ? 1 : 0);
  }

  // Everything is given back once the connections are gone and TIME-WAIT is over.
  void End() {
    stack_.tcp().AbortAll(CloseReason::kShutdown);
    for (int i = 0; i < 8; ++i) Pass(Seconds(20));
    // Whoever was in TIME-WAIT and has paused is still to be told.
    stack_.tcp().AbortAll(CloseReason::kShutdown);
    Turn({});
    const tcp::Usage usage = stack_.tcp().usage();
    WEIR_CHECK(usage.connections == 0 && usage.flights == 0 && usage.kept_buffers == 0);
    WEIR_CHECK(pool_.in_use() == 0 && wire_pool_.in_use() == 0);
  }

  Time now_{kStartUs};
  HeapPool pool_;
  HeapPool wire_pool_;  // of received frames
  Counters counters_;
  Application application_;
  stack::Stack stack_;
  std::array<Peer, 4> peers_{};
};

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::World().Run(weir::Input({data, size}));
  return 0;
}
