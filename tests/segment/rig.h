// Rig: one whole Stack in virtual time, and the peer at the other end of its wire.
//
//   Rig rig;
//   rig.In(Syn(0).Mss(1460));
//   rig.Out(SynAck(0).Acks(1));
//   rig.In(Ack(1).Acks(1));
//   rig.Quiet();
//   rig.Advance(Milliseconds(200));
//
// The rig plays the peer host at layer 2 and 3: it answers ARP and neighbour solicitations itself.
// The peer's sequence numbers begin just under 2^32, and so does either the stack's clock in
// milliseconds or its ISS (Options::iss_near_wrap).
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "packet/pool_heap.h"
#include "segment/peer_frames.h"
#include "segment/segment.h"
#include "stack/stack.h"

namespace weir::segment {

inline constexpr uint16_t kPeerPort = 40000;
inline constexpr uint16_t kStackPort = 80;
inline constexpr Seq kPeerIss{0xfffffff0u};

// What a handler was told, and what it does then. A hook that is not set does nothing: in
// particular nothing is closed when the peer closes.
class RecordingHandler : public Handler {
 public:
  std::function<void(Connection)> on_open, on_writable, on_peer_closed, on_timer, on_urgent;
  std::function<void(Connection, SoftError)> on_soft_error;
  std::function<void(Connection, Bytes)> on_data;
  std::function<void(Connection, CloseReason)> on_closed;

  std::vector<Connection> opened;
  std::string received;            // of all connections together
  std::vector<size_t> deliveries;  // their sizes
  unsigned writable = 0, peer_closed = 0, timers = 0;
  std::vector<CloseReason> closed;

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;
  void OnTimer(Connection c) override;
  void OnUrgent(Connection c) override;
  void OnSoftError(Connection c, SoftError error) override;
};

// Without SYN cookies, so that the ISS follows the clock and half-open connections can be counted;
// and without watermarks, which tables of a few records would always cross.
tcp::TcpConfig WithoutCookies();

struct Options {
  bool v4 = true;
  bool iss_near_wrap = false;
  tcp::TcpConfig tcp = WithoutCookies();
  ListenOptions listen{.port = kStackPort};
  bool listening = true;
  bool introduced = true;  // the stack knows the peer's Ethernet address from the start
  uint16_t mtu = 1500;
  uint32_t pool = 4096;
  Duration ahead;              // of the clocks of other rigs
  Handler* handler = nullptr;  // instead of the recording one
  // Called around every turn, for tests that count what happens inside.
  std::function<void(bool begins)> around_turn;
};

// What the handshake of Establish agrees on.
struct Handshake {
  uint16_t mss = 1460;
  std::optional<uint8_t> scale;
  std::optional<uint32_t> ts;  // the peer's TSval
  uint16_t window = 65535;
};

class Rig {
 public:
  explicit Rig(const Options& options = {});
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // --- the peer ---
  // One turn with this segment; what the stack sends waits for Out.
  void In(const Seg& seg) { InBurst({seg}); }
  // One turn with all of them.
  void InBurst(const std::vector<Seg>& segs);
  // One turn with any octets.
  void InFrame(const std::vector<uint8_t>& octets);
  // The next segment that the stack sent must be this one. Returns it as it came.
  Seg Out(const Seg& expected);
  // The next segment, whatever it is; fails when there is none.
  Seg Any();
  // Nothing waits.
  void Quiet();
  void Discard() { sent_.clear(); }
  size_t pending() const { return sent_.size(); }

  // Whether frames are said to arrive faster than they are taken, from now on.
  void Press(bool pressed) { pressed_ = pressed; }
  // A driver that is in no hurry: keeps the buffers of what the stack sends, or lets go of them
  // all.
  void DriverKeepsBuffers(bool keeps) {
    driver_keeps_ = keeps;
    kept_by_driver_.clear();
  }

  // --- time ---
  // Turns at every deadline until `d` has passed.
  void Advance(Duration d);
  // The next segment comes after `d`, under 1 ms earlier and at most 2 ms later, and is this one.
  Seg OutAfter(Duration d, const Seg& expected);
  // How long until something is sent; fails after `limit`.
  Duration UntilNext(Duration limit);
  // A turn without frames, for what the application did outside a callback.
  void Turn() { RunTurn({}); }
  Time now() const { return now_; }
  Duration elapsed() const { return now_ - start_; }

