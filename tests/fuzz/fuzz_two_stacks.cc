// Fuzz target: two whole stacks, and between them a link that does to each TCP frame what the input
// says. Octets arrive as they were sent, or not at all, unless a frame was altered in its text or
// its place and its checksum mended; every invariant of both engines holds after every turn; and
// when the input is at its end, so are, in time, all connections.
//
// An input is two octets of traits (fuzzed_host.h), one that opens the first connection (bits 0..3:
// see Connect; bits 4..7 are traits of all listeners), and one octet of fate for each TCP frame
// sent: the low three bits say what happens to it, the high five (n) how.
//   0  it arrives
//   1  it is lost
//   2  it arrives twice, the second time after 2^(n mod 16) ms
//   3  it is late by 2^(n mod 16) ms
//   4  octets change that no checksum is mended for: one octet of place, one of change
//   5  a field changes and the checksums are mended; see Alter
//   6  it arrives, and an application acts: bit 0 of n is the host, the next octets are number and
//      action; bit 1: callback and what it does from now on
//   7  it arrives, and a router, or memory, complains; see Complain
// While nothing is on its way, the next octet is as 6 and 7 without a frame.
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
#include "segment/peer_frames.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::fuzz {
namespace {

constexpr Duration kDelay = Milliseconds(1);
constexpr int64_t kStartUs = ((int64_t{1} << 32) - 100) * 1000;  // the clock wraps soon
constexpr uint32_t kOctetsMax = 5000;                            // of one direction
constexpr uint32_t kBases[2] = {0x40000000, 0};                  // where each host's text begins
constexpr int kFaultyStepsMax = 300;
constexpr int kStepsMax = 6000;

constexpr ScriptedApplication::Settings SettingsOf(int host) {
  ScriptedApplication::Settings settings;
  settings.write_base = kBases[host];
  settings.octets_max = kOctetsMax;
  settings.actions_max = 100;
  settings.uncoupled = true;  // or two that only write would wait for each other for ever
  return settings;
}

class World {
 public:
  explicit World(Input input)
      : input_(input),
        hosts_{FuzzedHost(0, input_.Octet(), SettingsOf(0), now_,
                          [](Connection) { return kBases[1]; }),
               FuzzedHost(1, input_.Octet(), SettingsOf(1), now_,
                          [](Connection) { return kBases[0]; })} {
    const uint8_t first = input_.Octet();
    for (int h = 0; h < 2; ++h) {
      hosts_[h].set_connect([this, h](unsigned n) { return Connect(h, n); });
      hosts_[h].Listen(FuzzedHost::kPort, first >> 4);
      hosts_[h].Listen(FuzzedHost::kOtherPort, first >> 4);
    }
    hosts_[0].application().Open(first);
    turn_due_[0] = true;
  }

  void Run() {
    int steps = 0;
    for (; steps < kFaultyStepsMax && !input_.empty(); ++steps) {
      if (arrivals_.empty() && !turn_due_[0] && !turn_due_[1]) Command(input_.Octet());
      Step();
    }
    input_ = Input({});
    for (int h = 0; h < 2; ++h) {
      hosts_[h].application().Behave();
      turn_due_[h] = true;
    }
    while (steps++ < kStepsMax && !Finished()) Step();
    // Who is short of memory looks again every millisecond, and may do so for longer than a fuzzer
    // has time.
    if (!altered_) {
      WEIR_CHECK(Finished() || hosts_[0].has(kScarceMemory) || hosts_[1].has(kScarceMemory));
      CheckStreams();
    }
    for (FuzzedHost& host : hosts_) {
      Time end = now_;
      Finished() ? host.CheckEmpty(end) : host.End(end);
    }
  }

 private:
  struct Arrival {
    Time at;
    int host = 0;
    Octets frame;
  };

  // Bit 0: IPv6. Bits 1..2: to which port - a listener, the other, nobody's, or one that the other
  // host may open from at the same time. Bit 3: from another port.
  Connection Connect(int host, unsigned n) {
    const unsigned number = n >> 3 & 1;
    const uint16_t ports[] = {FuzzedHost::kPort, FuzzedHost::kOtherPort, 82,
                              static_cast<uint16_t>(FuzzedHost::kActivePort + number)};
    return hosts_[host].Connect((n & 1) == 0, number, ports[n >> 1 & 3]);
  }

  bool Finished() const { return arrivals_.empty() && hosts_[0].idle() && hosts_[1].idle(); }

