// weir-pull-echo: weir-echo in pull mode: threads of its own take connections and may wait.
#include <array>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "weir/weir.h"

ABSL_FLAG(uint16_t, port, 7, "TCP port to listen on");
ABSL_FLAG(unsigned, threads, 8, "threads, each with one connection at a time");

namespace {

// False when the connection ended before.
bool SendAll(weir::Stream& stream, weir::Bytes text) {
  while (!text.empty()) {
    const size_t taken = stream.Send(text);
    text = text.subspan(taken);
    if (taken == 0 && (stream.closed() || !stream.WaitWritable(weir::kNoTimeout))) return false;
  }
  return true;
}

void Echo(weir::Stream stream) {
  std::array<uint8_t, 16384> text;
  for (;;) {
    const absl::StatusOr<size_t> count = stream.Receive(text, weir::kNoTimeout);
    if (!count.ok() || *count == 0) return;  // which closes
    if (!SendAll(stream, weir::Bytes(text).first(*count))) return;
  }
}

void Serve(const weir::Listener& listener) {
  for (;;) {
    absl::StatusOr<weir::Stream> stream = listener.Accept(weir::kNoTimeout);
    if (!stream.ok()) return;  // the server was told to stop
    Echo(*std::move(stream));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::thread> threads;
  const int status = weir::Main(argc, argv, [&threads](weir::Server& server) {
    const absl::StatusOr<weir::Listener> listener = server.ListenPull(
        {.port = absl::GetFlag(FLAGS_port)}, {.max_streams = absl::GetFlag(FLAGS_threads)});
    if (!listener.ok()) return listener.status();
    for (unsigned i = 0; i < absl::GetFlag(FLAGS_threads); ++i) {
      threads.emplace_back(Serve, *listener);
    }
    return absl::OkStatus();
  });
  for (std::thread& thread : threads) thread.join();
  return status;
}
