// Fuzz target: any octets as what an HTTP client sends. However they are cut into pieces, the
// requests are the same; whatever the request, the answer's head is well-formed.
//
// The first octet decides how the text is cut; the rest is the text.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/request.h"
#include "http/response.h"
#include "http/site.h"

namespace weir::http {
namespace {

constexpr size_t kRequestsMax = 16;
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

// What a server has learnt of one request.
struct Seen {
  int status = 0;
  size_t end = 0;  // octets up to its end
  bool keep_alive = false;
  Method method = Method::kOther;
  std::string target, path, if_none_match, if_modified_since, range, if_range;

  friend bool operator==(const Seen&, const Seen&) = default;
};

const Site& TheSite() {
  static const Site site = Site::BuiltIn();
  return site;
}

void CheckHead(const Response& response) {
  std::array<char, kHeadRoom> room;
  const auto written = WriteHead(response, kDate, room);
  const std::string_view head(written.data(), written.size());
  WEIR_CHECK(head.starts_with("HTTP/1.1 ") && head.ends_with("\r\n\r\n"));
  // One empty line, at the end; no line ends otherwise than by CR LF; nothing unprintable.
  WEIR_CHECK(head.find("\r\n\r\n") == head.size() - 4);
  for (size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c == '\r') {
      WEIR_CHECK(i + 1 < head.size() && head[i + 1] == '\n');
    } else if (c == '\n') {
      WEIR_CHECK(i > 0 && head[i - 1] == '\r');
    } else {
      WEIR_CHECK(c >= ' ' && c != 0x7f);
    }
  }
}

void CheckAnswer(const Request& request) {
  const Response response = Answer(TheSite(), request);
  WEIR_CHECK(response.status >= 200 && response.status < 600);
  WEIR_CHECK(response.body.empty() || response.body.size() == response.content_length);
  WEIR_CHECK(request.method != Method::kHead || response.body.empty());
  if (response.status == 206) {
    const Bytes whole = response.resource->octets();
    WEIR_CHECK(response.content_length > 0);
    WEIR_CHECK(response.range_begin + response.content_length <= whole.size());
  }
  CheckHead(response);
}

// No decoded path leads out of the root, and decoding has nothing left to do.
void CheckPath(std::string_view path) {
  std::string out(path.size(), '\0');
  const auto decoded = DecodePath(path, out.data());
  if (!decoded) return;
  WEIR_CHECK(decoded->starts_with('/') && decoded->find('\0') == std::string_view::npos);
  WEIR_CHECK(decoded->find("/../") == std::string_view::npos && !decoded->ends_with("/.."));
  if (decoded->find('%') != std::string_view::npos) return;
  std::string again(decoded->size(), '\0');
  WEIR_CHECK(DecodePath(*decoded, again.data()) == decoded);
}

Seen SeenOf(const RequestParser& parser, size_t end) {
  Seen seen;
  seen.status = parser.status();
  if (seen.status != 200) return seen;  // how far a broken request was read is nobody's business
  const Request& r = parser.request();
  seen.end = end;
  seen.keep_alive = r.keep_alive;
  seen.method = r.method;
  seen.target = r.target.view();
  seen.path = r.path;
  seen.if_none_match = r.if_none_match.view();
  seen.if_modified_since = r.if_modified_since.view();
  seen.range = r.range.view();
  seen.if_range = r.if_range.view();
  return seen;
}

// Reads the text in pieces, as HttpHandler does. `cut` 0: all at once; otherwise pieces of one
// octet up to so many, by turns.
std::vector<Seen> Read(Bytes text, size_t cut) {
  std::vector<Seen> requests;
  RequestParser parser;
  size_t at = 0, piece_size = 1;
  while (at < text.size() && requests.size() < kRequestsMax) {
    Bytes piece = text.subspan(at);
    if (cut != 0) {
      piece = piece.first(std::min(piece.size(), piece_size));
      piece_size = piece_size % cut + 1;
    }
    const size_t taken = parser.Consume(piece);
    WEIR_CHECK(taken <= piece.size());
    at += taken;
    if (parser.wants_continue()) parser.ContinueSent();
    if (parser.status() == 0) {
      WEIR_CHECK(taken == piece.size());
      continue;
    }
    requests.push_back(SeenOf(parser, at));
    if (parser.status() != 200) {
      CheckHead(Refuse(parser.status()));
      break;
    }
    CheckAnswer(parser.request());
    CheckPath(parser.request().path);
    if (!parser.request().keep_alive) break;
    parser.Next();
  }
  return requests;
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::http;
  if (size == 0) return 0;
  // A copy of exactly its size, so that AddressSanitizer sees every octet read beyond it.
  const std::vector<uint8_t> text(data + 1, data + size);
  WEIR_CHECK(Read(text, 0) == Read(text, 1 + data[0]));
  return 0;
}
