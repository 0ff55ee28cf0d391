// weir-http: serves files, or one built-in page, over HTTP/1.1.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "http/http_handler.h"
#include "http/site.h"
#include "weir/weir.h"

ABSL_FLAG(uint16_t, port, 80, "TCP port to listen on");
ABSL_FLAG(std::string, root, "",
          "directory to serve, read into memory at the start; empty: one built-in page");
ABSL_FLAG(
    uint32_t, http_connections, 4096,
    "connections one worker serves at a time, about 4 kB each; what is beyond is answered 503");

int main(int argc, char** argv) {
  weir::http::Site site;  // outlives the server, which sends from its memory
  return weir::Main(argc, argv, [&site](weir::Server& server) -> absl::Status {
    const std::string root = absl::GetFlag(FLAGS_root);
    if (root.empty()) {
      site = weir::http::Site::BuiltIn();
    } else {
      absl::StatusOr<weir::http::Site> loaded = weir::http::Site::Load(root);
      if (!loaded.ok()) return loaded.status();
      site = *std::move(loaded);
      std::fprintf(stderr, "http: %zu paths, %llu octets from %s\n", site.size(),
                   static_cast<unsigned long long>(site.octets()), root.c_str());
    }
    return server.Listen({.port = absl::GetFlag(FLAGS_port),
                          .connection = {.no_delay = true, .deliver_when_full = true}},
                         [&site] {
                           return std::make_unique<weir::http::HttpHandler>(
                               site, absl::GetFlag(FLAGS_http_connections));
                         });
  });
}