  // On to the next moment at which something happens.
  void Step() {
    Time next{INT64_MAX};
    for (const Arrival& arrival : arrivals_) next = std::min(next, arrival.at);
    for (int h = 0; h < 2; ++h) {
      next = std::min(next, turn_due_[h] ? now_ : hosts_[h].NextDeadline(now_));
    }
    // A stack that only waits for memory or for a reader has no deadline.
    now_ = std::clamp(next, now_ + Microseconds(1), now_ + Seconds(100000));
    std::array<std::vector<Octets>, 2> received;
    for (size_t i = 0; i < arrivals_.size();) {
      if (arrivals_[i].at > now_) {
        ++i;
        continue;
      }
      received[static_cast<size_t>(arrivals_[i].host)].push_back(std::move(arrivals_[i].frame));
      arrivals_.erase(arrivals_.begin() + static_cast<ptrdiff_t>(i));
    }
    for (int h = 0; h < 2; ++h) {
      const auto& burst = received[static_cast<size_t>(h)];
      if (burst.empty() && !turn_due_[h] && hosts_[h].NextDeadline(now_) > now_) continue;
      turn_due_[h] = false;
      for (Octets& frame : hosts_[h].Turn(burst, now_)) Send(h, std::move(frame));
    }
  }

  void Deliver(int from, Octets frame, Duration late = {}) {
    arrivals_.push_back({now_ + kDelay + late, 1 - from, std::move(frame)});
  }

  static bool IsTcp(const Octets& octets, wire::Frame& frame) {
    wire::ParseFrame(octets, {}, frame);
    return frame.kind == wire::FrameKind::kTcp;
  }

  void Send(int from, Octets octets) {
    wire::Frame frame;
    if (input_.empty() || !IsTcp(octets, frame)) return Deliver(from, std::move(octets));
    const uint8_t fate = input_.Octet();
    const unsigned n = fate >> 3;
    switch (fate & 7) {
      case 0:
        break;
      case 1:
        return;
      case 2:
        Deliver(from, octets, Milliseconds(int64_t{1} << n % 16));
        break;
      case 3:
        return Deliver(from, std::move(octets), Milliseconds(int64_t{1} << n % 16));
      case 4:
        return Corrupt(from, std::move(octets), frame);
      case 5:
        return Alter(from, std::move(octets), n);
      default:
        Deliver(from, octets);
        last_ = std::move(octets);
        last_from_ = from;
        return Command(fate);
    }
    Deliver(from, std::move(octets));
  }

  // Whoever checks a sum lets an alteration through now and then that the sum does not show; here
  // such a frame is lost, so that all that arrives is what was sent.
  void Corrupt(int from, Octets octets, const wire::Frame& frame) {
    const Octets segment(octets.begin() + frame.l4_offset, octets.end());
    octets[input_.Octet() % octets.size()] ^= input_.Octet();
    wire::Frame after;
    if (IsTcp(octets, after)) {
      const bool same = after.l4_offset == frame.l4_offset && after.source == frame.source &&
                        after.destination == frame.destination &&
                        std::equal(segment.begin(), segment.end(), octets.begin() + frame.l4_offset,
                                   octets.end());
      if (!same) return;
    }
    Deliver(from, std::move(octets));
  }

  // n mod 8 is the field: sequence number, acknowledgement, flags, window, urgent pointer, an octet
  // of the options, a port, an octet of text. One octet follows, or two, of what is added to it.
  void Alter(int from, Octets octets, unsigned n) {
    wire::Frame frame;
    WEIR_CHECK(IsTcp(octets, frame));
    const Octets sent = octets;
    uint8_t* p = octets.data() + frame.l4_offset;
    const auto add32 = [this](uint8_t* field) {
      StoreBe32(field, LoadBe32(field) + static_cast<uint32_t>(int16_t(input_.Word())));
    };
    const auto add16 = [this](uint8_t* field) {
      StoreBe16(field, static_cast<uint16_t>(LoadBe16(field) + input_.Word()));
    };
    const size_t option_octets = size_t{frame.text_offset} - frame.l4_offset - wire::kTcpHeaderSize;
    switch (n % 8) {
      case 0:
        add32(p + 4);
        break;
      case 1:
        add32(p + 8);
        break;
      case 2:
        p[13] ^= input_.Octet();
        break;
      case 3:
        add16(p + 14);
        break;
      case 4:
        add16(p + 18);
        break;
      case 5:
        if (option_octets != 0) {
          const size_t at = input_.Octet() % option_octets;
          p[wire::kTcpHeaderSize + at] ^= input_.Octet();
        }
        break;
      case 6:
        add16(p + (n >> 3 & 2));
        break;
      default:
        octets.back() ^= input_.Octet();
    }
    MendChecksums(octets);
    altered_ = true;
    NoteAlteration(octets, sent, frame);
    Deliver(from, std::move(octets));
  }

