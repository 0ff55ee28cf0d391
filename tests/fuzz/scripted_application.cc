// The script, the text, and what must be true when a callback comes.
#include "fuzz/scripted_application.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "fuzz/stream.h"

namespace weir::fuzz {
namespace {

constexpr size_t kPieceMax = 4000;  // octets of one Send
constexpr size_t kBlocksMax = 16;   // of SendOwned at a time
constexpr size_t kSidesMax = 64;    // connections of one input
constexpr unsigned kCancelTimer = 15;

ConnectionOptions OptionsOf(unsigned n) {
  switch (n) {
    case 2:
      return {.no_delay = true};
    case 3:
      return {.no_delay = false};
    case 4:
      return {.keep_alive = true, .keepalive_idle_ms = 1000, .keepalive_interval_ms = 1000};
    case 5:
      return {.keep_alive = false};
    case 6:
      return {.user_timeout_ms = 3000};
    case 7:
      return {.send_buffer = 2048, .receive_buffer = 2048};
    case 8:
      return {.send_buffer = 20000, .receive_buffer = 20000};
    case 9:
      return {.close_wait_ms = 1000, .idle_timeout_ms = 2000};
    case 10:
      return {.linger_ms = 0};
    case 11:
      return {.linger_ms = 500};
    case 12:
      return {.retries2 = 1, .orphan_retries = 0};
    case 13:
      return {.mss = 100, .dscp = 46, .ttl = 1};
    case 14:
      return {.delayed_ack_ms = 1, .first_text_ms = 500, .soft_errors = false};
    case 15:
      return {.time_wait_ms = 1,
              .fin_wait2_ms = 1000,
              .min_rate = 100,
              .min_request_rate = 10,
              .min_rate_interval_ms = 1000};
    default:
      return {};
  }
}

}  // namespace

ScriptedApplication::ScriptedApplication(const Settings& settings, ReadBase read_base,
                                         Connect connect)
    : settings_(settings), read_base_(std::move(read_base)), connect_(std::move(connect)) {
  sides_.reserve(kSidesMax);
  Set(Callback::kData, static_cast<uint8_t>(Action::kEcho));
  Set(Callback::kPeerClosed, static_cast<uint8_t>(Action::kClose));
}

ScriptedApplication::~ScriptedApplication() = default;

ScriptedApplication::Side& ScriptedApplication::SideOf(Connection c) {
  const uint64_t number = c.user();
  WEIR_CHECK(number != 0 && number <= sides_.size());
  Side& side = sides_[number - 1];
  WEIR_CHECK(side.c == c);
  return side;
}

void ScriptedApplication::Adopt(Connection c, bool active) {
  Side side;
  side.c = c;
  side.local = c.local();
  side.remote = c.remote();
  side.active = active;
  side.coupled = !settings_.uncoupled && side.local.port != settings_.uncoupled_port;
  sides_.push_back(side);
  c.set_user(sides_.size());
}

void ScriptedApplication::Open(unsigned number) {
  if (sides_.size() >= kSidesMax) return;
  const Connection c = connect_(number);
  if (c.alive()) Adopt(c, true);
}

// --- callbacks ---

void ScriptedApplication::OnOpen(Connection c) {
  if (c.user() == 0) {
    if (sides_.size() >= kSidesMax) return c.Abort();
    Adopt(c, false);
  }
  Side& side = SideOf(c);
  WEIR_CHECK(!side.opened && !side.closed && !side.let_go);
  side.opened = true;
  side.read_base = read_base_(c);
  Run(Callback::kOpen, c, 0);
}

void ScriptedApplication::OnData(Connection c, Bytes text) {
  if (c.user() == 0) return;  // one too many: aborted in OnOpen
  Side& side = SideOf(c);
  WEIR_CHECK(side.opened && !side.let_go && !side.closed);
  WEIR_CHECK(!side.paused && !side.peer_closed && !text.empty());
  for (const uint8_t octet : text) {
    WEIR_CHECK(!text_known_ || octet == StreamOctet(side.read_base + side.received));
    ++side.received;
  }
  // What has come can be answered: in full, while anything can be sent at all.
  WEIR_CHECK(!side.coupled || c.send_room() == 0 || c.send_room() >= text.size());
  Run(Callback::kData, c, text.size());
}

void ScriptedApplication::OnWritable(Connection c) {
  if (c.user() == 0) return;
  const Side& side = SideOf(c);
  WEIR_CHECK(side.opened && !side.let_go && !side.closed && !side.shut);
  WEIR_CHECK(c.send_room() != 0);
  Run(Callback::kWritable, c, 0);
}

void ScriptedApplication::OnPeerClosed(Connection c) {
  if (c.user() == 0) return;
  Side& side = SideOf(c);
  WEIR_CHECK(side.opened && !side.let_go && !side.closed && !side.peer_closed);
  side.peer_closed = true;
  Run(Callback::kPeerClosed, c, 0);
}

void ScriptedApplication::OnClosed(Connection c, CloseReason reason) {
  if (c.user() == 0) return;
  Side& side = SideOf(c);
  WEIR_CHECK(!side.closed && (side.opened || side.active));
  WEIR_CHECK(c.remote() != Endpoint{} && c.local() != Endpoint{});
  WEIR_CHECK(reason != CloseReason::kRefused || side.active);
  side.closed = true;
  side.reason = reason;
  Run(Callback::kClosed, c, 0);
}

void ScriptedApplication::OnUrgent(Connection c) {
  if (c.user() == 0) return;
  const Side& side = SideOf(c);
  WEIR_CHECK(side.opened && !side.let_go && !side.closed);
  WEIR_CHECK(c.Info().urgent != 0);
  Run(Callback::kUrgent, c, 0);
}

void ScriptedApplication::OnSoftError(Connection c, SoftError error) {
  if (c.user() == 0) return;
  WEIR_CHECK(!SideOf(c).let_go && !SideOf(c).closed && error != SoftError::kNone);
  Run(Callback::kSoftError, c, 0);
}

void ScriptedApplication::OnTimer(Connection c) {
  if (c.user() == 0) return;
  Side& side = SideOf(c);
  WEIR_CHECK(!side.let_go && !side.closed);
  WEIR_CHECK(std::exchange(side.timer, false));
  Run(Callback::kTimer, c, 0);
}

// --- the script ---

void ScriptedApplication::Run(Callback callback, Connection c, size_t text_size) {
  if (behaves_) return Pump(SideOf(c));
  Do(c.user() - 1, script_[static_cast<size_t>(callback)], text_size);
}

void ScriptedApplication::Act(size_t number, uint8_t action) {
  if (sides_.empty()) {
    if (static_cast<Action>(action & 15) == Action::kConnect) Open(action >> 4);
    return;
  }
  Do(number % sides_.size(), action, 0);
}

void ScriptedApplication::Do(size_t number, uint8_t action, size_t text_size) {
  const unsigned n = action >> 4;
  const auto what = static_cast<Action>(action & 15);
  if (what != Action::kEcho && ++actions_ > settings_.actions_max) return;
  Side& side = sides_[number];
  Side& other = sides_[n % sides_.size()];
  switch (what) {
    case Action::kNothing:
      return;
    case Action::kEcho:
      // Coupled delivery promises that the answer fits (handler.h).
      if (const size_t room = side.c.send_room(); room >= text_size && text_size != 0) {
        const size_t wanted = std::min<size_t>(
            text_size, settings_.octets_max - std::min(side.written, settings_.octets_max));
        WEIR_CHECK(Write(side, wanted) == wanted || !side.coupled);
      } else {
        (void)Write(side, text_size);
      }
      return;
    case Action::kSend:
      (void)Write(side, size_t{1} << n);
      return;
    case Action::kSendOwned:
      return WriteOwned(side, size_t{1} << n);
    case Action::kFill:
      while (Write(side, kPieceMax) == kPieceMax) {
      }
      return;
    case Action::kShutdown:
      side.c.Shutdown();
      side.shut = true;
      side.rude = side.rude || !side.opened;  // gives an active open up
      return;
    case Action::kClose:
      return Close(side);
    case Action::kAbort:
      return Abort(side);
    case Action::kPause:
      if (side.let_go) return;
      side.c.Pause();
      side.paused = true;
      return;
    case Action::kResume:
      side.paused = false;
      return side.c.Resume();
    case Action::kSetTimer:
      side.c.SetTimer(n == kCancelTimer ? 0 : 1u << n);
      side.timer = n != kCancelTimer && !side.let_go && !side.closed;
      return;
    case Action::kConfigure:
      (void)side.c.SetCork(n == 1);
      WEIR_CHECK(side.c.Configure(OptionsOf(n)).ok() == side.c.alive());
      return;
    case Action::kConnect:
      return Open(n);
    case Action::kCloseOther:
      return Close(other);
    case Action::kAbortOther:
      return Abort(other);
    case Action::kResumeOther:
      other.paused = false;
      return other.c.Resume();
  }
}

size_t ScriptedApplication::Write(Side& side, size_t size) {
  size = std::min<size_t>({size, kPieceMax, settings_.octets_max - side.written});
  const size_t room = side.c.send_room();
  const size_t taken =
      side.c.Send(StreamText(settings_.write_base + side.written, static_cast<uint32_t>(size)));
  WEIR_CHECK(taken <= size && taken <= room);
  WEIR_CHECK(taken == 0 || !(side.shut || side.let_go || side.closed));
  side.written += static_cast<uint32_t>(taken);
  return taken;
}

void ScriptedApplication::WriteOwned(Side& side, size_t size) {
  size = std::min<size_t>({size, kPieceMax, settings_.octets_max - side.written});
  if (blocks_out_ == kBlocksMax) return;
  auto block = std::make_unique<Block>();
  block->application = this;
  block->octets = StreamText(settings_.write_base + side.written, static_cast<uint32_t>(size));
  if (!side.c.SendOwned(block->octets, Release, block.get())) return;
  WEIR_CHECK(!side.shut && !side.let_go && !side.closed && size != 0);
  side.written += static_cast<uint32_t>(size);
  ++blocks_out_;
  blocks_.push_back(std::move(block));
}

// The octets are spoilt: whoever still sends them is caught.
void ScriptedApplication::Release(void* context) {
  auto& block = *static_cast<Block*>(context);
  WEIR_CHECK(!std::exchange(block.released, true));
  for (uint8_t& octet : block.octets) octet = static_cast<uint8_t>(~octet);
  --block.application->blocks_out_;
}

void ScriptedApplication::Close(Side& side) {
  side.rude = side.rude || !(side.peer_closed || side.closed || side.let_go);
  side.c.Close();
  side.shut = side.let_go = true;
  side.timer = false;
}

void ScriptedApplication::Abort(Side& side) {
  side.rude = side.rude || !(side.closed || side.let_go);
  side.c.Abort();
  side.shut = side.let_go = true;
  side.timer = false;
}

// --- the end ---

void ScriptedApplication::Behave() {
  behaves_ = true;
  for (Side& side : sides_) Pump(side);
}

void ScriptedApplication::Pump(Side& side) {
  if (side.closed || side.let_go) return;
  if (std::exchange(side.paused, false)) side.c.Resume();
  // A peer that has gone without a word is found out, also where nothing is left to be sent to it.
  (void)side.c.SetKeepAlive(true);
  if (!side.opened) return;
  while (!side.shut && side.written < settings_.octets_max) {
    if (Write(side, kPieceMax) == 0) return;
  }
  side.c.Shutdown();
  side.shut = true;
  if (side.peer_closed) Close(side);
}

void ScriptedApplication::CheckEnd() const {
  WEIR_CHECK(blocks_out_ == 0);
  for (const Side& side : sides_) {
    WEIR_CHECK(side.closed);
    WEIR_CHECK(!side.c.alive());
  }
}

}  // namespace weir::fuzz
