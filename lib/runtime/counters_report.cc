// Formatting of counters.
#include "runtime/counters_report.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace weir::runtime {
namespace {

constexpr size_t kNameWidth = 26;
constexpr size_t kTotalWidth = 14;

std::string PadRight(std::string_view text, size_t width) {
  std::string padded(text);
  padded.resize(std::max(width, padded.size()), ' ');
  return padded;
}

std::string PadLeft(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string PerWorker(std::span<const Counters> workers, Counter counter) {
  std::string text = "  [";
  for (size_t i = 0; i < workers.size(); ++i) {
    text += (i > 0 ? " " : "") + std::to_string(workers[i][counter]);
  }
  return text + "]";
}

}  // namespace

std::string ReportTime(std::time_t now, double uptime_s) {
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return absl::StrFormat("report: time=%s uptime_s=%.1f\n", std::string_view(text, size), uptime_s);
}

std::string CountersReport(std::span<const Counters> workers) {
  Counters total;
  for (const Counters& worker : workers) total.Merge(worker);
  std::string report = "counters:\n";
  for (size_t i = 0; i < kCounterCount; ++i) {
    const Counter counter = static_cast<Counter>(i);
    if (total[counter] == 0) continue;
    report += "  " + PadRight(CounterName(counter), kNameWidth) +
              PadLeft(std::to_string(total[counter]), kTotalWidth);
    if (workers.size() > 1) report += PerWorker(workers, counter);
    report += "  ";
    report += CounterSentence(counter);
    report += "\n";
  }
  return report;
}

std::string ListenersReport(std::span<const ListenerLine> lines) {
  constexpr const char* kStates[] = {"normal", "pressure", "cookie"};
  std::string report;
  for (const ListenerLine& l : lines) {
    report += "listener " + l.name + " worker " + std::to_string(l.worker) +
              ": state=" + (l.open ? kStates[static_cast<size_t>(l.state)] : "closed");
    const auto say = [&](const char* name, uint64_t count) {
      report += std::string(" ") + name + "=" + std::to_string(count);
    };
    if (l.shedding) report += ",shedding";
    say("half_open", l.half_open);
    say("waiting", l.waiting);
    say("connections", l.connections);
    say("syns", l.counts.syns);
    say("established", l.counts.established);
    say("cookies_sent", l.counts.cookies_sent);
    say("cookies_accepted", l.counts.cookies_accepted);
    say("cookies_refused", l.counts.cookies_refused);
    say("overflowed", l.counts.overflowed);
    say("refused", l.counts.refused);
    report += "\n";
  }
  return report;
}

std::string DeviceReport(std::string_view port, const port::DeviceStats& stats) {
  std::string report = "device of port " + std::string(port) + ":";
  const size_t bare = report.size();
  const auto say = [&](const char* name, uint64_t count) {
    if (count > 0) report += std::string(" ") + name + "=" + std::to_string(count);
  };
  say("rx_missed", stats.rx_missed);
  say("rx_errors", stats.rx_errors);
  say("rx_no_buffer", stats.rx_no_buffer);
  say("tx_errors", stats.tx_errors);
  return report.size() == bare ? report + " no losses" : report;
}

std::string LeakReport(const Leaks& leaks) {
  return "leaks: connections=" + std::to_string(leaks.connections) +
         " flights=" + std::to_string(leaks.flights) +
         " kept_buffers=" + std::to_string(leaks.kept_buffers) +
         " packets=" + std::to_string(leaks.packets) +
         " time_wait=" + std::to_string(leaks.time_wait);
}

}  // namespace weir::runtime
