// weir-client: a client for the tests of active opens. Opens connections, sends one message on
// each, reads until the other side ends, and says how many ended how.
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "weir/weir.h"

ABSL_FLAG(std::string, remote, "", "ADDRESS:PORT to connect to");
ABSL_FLAG(uint32_t, count, 1, "connections of each worker");
ABSL_FLAG(std::string, message, "hello", "what each sends");
ABSL_FLAG(bool, fast_open, false, "TCP Fast Open: messages with the SYN, one connection at a time");
ABSL_FLAG(bool, from_server, false, "one connection, opened by Server::Connect before Run");

namespace {

class Client : public weir::Handler {
 public:
  explicit Client(weir::ConnectOptions options) : options_(options) {}
  ~Client() override {
    std::fprintf(stderr, "client: worker %u: %u opened, %zu octets", worker_, opened_, received_);
    for (size_t i = 0; i < ended_.size(); ++i) {
      if (ended_[i] == 0) continue;
      std::fprintf(stderr, ", %u %s", ended_[i],
                   weir::CloseReasonText(static_cast<weir::CloseReason>(i)));
    }
    std::fputc('\n', stderr);
  }

  void OnStart(weir::Worker worker) override {
    worker_ = worker.index();
    if (absl::GetFlag(FLAGS_from_server)) return;
    const uint32_t count = options_.fast_open ? 1 : absl::GetFlag(FLAGS_count);
    for (uint32_t i = 0; i < count; ++i) {
      if (!Open(worker)) return;
    }
  }
  void OnOpen(weir::Connection c) override {
    ++opened_;
    if (!options_.fast_open) Send(c);
  }
  void OnData(weir::Connection, weir::Bytes text) override { received_ += text.size(); }
  void OnClosed(weir::Connection c, weir::CloseReason reason) override {
    ++ended_[static_cast<size_t>(reason)];
    std::fprintf(stderr, "client: %s\n", weir::CloseReasonText(reason));
    if (options_.fast_open && begun_ < absl::GetFlag(FLAGS_count)) Open(c.worker());
  }

 private:
  bool Open(weir::Worker worker) {
    ++begun_;
    const auto opened = worker.Connect(options_, *this);
    if (opened.ok()) {
      if (options_.fast_open) Send(*opened);
      return true;
    }
    std::fprintf(stderr, "client: %s\n", absl::StatusCodeToString(opened.status().code()).c_str());
    return false;
  }
  static void Send(weir::Connection c) {
    const std::string message = absl::GetFlag(FLAGS_message);
    (void)c.Send({reinterpret_cast<const uint8_t*>(message.data()), message.size()});
  }

  weir::ConnectOptions options_;
  unsigned worker_ = 0;
  uint32_t begun_ = 0;
  unsigned opened_ = 0;
  size_t received_ = 0;
  std::array<unsigned, 16> ended_{};  // by reason
};

}  // namespace

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) -> absl::Status {
    const auto remote = weir::Endpoint::Parse(absl::GetFlag(FLAGS_remote));
    if (!remote) return absl::InvalidArgumentError("--remote is not ADDRESS:PORT");
    const weir::ConnectOptions options{.remote = *remote,
                                       .fast_open = absl::GetFlag(FLAGS_fast_open)};
    const auto factory = [options] { return std::make_unique<Client>(options); };
    return absl::GetFlag(FLAGS_from_server) ? server.Connect(options, factory)
                                            : server.AddHandler(factory);
  });
}