  // --- the application ---
  RecordingHandler& handler() { return handler_; }
  // The connection that was opened last.
  Connection c() const;
  // The application sends the next octets of its stream.
  size_t Send(uint32_t size);
  // What the application has received is the peer's stream and this long.
  void ExpectReceived(uint32_t size);
  void ExpectClosed(CloseReason reason);
  void ExpectOpen();
  void ExpectState(TcpState state);
  // Nothing is left of any connection and every buffer is back.
  void ExpectEmpty();

  // --- shortcuts ---
  // SYN, SYN-ACK, ACK.
  void Establish(const Handshake& handshake = {});
  // Begins an active open from the stack and learns its ISS; returns its SYN. The application sends
  // the first `text_size` octets of its stream in the same turn.
  Seg Connect(uint16_t local_port = 50000, uint32_t text_size = 0);
  // What Connect began last, also before it opens.
  Connection connecting() const { return connecting_; }
  // For a connection that the peer begins anew: forget the old ISS.
  void NewConnection(uint16_t peer_port, Seq peer_iss = kPeerIss);
  // Back to one that the peer has begun before, with what iss() was then.
  void ReturnTo(uint16_t peer_port, Seq iss, Seq peer_iss = kPeerIss);

  Seq iss() const { return iss_; }
  Seq irs() const { return peer_iss_; }
  stack::Stack& stack() { return *stack_; }
  tcp::Engine& engine() { return stack_->tcp(); }
  // The stack's buffers; the peer's frames come from another pool.
  HeapPool& pool() { return pool_; }
  uint64_t counter(Counter which) const { return counters_[which]; }
  const Path& path() const { return path_; }
  uint16_t listener() const { return *listener_; }
  // Called with every frame that the stack sends, ARP and ICMP included.
  std::function<void(const std::vector<uint8_t>&)> on_frame;
  // Frames that are neither TCP nor neighbour business.
  std::vector<std::vector<uint8_t>> other_frames;

 private:
  void Build(Time start);
  void Introduce();
  void RunTurn(std::vector<std::vector<uint8_t>> frames);
  Time NextTurn(Time end) const;
  void Take(Packet& packet);
  void AnswerArp(const std::vector<uint8_t>& octets);
  void AnswerNd(const std::vector<uint8_t>& octets, const wire::Frame& frame);
  std::vector<uint8_t> Frame(const Seg& seg) const;
  Seg ToSeg(const std::vector<uint8_t>& octets) const;
  std::string Differences(const Seg& expected, const Seg& got) const;
  std::string Trace() const;

  Options options_;
  RecordingHandler handler_;
  HeapPool pool_;
  HeapPool wire_pool_;
  Counters counters_;
  std::unique_ptr<stack::Stack> stack_;
  std::optional<uint16_t> listener_;
  Time now_, start_;
  Path path_;
  Seq peer_iss_ = kPeerIss;
  Seq iss_;
  bool iss_known_ = false;
  Connection connecting_;
  uint32_t sent_by_application_ = 0;
  std::deque<std::vector<uint8_t>> sent_;
  bool pressed_ = false;
  bool driver_keeps_ = false;
  std::vector<Packet> kept_by_driver_;
  std::vector<std::vector<uint8_t>> answers_;  // of the peer's layer 2, for the next turn
  // The last frames, printed only when something is wrong.
  struct Traced {
    std::string arrow;
    std::vector<uint8_t> octets;
  };
  std::deque<Traced> trace_;
};

// Both families; IPv6 runs have the ISS near the wrap, IPv4 runs the clock.
class RigTest : public testing::TestWithParam<bool> {
 protected:
  Options Base() const {
    Options options;
    options.v4 = GetParam();
    options.iss_near_wrap = !GetParam();
    return options;
  }
};
std::string FamilyName(const testing::TestParamInfo<bool>& info);

// The same with an MSS of kMss in both families.
inline constexpr uint32_t kMss = 1460;
class TransferTest : public RigTest {
 protected:
  Options Base() const {
    Options options = RigTest::Base();
    options.mtu = GetParam() ? 1500 : 1520;
    return options;
  }
};

#define WEIR_BOTH_FAMILIES(Suite) \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::Bool(), ::weir::segment::FamilyName)

}  // namespace weir::segment
