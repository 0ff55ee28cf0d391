// weir-echo-clients: connections to an echo service, some at a time, each checked octet by octet;
// stops when all have ended and says how many were good.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "pull/echo_clients.h"
#include "weir/weir.h"

ABSL_FLAG(std::string, remote, "", "ADDRESS:PORT of the echo service");
ABSL_FLAG(uint32_t, count, 1000, "connections of each worker");
ABSL_FLAG(uint32_t, at_once, 64, "those of them that are open at the same time");
ABSL_FLAG(uint32_t, size_max, 6000, "octets of text of one of them at most");

namespace {

class Clients : public weir::pull_test::EchoClients {
 public:
  Clients(weir::Server& server, const weir::ConnectOptions& options)
      : EchoClients(absl::GetFlag(FLAGS_count), absl::GetFlag(FLAGS_at_once),
                    absl::GetFlag(FLAGS_size_max)),
        server_(server),
        options_(options) {}

  void OnStart(weir::Worker worker) override {
    Begin([this, worker]() mutable {
      const auto opened = worker.Connect(options_, *this);
      return opened.ok() ? *opened : weir::Connection();
    });
    worker.SetTimer(*this, 1);
  }
  void OnWorkerTimer(weir::Worker worker) override {
    if (!finished()) return worker.SetTimer(*this, 1);
    std::fprintf(stderr, "clients: %u ended, %u good\n", ended(), good());
    server_.Stop();
  }

 private:
  weir::Server& server_;
  weir::ConnectOptions options_;
};

}  // namespace

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) -> absl::Status {
    const auto remote = weir::Endpoint::Parse(absl::GetFlag(FLAGS_remote));
    if (!remote) return absl::InvalidArgumentError("--remote is not ADDRESS:PORT");
    const weir::ConnectOptions options{.remote = *remote};
    return server.AddHandler(
        [&server, options] { return std::make_unique<Clients>(server, options); });
  });
}
