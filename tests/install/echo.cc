// The ten-line program that tests/install builds against the installed library.
#include "weir/weir.h"

class Echo : public weir::Handler {
  void OnData(weir::Connection c, weir::Bytes text) override { (void)c.Send(text); }
};

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) {
    return server.Listen({.port = 7}, [] { return std::make_unique<Echo>(); });
  });
}
