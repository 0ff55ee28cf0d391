// weir-discard: counts what it receives and throws it away (RFC 863).
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "absl/flags/flag.h"
#include "weir/weir.h"

ABSL_FLAG(uint16_t, port, 9, "TCP port to listen on");

namespace {

// Each worker has its own, so that counting needs no lock.
class Discard : public weir::Handler {
 public:
  ~Discard() override {
    std::fprintf(stderr, "discard: %" PRIu64 " octets from %" PRIu64 " connections\n", octets_,
                 connections_);
  }

  void OnOpen(weir::Connection) override { ++connections_; }
  void OnData(weir::Connection, weir::Bytes text) override { octets_ += text.size(); }

 private:
  uint64_t octets_ = 0;
  uint64_t connections_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) {
    return server.Listen(
        {.port = absl::GetFlag(FLAGS_port), .connection = {.deliver_when_full = true}},
        [] { return std::make_unique<Discard>(); });
  });
}
