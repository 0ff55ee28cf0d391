// A tree of files becomes a map of resources.
#include "http/site.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "http/built_in_page.h"

namespace weir::http {
namespace {

namespace fs = std::filesystem;

// What Connection::SendOwned takes.
constexpr uint64_t kFileMax = 1ull << 30;

absl::Status FileError(absl::StatusCode code, const fs::path& path, const std::string& what) {
  return absl::Status(code, "--root: " + path.string() + ": " + what);
}

absl::StatusOr<std::string> ReadFile(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) return FileError(absl::StatusCode::kPermissionDenied, path, error.message());
  if (size > kFileMax) {
    return FileError(absl::StatusCode::kInvalidArgument, path,
                     std::to_string(size) + " octets; at most 1 GiB can be served");
  }
  std::string body(size, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file || !file.read(body.data(), static_cast<std::streamsize>(size))) {
    return FileError(absl::StatusCode::kPermissionDenied, path, "cannot be read");
  }
  return body;
}

// A file's time of modification as the system has it, in seconds.
std::time_t ModifiedAt(const fs::path& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return 0;
  const auto system = std::chrono::file_clock::to_sys(written);
  return std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(system));
}

// FNV-1a, 64 bits. Told apart are versions of one's own files, not an attacker's.
uint64_t ContentHash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

std::string MakeEtag(std::string_view body) {
  char text[48];
  std::snprintf(text, sizeof text, "\"%zx-%016llx\"", body.size(),
                static_cast<unsigned long long>(ContentHash(body)));
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Returns the size of what was written to `out`, or nothing.
std::optional<size_t> DecodePercent(std::string_view text, char* out) {
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return {};
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return {};
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (c == '\0') return {};
    out[size++] = c;
  }
  return size;
}

// Removes "." and ".." segments in place; nothing if they climb above the root.
std::optional<size_t> RemoveDotSegments(char* path, size_t size) {
  size_t end = 0;  // of what is kept: path[0, end), without a slash at its end
  for (size_t at = 0; at < size;) {
    // One segment with its slash in front: path[at, next).
    const size_t next = std::min(std::string_view(path, size).find('/', at + 1), size);
    const std::string_view segment(path + at + 1, next - at - 1);
    const bool last = next == size;
    if (segment == "." || segment == "..") {
      if (segment == "..") {
        if (end == 0) return {};
        end = std::string_view(path, end).rfind('/');
      }
      if (last) path[end++] = '/';
    } else {
      std::copy(path + at, path + next, path + end);
      end += next - at;
    }
    at = next;
  }
  return end;
}

}  // namespace

absl::StatusOr<Site> Site::Load(const std::string& root) {
  std::error_code error;
  const fs::path top = fs::canonical(root, error);
  if (error || !fs::is_directory(top)) {
    return FileError(absl::StatusCode::kInvalidArgument, root, "is not a directory");
  }
  Site site;
  // Without follow_directory_symlink the walk stays below `top`.
  fs::recursive_directory_iterator walk(top, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    const fs::path& path = walk->path();
    if (path.filename().native().starts_with('.')) {
      walk.disable_recursion_pending();
      continue;
    }
    if (walk->symlink_status(error).type() != fs::file_type::regular) continue;
    absl::StatusOr<std::string> body = ReadFile(path);
    if (!body.ok()) return body.status();
    const std::string name = "/" + path.lexically_relative(top).generic_string();
    const std::time_t modified = ModifiedAt(path);
    if (path.filename() == "index.html") {
      site.Add(name.substr(0, name.size() - path.filename().native().size()), *body, modified);
    }
    site.Add(name, *std::move(body), modified);
  }
  if (error) return FileError(absl::StatusCode::kInvalidArgument, root, error.message());
  return site;
}

Site Site::BuiltIn() {
  Site site;
  site.Add("/", std::string(kBuiltInPage), 0);
  return site;
}

const Resource* Site::Find(std::string_view path) const {
  const auto found = resources_.find(path);
  return found == resources_.end() ? nullptr : &found->second;
}

void Site::Add(std::string path, std::string body, std::time_t modified) {
  octets_ += body.size();
  Resource resource;
  resource.content_type = path.ends_with('/') ? ContentType(".html") : ContentType(path);
  resource.etag = MakeEtag(body);
  resource.modified = modified;
  if (modified != 0) resource.last_modified = FormatHttpDate(modified);
  resource.body = std::move(body);
  resources_.insert_or_assign(std::move(path), std::move(resource));
}

std::optional<std::string_view> DecodePath(std::string_view path, char* out) {
  if (!path.starts_with('/')) return {};
  const std::optional<size_t> decoded = DecodePercent(path, out);
  if (!decoded) return {};
  const std::optional<size_t> size = RemoveDotSegments(out, *decoded);
  if (!size) return {};
  return std::string_view(out, *size);
}

std::string_view ContentType(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".htm", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".txt", "text/plain; charset=utf-8"},
      {".md", "text/markdown; charset=utf-8"},
      {".csv", "text/csv; charset=utf-8"},
      {".xml", "application/xml"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".gif", "image/gif"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".wasm", "application/wasm"},
      {".pdf", "application/pdf"},
      {".gz", "application/gzip"},
      {".zip", "application/zip"},
      {".mp4", "video/mp4"},
      {".mp3", "audio/mpeg"},
  };
  for (const auto& [suffix, type] : kTypes) {
    if (path.ends_with(suffix)) return type;
  }
  return "application/octet-stream";
}

namespace {

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

// Not strftime: the names must not depend on the locale.
std::string FormatHttpDate(std::time_t time) {
  std::tm t{};
  gmtime_r(&time, &t);
  char text[48];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<size_t>(t.tm_wday)], t.tm_mday,
                kMonths[static_cast<size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min,
                t.tm_sec);
  return text;
}

std::optional<std::time_t> ParseHttpDate(std::string_view text) {
  constexpr size_t kSize = 29;
  if (text.size() != kSize) return {};
  char month[4] = {};
  std::tm t{};
  int end = 0;
  const std::string copy(text);
  const int found = std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT%n", &t.tm_mday,
                                month, &t.tm_year, &t.tm_hour, &t.tm_min, &t.tm_sec, &end);
  const auto name = std::ranges::find(kMonths, std::string_view(month));
  if (found != 6 || end != static_cast<int>(kSize) || name == kMonths.end()) return {};
  t.tm_year -= 1900;
  t.tm_mon = static_cast<int>(name - kMonths.begin());
  const std::time_t time = timegm(&t);
  // Going there and back finds 31 February, and the wrong day of the week.
  return FormatHttpDate(time) == text ? std::optional(time) : std::nullopt;
}

}  // namespace weir::http