  // What arrives is the peer's text in its place as long as neither text nor place was touched; a
  // SYN takes a place of its own.
  void NoteAlteration(const Octets& octets, const Octets& sent, const wire::Frame& before) {
    wire::Frame after;
    const bool same = IsTcp(octets, after) && after.tcp.seq == before.tcp.seq &&
                      after.tcp.syn() == before.tcp.syn() &&
                      after.tcp.source_port == before.tcp.source_port &&
                      after.tcp.destination_port == before.tcp.destination_port &&
                      Text(octets, after) == Text(sent, before);
    if (same) return;
    for (FuzzedHost& host : hosts_) host.application().ForgetText();
  }

  static Octets Text(const Octets& octets, const wire::Frame& frame) {
    const auto text = std::span(octets).subspan(frame.text_offset, frame.text_size);
    return {text.begin(), text.end()};
  }

  void Command(uint8_t command) {
    const unsigned n = command >> 3;
    const int host = static_cast<int>(n & 1);
    turn_due_[host] = true;
    if ((command & 7) == 7) return Complain(host, n >> 1);
    ScriptedApplication& application = hosts_[host].application();
    const uint8_t first = input_.Octet(), action = input_.Octet();
    if ((n & 2) == 0) {
      application.Act(first, action);
    } else {
      application.Set(static_cast<Callback>(first % kCallbackCount), action);
    }
  }

  // Bit 0 of `what`: allocations of the host's next turn fail (one octet: which); else an ICMP
  // error about the last frame comes back to who sent it (one octet of type and code, two of MTU).
  void Complain(int host, unsigned what) {
    if ((what & 1) != 0) return hosts_[host].FailAllocation(input_.Octet());
    const uint8_t kind = input_.Octet();
    const uint16_t mtu = input_.Word();
    if (last_.empty()) return;
    const bool v4 = LoadBe16(&last_[12]) == wire::kEtherTypeIpv4;
    wire::IcmpHeader icmp{.code = static_cast<uint8_t>(kind >> 2), .rest = mtu};
    constexpr uint8_t kTypes4[] = {wire::kIcmpUnreachable, wire::kIcmpUnreachable,
                                   wire::kIcmpTimeExceeded, wire::kIcmpParameterProblem};
    icmp.type = v4 ? kTypes4[kind & 3] : static_cast<uint8_t>(1 + (kind & 3));
    if (v4 && (kind & 3) == 1) icmp.code = wire::kIcmpFragmentationNeeded;
    Octets message(wire::kIcmpHeaderSize);
    wire::WriteIcmp(message.data(), icmp);
    message.insert(message.end(), last_.begin() + wire::kEthernetHeaderSize,
                   last_.begin() + std::min<ptrdiff_t>(std::ssize(last_), 100));
    // From the other host to the sender, as if that were the router.
    Octets frame = segment::IpFrame(v4, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6,
                                    wire::kTtlDefault, message);
    if (last_from_ == 0) TurnRound(frame, v4);
    MendChecksums(frame);
    Deliver(1 - last_from_, std::move(frame));
  }

  // segment::IpFrame goes from host 0 to host 1.
  static void TurnRound(Octets& frame, bool v4) {
    const size_t source = wire::kEthernetHeaderSize + (v4 ? 12u : 8u);
    const size_t size = v4 ? 4 : 16;
    const auto at = [&frame](size_t i) { return frame.begin() + static_cast<ptrdiff_t>(i); };
    std::swap_ranges(at(0), at(6), at(6));
    std::swap_ranges(at(source), at(source + size), at(source + size));
  }

  // Connections that had these ends, one after another.
  static size_t Incarnations(const auto& sides, const Endpoint& local, const Endpoint& remote) {
    size_t count = 0;
    for (const auto& side : sides) count += side.local == local && side.remote == remote;
    return count;
  }

  // Whoever ended in peace has got all that the other one sent, and no one more than that. Where a
  // tuple was used again nobody here tells which end belongs to which.
  void CheckStreams() const {
    const auto& first = hosts_[0].application().sides();
    const auto& second = hosts_[1].application().sides();
    for (const auto& a : first) {
      for (const auto& b : second) {
        if (a.local != b.remote || a.remote != b.local) continue;
        if (Incarnations(first, a.local, a.remote) != 1) continue;
        if (Incarnations(second, b.local, b.remote) != 1) continue;
        const bool normal = a.closed && b.closed && !a.rude && !b.rude &&
                            a.reason == CloseReason::kNormal && b.reason == CloseReason::kNormal;
        if (normal) WEIR_CHECK(a.received == b.written && b.received == a.written);
      }
    }
  }

  Input input_;
  Time now_{kStartUs};
  std::array<FuzzedHost, 2> hosts_;
  std::vector<Arrival> arrivals_;
  std::array<bool, 2> turn_due_{};
  Octets last_;  // the last frame that was sent while something was said of it
  int last_from_ = 0;
  bool altered_ = false;  // a frame with mended checksums has arrived otherwise than it was sent
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::fuzz::World(weir::fuzz::Input({data, size})).Run();
  return 0;
}
