// The small program that tests/install builds against the installed library.
#include "weir/weir.h"

class Echo : public weir::Handler {
  void OnData(weir::Connection c, weir::Bytes text) override { (void)c.Send(text); }
};

// Never run here; what it calls must link.
class Client : public weir::Handler {
  void OnStart(weir::Worker worker) override {
    const auto opened = worker.Connect({.remote = {weir::IpAddress::V4(0xc6120001), 7}}, *this);
    if (opened.ok()) (void)weir::Connection(*opened).Configure({.user_timeout_ms = 1000});
  }
  void OnData(weir::Connection c, weir::Bytes) override { c.Close(); }
};

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) {
    if (absl::Status s = server.AddHandler([] { return std::make_unique<Client>(); }); !s.ok()) {
      return s;
    }
    return server.Listen({.port = 7}, [] { return std::make_unique<Echo>(); });
  });
}
