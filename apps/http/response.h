// What to answer a request, and the head of the answer as octets; no state, no I/O.
#pragma once

#include <cstddef>
#include <ctime>
#include <span>
#include <string_view>

#include "http/request.h"
#include "http/site.h"
#include "weir/connection.h"

namespace weir::http {

struct Response {
  int status = 500;
  // The file that 200, 206, 304 and 416 are about; its memory is the body's. Otherwise nothing: the
  // body is the status's own line of text.
  const Resource* resource = nullptr;
  Bytes body;                 // what to send after the head: empty for HEAD and 304
  size_t content_length = 0;  // what the head says, also for HEAD
  size_t range_begin = 0;     // 206: first octet of the part
  bool keep_alive = false;
};

// The answer to a complete request (RFC 9110: methods 9.3, conditions 13.2.2, ranges 14).
Response Answer(const Site& site, const Request& request);
// The answer to a request that is broken or never came to its end; the connection must close.
Response Refuse(int status);

// Room that WriteHead never exceeds.
inline constexpr size_t kHeadRoom = 640;
// Writes status line and header fields; `date` is the Date field's value. Returns the part used.
std::span<const char> WriteHead(const Response& response, std::string_view date,
                                std::span<char, kHeadRoom> out);

// A part of a body, RFC 9110 14.1.2.
struct Range {
  enum Kind { kWhole, kPart, kUnsatisfiable };
  Kind kind = kWhole;
  size_t begin = 0;
  size_t size = 0;
};
// Reads a Range field for a body of `size` octets. What is malformed, in another unit, or more than
// one range asks for nothing: kWhole.
Range ParseRange(std::string_view field, size_t size);

// True if a list of entity tags (If-None-Match) has `etag` or is "*"; weak comparison.
bool EtagListMatches(std::string_view list, std::string_view etag);

}  // namespace weir::http
