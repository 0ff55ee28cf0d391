// Conditions, ranges and the head of a response.
#include "http/response.h"

#include <http_parser.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace weir::http {
namespace {

const char* Reason(int status) { return http_status_str(static_cast<http_status>(status)); }

// The one line that is the body of an answer without a resource. The names are literals, so that
// they outlive every connection that sends them.
Bytes ReasonBody(int status) {
  const std::string_view text = Reason(status);
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Response Plain(int status, bool head_only, bool keep_alive) {
  Response r;
  r.status = status;
  r.keep_alive = keep_alive;
  const Bytes body = ReasonBody(status);
  r.content_length = body.size();
  if (!head_only) r.body = body;
  return r;
}

// RFC 9110 13.2.2 steps 3 and 4: true if the client has this already.
bool NotModified(const Request& request, const Resource& resource) {
  if (!request.if_none_match.empty()) {
    return EtagListMatches(request.if_none_match.view(), resource.etag);
  }
  // An overlong list may hold our tag or not: the whole file is never wrong.
  if (request.if_none_match.overflown()) return false;
  const auto since = ParseHttpDate(request.if_modified_since.view());
  return since && resource.modified != 0 && resource.modified <= *since;
}

// RFC 9110 13.1.5: a part only of what the client already has.
bool RangeApplies(const Request& request, const Resource& resource) {
  if (request.method != Method::kGet || request.range.empty()) return false;
  if (request.if_range.overflown()) return false;
  if (request.if_range.empty()) return true;
  return request.if_range.view() == resource.etag ||
         (resource.modified != 0 && request.if_range.view() == resource.last_modified);
}

std::optional<size_t> ParseNumber(std::string_view text) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return {};
  // Beyond 2^64 is beyond every file.
  if (error == std::errc::result_out_of_range) return SIZE_MAX;
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Appends lines of text and numbers. kHeadRoom holds the longest head there is (a test says so);
// the bound is for the day when somebody adds a field and forgets.
class HeadWriter {
 public:
  explicit HeadWriter(std::span<char, kHeadRoom> out) : out_(out) {}

  template <class... Parts>
  void Line(const Parts&... parts) {
    (Add(parts), ...);
    Add("\r\n");
  }
  std::span<const char> written() const { return out_.first(size_); }

 private:
  void Add(std::string_view text) { size_ += text.copy(out_.data() + size_, out_.size() - size_); }
  void Add(size_t number) {
    char digits[24];
    const char* end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    Add(std::string_view(digits, static_cast<size_t>(end - digits)));
  }

  std::span<char, kHeadRoom> out_;
  size_t size_ = 0;
};

}  // namespace

Response Refuse(int status) { return Plain(status, false, false); }

Response Answer(const Site& site, const Request& request) {
  const bool head_only = request.method == Method::kHead;
  if (request.method == Method::kOther) return Plain(405, false, request.keep_alive);
  char decoded[kTargetMax];
  const std::optional<std::string_view> path = DecodePath(request.path, decoded);
  if (!path) return Plain(400, head_only, request.keep_alive);
  const Resource* resource = site.Find(*path);
  if (resource == nullptr) return Plain(404, head_only, request.keep_alive);

  Response r;
  r.status = 200;
  r.keep_alive = request.keep_alive;
  r.resource = resource;
  if (NotModified(request, *resource)) {
    r.status = 304;
    return r;
  }
  Range range;
  if (RangeApplies(request, *resource)) {
    range = ParseRange(request.range.view(), resource->body.size());
  }
  switch (range.kind) {
    case Range::kWhole:
      r.body = resource->octets();
      break;
    case Range::kPart:
      r.status = 206;
      r.range_begin = range.begin;
      r.body = resource->octets().subspan(range.begin, range.size);
      break;
    case Range::kUnsatisfiable:
      r.status = 416;
      r.body = ReasonBody(416);
      break;
  }
  r.content_length = r.body.size();
  if (head_only) r.body = {};
  return r;
}

std::span<const char> WriteHead(const Response& r, std::string_view date,
                                std::span<char, kHeadRoom> out) {
  HeadWriter head(out);
  head.Line("HTTP/1.1 ", static_cast<size_t>(r.status), " ", Reason(r.status));
  head.Line("Server: weir");
  head.Line("Date: ", date);
  if (r.status == 200 || r.status == 206) {
    head.Line("Content-Type: ", r.resource->content_type);
    head.Line("Accept-Ranges: bytes");
  } else if (r.status != 304) {
    head.Line("Content-Type: text/plain");
  }
  if (r.status != 304) head.Line("Content-Length: ", r.content_length);
  if (r.resource != nullptr && r.status != 416) {
    head.Line("ETag: ", r.resource->etag);
    if (r.resource->modified != 0) head.Line("Last-Modified: ", r.resource->last_modified);
  }
  if (r.status == 206) {
    head.Line("Content-Range: bytes ", r.range_begin, "-", r.range_begin + r.content_length - 1,
              "/", r.resource->body.size());
  } else if (r.status == 416) {
    head.Line("Content-Range: bytes */", r.resource->body.size());
  } else if (r.status == 405) {
    head.Line("Allow: GET, HEAD");
  }
  // HTTP/1.0 clients need to be told either way (RFC 9112 9.3).
  head.Line("Connection: ", r.keep_alive ? "keep-alive" : "close");
  head.Line();
  return head.written();
}

Range ParseRange(std::string_view field, size_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!field.starts_with(kUnit)) return {};
  const std::string_view spec = Trim(field.substr(kUnit.size()));
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);
  if (first_text.empty()) {  // the last octets
    const auto suffix = ParseNumber(last_text);
    if (!suffix) return {};
    if (*suffix == 0 || size == 0) return {Range::kUnsatisfiable};
    const size_t part = std::min(*suffix, size);
    return {Range::kPart, size - part, part};
  }
  const auto first = ParseNumber(first_text);
  const auto last = last_text.empty() ? std::optional(SIZE_MAX) : ParseNumber(last_text);
  if (!first || !last || *last < *first) return {};
  if (*first >= size) return {Range::kUnsatisfiable};
  return {Range::kPart, *first, std::min(*last, size - 1) - *first + 1};
}

bool EtagListMatches(std::string_view list, std::string_view etag) {
  if (Trim(list) == "*") return true;
  // Our tags hold neither commas nor escapes, so that a comma always parts two of them.
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view tag = Trim(list.substr(0, comma));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace weir::http
