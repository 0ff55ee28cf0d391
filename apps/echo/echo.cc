// weir-echo: sends back what it receives (RFC 862).
#include <cstdint>
#include <memory>

#include "absl/flags/flag.h"
#include "weir/weir.h"

ABSL_FLAG(uint16_t, port, 7, "TCP port to listen on");

namespace {

class Echo : public weir::Handler {
  // Send takes all of it: weir delivers no more text than the send buffer has room for.
  void OnData(weir::Connection c, weir::Bytes text) override { (void)c.Send(text); }
};

}  // namespace

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) {
    return server.Listen({.port = absl::GetFlag(FLAGS_port)},
                         [] { return std::make_unique<Echo>(); });
  });
}
