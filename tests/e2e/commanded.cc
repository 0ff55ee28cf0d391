// weir-commanded: a server for the differential test. What its connections do beside echoing and
// discarding comes as commands on a control port. tests/e2e/kernel_server.py is its twin.
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "weir/weir.h"

namespace {

constexpr uint16_t kEchoPort = 7;      // sends back; closes when the peer has closed
constexpr uint16_t kDiscardPort = 9;   // reads; closes when told to
constexpr uint16_t kUnreadPort = 10;   // reads when told to; closes when told to
constexpr uint16_t kNaglePort = 11;    // as kDiscardPort; the others send without delay
constexpr uint16_t kControlPort = 12;  // commands of three octets, each answered by one
constexpr size_t kLongTextSize = 5000;

// By the peer's port; the test uses each once. One worker, so no lock.
using Connections = std::unordered_map<uint16_t, weir::Connection>;

class Commanded : public weir::Handler {
 public:
  Commanded(uint16_t port, Connections& connections) : port_(port), connections_(connections) {}

  void OnOpen(weir::Connection c) override {
    connections_[c.remote().port] = c;
    if (port_ == kUnreadPort) c.Pause();
  }
  void OnData(weir::Connection c, weir::Bytes text) override {
    if (port_ == kEchoPort) (void)c.Send(text);
  }
  void OnPeerClosed(weir::Connection c) override {
    if (port_ == kEchoPort) c.Close();
  }
  void OnClosed(weir::Connection c, weir::CloseReason) override {
    // The port may already belong to a successor that came in through TIME-WAIT.
    const auto found = connections_.find(c.remote().port);
    if (found != connections_.end() && found->second == c) connections_.erase(found);
  }

 private:
  uint16_t port_;
  Connections& connections_;
};

class Control : public weir::Handler {
 public:
  explicit Control(Connections& connections) : connections_(connections) {}

  void OnData(weir::Connection control, weir::Bytes text) override {
    for (const uint8_t octet : text) {
      command_.push_back(octet);
      if (command_.size() < 3) continue;
      const auto found = connections_.find(static_cast<uint16_t>(command_[1] << 8 | command_[2]));
      const uint8_t done =
          found != connections_.end() && Do(command_[0], found->second) ? '+' : '-';
      (void)control.Send({&done, 1});
      command_.clear();
    }
  }

 private:
  static bool Do(uint8_t command, weir::Connection c) {
    static const std::vector<uint8_t> kLongText(kLongTextSize, 'x');
    switch (command) {
      case 's':
        return c.Send({kLongText.data(), 5}) == 5;
      case 'b':
        return c.Send(kLongText) == kLongTextSize;
      case 'r':
        c.Resume();
        return true;
      case 'f':
        c.Shutdown();
        return true;
      case 'c':
        c.Close();
        return true;
      case 'a':
        c.Abort();
        return true;
      default:
        return false;
    }
  }

  Connections& connections_;
  std::vector<uint8_t> command_;
};

}  // namespace

int main(int argc, char** argv) {
  Connections connections;
  return weir::Main(argc, argv, [&connections](weir::Server& server) {
    for (const uint16_t port : {kEchoPort, kDiscardPort, kUnreadPort, kNaglePort}) {
      const auto make = [port, &connections] {
        return std::make_unique<Commanded>(port, connections);
      };
      const absl::Status status = server.Listen(
          {.port = port, .connection = {.no_delay = port != kNaglePort, .deliver_when_full = true}},
          make);
      if (!status.ok()) return status;
    }
    return server.Listen({.port = kControlPort},
                         [&connections] { return std::make_unique<Control>(connections); });
  });
}
