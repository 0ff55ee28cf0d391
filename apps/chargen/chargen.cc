// weir-chargen: sends text for as long as the peer reads it (RFC 864).
#include <array>
#include <cstdint>
#include <memory>

#include "absl/flags/flag.h"
#include "weir/weir.h"

ABSL_FLAG(uint16_t, port, 19, "TCP port to listen on");

namespace {

// RFC 864's pattern: lines of 72 out of the 95 printable characters, each line beginning one
// character later than the one before; after 95 lines it begins again.
constexpr size_t kCharacters = 95;
constexpr size_t kColumns = 72;
constexpr size_t kLine = kColumns + 2;
constexpr size_t kPeriod = kCharacters * kLine;
constexpr size_t kPeriods = 10;

constexpr std::array<uint8_t, kPeriod * kPeriods> MakePattern() {
  std::array<uint8_t, kPeriod * kPeriods> pattern{};
  for (size_t i = 0; i < pattern.size(); ++i) {
    const size_t line = i / kLine;
    const size_t column = i % kLine;
    if (column < kColumns) {
      pattern[i] = static_cast<uint8_t>(' ' + (line + column) % kCharacters);
    } else {
      pattern[i] = column == kColumns ? '\r' : '\n';
    }
  }
  return pattern;
}
// constinit would cost the compiler seconds; this is 70 kB filled once, before main.
const std::array<uint8_t, kPeriod* kPeriods> kPattern = MakePattern();

class Chargen : public weir::Handler {
 public:
  void OnOpen(weir::Connection c) override { Fill(c); }
  void OnWritable(weir::Connection c) override { Fill(c); }
  // RFC 864: what the peer sends is thrown away.
  void OnData(weir::Connection, weir::Bytes) override {}

 private:
  // user() is where in the pattern the connection stands.
  static void Fill(weir::Connection c) {
    size_t position = c.user();
    weir::Bytes rest;
    size_t taken;
    do {
      rest = weir::Bytes(kPattern).subspan(position);
      taken = c.Send(rest);
      position = (position + taken) % kPeriod;
    } while (taken == rest.size());
    c.set_user(position);
  }
};

}  // namespace

int main(int argc, char** argv) {
  return weir::Main(argc, argv, [](weir::Server& server) {
    return server.Listen(
        {.port = absl::GetFlag(FLAGS_port), .connection = {.deliver_when_full = true}},
        [] { return std::make_unique<Chargen>(); });
  });
}
