// RequestParser: the octets of a connection become HTTP/1.x requests, one at a time.
#pragma once

#include <http_parser.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/connection.h"

namespace weir::http {

// Text of at most N octets, kept in place. What does not fit makes it overflown, and then empty.
template <size_t N>
class BoundedText {
 public:
  void Append(std::string_view text) {
    if (overflown_ || text.size() > N - size_) {
      overflown_ = true;
      size_ = 0;
      return;
    }
    text.copy(octets_.data() + size_, text.size());
    size_ += text.size();
  }
  void Clear() {
    size_ = 0;
    overflown_ = false;
  }
  std::string_view view() const { return {octets_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  bool overflown() const { return overflown_; }

 private:
  std::array<char, N> octets_;
  size_t size_ = 0;
  bool overflown_ = false;
};

// Longer paths than this are answered by 414; queries do not count.
inline constexpr size_t kTargetMax = 2048;

enum class Method : uint8_t { kGet, kHead, kOther };

// What a file server wants to know of a request. Header fields that are too long to be one of ours
// are as if absent: they ask for an optimisation that the server may refuse.
struct Request {
  Method method = Method::kOther;
  bool keep_alive = false;         // Connection and the version taken together
  BoundedText<kTargetMax> target;  // as sent, without query and fragment
  std::string_view path;           // the part of target behind scheme and authority
  BoundedText<256> if_none_match;
  BoundedText<64> if_modified_since;
  BoundedText<128> range;
  BoundedText<128> if_range;
};

// Usage: give Consume everything that arrives, in pieces of any size; when it returns with status()
// other than 0 a request is complete (200) or broken (4xx, 5xx: answer, then close); Reset begins
// the next one. About 3 kB, no allocation.
class RequestParser {
 public:
  // Request line and header fields together; RFC 9112 3 recommends 8000 for the line alone.
  static constexpr size_t kHeadMax = 8192;

  RequestParser() { Reset(); }
  // http_parser points back here.
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Forgets everything: for a new connection.
  void Reset();
  // Begins the next request of a connection.
  void Next();

  // Reads at most to the end of the request and returns how many octets that took: all of `text`
  // unless status() is not 0 then. Octets of the request's body are skipped.
  size_t Consume(Bytes text);

  // 0: wants more. 200: request() is complete. Otherwise what to answer before closing.
  int status() const { return status_; }
  const Request& request() const { return request_; }

  // True from the first octet of a request on.
  bool begun() const { return head_octets_ > 0; }
  // True once the header fields are complete.
  bool head_complete() const { return head_complete_; }
  // True if the client waits for "100 Continue" before it sends the body (RFC 9110 10.1.1).
  bool wants_continue() const { return head_complete_ && status_ == 0 && expect_continue_; }
  void ContinueSent() { expect_continue_ = false; }

 private:
  static RequestParser& Of(http_parser* parser) {
    return *static_cast<RequestParser*>(parser->data);
  }
  static const http_parser_settings& Settings();

  void OnTarget(std::string_view text);
  void OnFieldName(std::string_view text);
  void OnFieldValue(std::string_view text);
  void OnHeadComplete();
  int CheckHead();
  int ErrorStatus() const;

  http_parser parser_;
  int status_;
  size_t head_octets_;
  bool head_complete_;
  bool message_complete_;
  bool in_value_;         // a field value has begun; the next name ends it
  bool in_fields_;        // the request line is over
  bool target_complete_;  // a query or fragment has begun
  bool expect_continue_;
  bool bad_name_;  // white space in a field name
  unsigned host_count_;
  BoundedText<32> field_name_;
  BoundedText<32> expect_;
  Request request_;
};

}  // namespace weir::http
