// Requests from octets: libhttp_parser reads, this decides what is kept and what is refused.
#include "http/request.h"

#include <algorithm>

namespace weir::http {
namespace {

// ASCII only, as HTTP wants it: no locale.
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualIgnoringCase(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(a, lower_case, [](char x, char y) { return Lower(x) == y; });
}

// RFC 9112 3.2: what stands behind scheme and authority; empty when the target names no path.
std::string_view PathOf(std::string_view target) {
  if (target.starts_with('/')) return target;
  const size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!EqualIgnoringCase(scheme, "http") && !EqualIgnoringCase(scheme, "https")) return {};
  const size_t path = target.find('/', scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

const http_parser_settings& RequestParser::Settings() {
  static const http_parser_settings settings = [] {
    http_parser_settings s;
    http_parser_settings_init(&s);
    s.on_url = [](http_parser* p, const char* at, size_t size) {
      Of(p).OnTarget({at, size});
      return 0;
    };
    s.on_header_field = [](http_parser* p, const char* at, size_t size) {
      Of(p).OnFieldName({at, size});
      return 0;
    };
    s.on_header_value = [](http_parser* p, const char* at, size_t size) {
      Of(p).OnFieldValue({at, size});
      return 0;
    };
    s.on_headers_complete = [](http_parser* p) {
      Of(p).OnHeadComplete();
      return 0;
    };
    // Stops after each message: a pipelined successor must not overwrite it.
    s.on_message_complete = [](http_parser* p) {
      Of(p).message_complete_ = true;
      http_parser_pause(p, 1);
      return 0;
    };
    return s;
  }();
  return settings;
}

void RequestParser::Reset() {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
  Next();
}

void RequestParser::Next() {
  if (HTTP_PARSER_ERRNO(&parser_) == HPE_PAUSED) http_parser_pause(&parser_, 0);
  status_ = 0;
  head_octets_ = 0;
  head_complete_ = message_complete_ = false;
  in_value_ = in_fields_ = target_complete_ = expect_continue_ = bad_name_ = false;
  host_count_ = 0;
  field_name_.Clear();
  expect_.Clear();
  request_.method = Method::kOther;
  request_.keep_alive = false;
  request_.target.Clear();
  request_.path = {};
  request_.if_none_match.Clear();
  request_.if_modified_since.Clear();
  request_.range.Clear();
  request_.if_range.Clear();
}

size_t RequestParser::Consume(Bytes text) {
  size_t consumed = 0;
  while (consumed < text.size() && status_ == 0) {
    Bytes piece = text.subspan(consumed);
    // The head is bounded here: the parser's own limit is one number for the whole process.
    const bool in_head = !head_complete_;
    if (in_head) piece = piece.first(std::min(piece.size(), kHeadMax - head_octets_));
    const size_t read = http_parser_execute(
        &parser_, &Settings(), reinterpret_cast<const char*>(piece.data()), piece.size());
    consumed += read;
    if (in_head) head_octets_ += read;
    const http_errno error = HTTP_PARSER_ERRNO(&parser_);
    if (error != HPE_OK && error != HPE_PAUSED) {
      status_ = ErrorStatus();
    } else if (message_complete_) {
      status_ = CheckHead();
    } else if (!head_complete_ && head_octets_ >= kHeadMax) {
      status_ = in_fields_ ? 431 : 414;
    }
  }
  return consumed;
}

void RequestParser::OnTarget(std::string_view text) {
  if (target_complete_) return;
  const size_t end = text.find_first_of("?#");
  target_complete_ = end != std::string_view::npos;
  request_.target.Append(text.substr(0, end));
}

void RequestParser::OnFieldName(std::string_view text) {
  if (head_complete_) return;  // trailers of a chunked body
  in_fields_ = true;
  // RFC 9112 5.1: refused, because others may read "Content-Length :" as the length of the body.
  if (text.find(' ') != std::string_view::npos) bad_name_ = true;
  if (in_value_) {
    in_value_ = false;
    field_name_.Clear();
  }
  field_name_.Append(text);
}

void RequestParser::OnFieldValue(std::string_view text) {
  if (head_complete_) return;
  const bool first = !in_value_;
  in_value_ = true;
  const std::string_view name = field_name_.view();
  // Lines of one name are one list (RFC 9110 5.3).
  const auto append = [&](auto& field) {
    if (first && !field.empty()) field.Append(", ");
    field.Append(text);
  };
  if (EqualIgnoringCase(name, "host")) {
    if (first) ++host_count_;
  } else if (EqualIgnoringCase(name, "if-none-match")) {
    append(request_.if_none_match);
  } else if (EqualIgnoringCase(name, "if-modified-since")) {
    append(request_.if_modified_since);
  } else if (EqualIgnoringCase(name, "range")) {
    append(request_.range);
  } else if (EqualIgnoringCase(name, "if-range")) {
    append(request_.if_range);
  } else if (EqualIgnoringCase(name, "expect")) {
    append(expect_);
  }
}

void RequestParser::OnHeadComplete() {
  head_complete_ = true;
  parser_.upgrade = 0;  // no other protocol is spoken here; RFC 9110 7.8 lets us ignore the wish
  if (parser_.method == HTTP_GET) request_.method = Method::kGet;
  if (parser_.method == HTTP_HEAD) request_.method = Method::kHead;
  request_.keep_alive = http_should_keep_alive(&parser_) != 0 && parser_.method != HTTP_CONNECT;
  request_.path = PathOf(request_.target.view());
  expect_continue_ = parser_.http_minor >= 1 && EqualIgnoringCase(expect_.view(), "100-continue");
}

int RequestParser::CheckHead() {
  if (parser_.http_major > 1) return 505;
  if (parser_.http_major < 1) return 400;
  if (bad_name_) return 400;
  // RFC 9112 3.2: exactly one Host field in HTTP/1.1, at most one before.
  if (host_count_ > 1 || (host_count_ == 0 && parser_.http_minor >= 1)) return 400;
  if (request_.target.overflown()) return 414;
  if (request_.method != Method::kOther && request_.path.empty()) return 400;
  return 200;
}

int RequestParser::ErrorStatus() const {
  // The parser has a limit of its own (80 kB), for the trailers and chunk lines of a body.
  return HTTP_PARSER_ERRNO(&parser_) == HPE_HEADER_OVERFLOW ? 431 : 400;
}

}  // namespace weir::http
