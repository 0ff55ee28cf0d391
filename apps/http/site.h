// Site: what the server serves, all of it in memory before the first request.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "weir/connection.h"

namespace weir::http {

// One file with everything that is said about it.
struct Resource {
  std::string body;
  std::string_view content_type;
  std::string etag;  // with its quotes; strong: equal exactly if the octets are
  std::time_t modified = 0;
  std::string last_modified;  // the same as text, RFC 9110 5.6.7

  Bytes octets() const { return {reinterpret_cast<const uint8_t*>(body.data()), body.size()}; }
};

// Paths to resources, fixed once made. A request can only meet what the walk at the start has put
// into the map, so that no path leads outside the root, whatever it says.
//
// Thread: any number may read.
class Site {
 public:
  // Reads every regular file below `root`. Symbolic links, names that begin with a dot and anything
  // that is not a file or directory are left out; "index.html" also serves its directory. An error
  // names the file: one that cannot be read, or is larger than a connection can send (1 GiB).
  static absl::StatusOr<Site> Load(const std::string& root);
  // One page that says what this is, for a server without a root.
  static Site BuiltIn();

  // `path` begins with a slash and is decoded. Nothing if there is no such file.
  const Resource* Find(std::string_view path) const;

  size_t size() const { return resources_.size(); }
  uint64_t octets() const { return octets_; }

 private:
  void Add(std::string path, std::string body, std::time_t modified);

  std::map<std::string, Resource, std::less<>> resources_;
  uint64_t octets_ = 0;
};

// Undoes percent-encoding and dot segments (RFC 3986 2.1, 5.2.4) into `out`, which must be as long
// as `path`, and returns the part of it that was used. Nothing if the path is malformed, holds a
// NUL, or climbs above the root.
std::optional<std::string_view> DecodePath(std::string_view path, char* out);

// By suffix; "application/octet-stream" for what is not known.
std::string_view ContentType(std::string_view path);

// "Sun, 06 Nov 1994 08:49:37 GMT" and back (RFC 9110 5.6.7, the preferred form only).
std::string FormatHttpDate(std::time_t time);
std::optional<std::time_t> ParseHttpDate(std::string_view text);

}  // namespace weir::http
