// ScriptedApplication: a handler that does in each callback what a fuzzer's octets say, and checks
// what handler.h and connection.h promise.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "weir/handler.h"

namespace weir::fuzz {

enum class Callback : uint8_t {
  kOpen,
  kData,
  kWritable,
  kPeerClosed,
  kClosed,
  kTimer,
  kUrgent,
  kSoftError,
};
inline constexpr size_t kCallbackCount = 8;

// What to do, in one octet: the low four bits say what, the high four how much or to whom.
enum class Action : uint8_t {
  kNothing,
  kEcho,       // OnData: as many octets as have come; elsewhere nothing
  kSend,       // 2^n octets
  kSendOwned,  // 2^n octets
  kFill,       // Send until it takes no more
  kShutdown,
  kClose,
  kAbort,
  kPause,
  kResume,
  kSetTimer,     // 2^n milliseconds; n 15: cancel
  kConfigure,    // see OptionsOf
  kConnect,      // open another connection
  kCloseOther,   // connection n of those there have been
  kAbortOther,   // connection n
  kResumeOther,  // connection n
};

class ScriptedApplication : public Handler {
 public:
  struct Settings {
    uint32_t write_base = 0;      // place in the stream where each connection's own text begins
    uint32_t octets_max = 20000;  // that one connection sends
    uint32_t actions_max = 300;   // of the script; then nothing more is done
    // Both directions are streams of their own (ListenOptions::deliver_when_full): on one port, on
    // all.
    uint16_t uncoupled_port = 0;
    bool uncoupled = false;
  };
  // Where the peer's text begins in the stream, asked once when a connection opens.
  using ReadBase = std::function<uint32_t(Connection)>;
  using Connect = std::function<Connection(unsigned number)>;

  ScriptedApplication(const Settings& settings, ReadBase read_base, Connect connect);
  ~ScriptedApplication() override;

  // From now on the callback does this. At first OnData echoes, OnPeerClosed closes, and the others
  // do nothing.
  void Set(Callback callback, uint8_t action) { script_[static_cast<size_t>(callback)] = action; }
  // From outside a callback: on connection `number` of those there have been.
  void Act(size_t number, uint8_t action);
  // Opens a connection and looks after it.
  void Open(unsigned number);
  // Text of others came among the peer's: what arrives is not known any more.
  void ForgetText() { text_known_ = false; }
  // From now on every connection reads, sends what is missing to octets_max, closes its side, and
  // lets go when the peer has closed, too.
  void Behave();

  // What is left when all connections are gone: nothing.
  void CheckEnd() const;

  // One connection as the application knows it.
  struct Side {
    Connection c;
    uint32_t read_base = 0;
    uint32_t written = 0;   // octets that Send and SendOwned took
    uint32_t received = 0;  // octets that OnData brought
    Endpoint local, remote;
    bool active = false;   // opened from here
    bool coupled = false;  // what OnData brings can be answered
    bool opened = false, shut = false, let_go = false, paused = false;
    bool rude = false;  // let go before both directions were closed
    bool peer_closed = false, closed = false;
    bool timer = false;  // one is set
    CloseReason reason = CloseReason::kNormal;
  };
  const std::vector<Side>& sides() const { return sides_; }

 private:
  struct Block {
    ScriptedApplication* application = nullptr;
    std::vector<uint8_t> octets;
    bool released = false;
  };

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;
  void OnUrgent(Connection c) override;
  void OnSoftError(Connection c, SoftError error) override;
  void OnTimer(Connection c) override;

  Side& SideOf(Connection c);
  void Adopt(Connection c, bool active);
  void Run(Callback callback, Connection c, size_t text_size);
  void Do(size_t number, uint8_t action, size_t text_size);
  size_t Write(Side& side, size_t size);
  void WriteOwned(Side& side, size_t size);
  void Pump(Side& side);
  void Close(Side& side);
  void Abort(Side& side);
  static void Release(void* context);

  Settings settings_;
  ReadBase read_base_;
  Connect connect_;
  std::array<uint8_t, kCallbackCount> script_{};
  std::vector<Side> sides_;
  std::vector<std::unique_ptr<Block>> blocks_;
  size_t blocks_out_ = 0;
  uint32_t actions_ = 0;
  bool text_known_ = true;
  bool behaves_ = false;
};

}  // namespace weir::fuzz
