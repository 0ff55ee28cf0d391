// The plot: success on the left axis, p99 on the right one, logarithmic, against the rate.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "flood/report.h"

namespace weir::flood {
namespace {

constexpr double kWidth = 720, kHeight = 420;
constexpr double kLeft = 70, kRight = 80, kTop = 40, kBottom = 60;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kPlotHeight = kHeight - kTop - kBottom;
constexpr const char* kSuccessColour = "#1f6fb2";
constexpr const char* kFirstColour = "#2a9d5c";
constexpr const char* kLatencyColour = "#c2571a";

struct Point {
  double rate = 0;
  double success = 0, first_syn = 0;  // shares
  double p99_us = 0;                  // 0: none
  bool invalid = false;
};

// The baseline stands at rate 0.
std::vector<Point> PointsOf(const Results& results) {
  std::vector<Point> points;
  for (const Step& step : results.steps) {
    if ((step.phase != "flood" && step.phase != "baseline") || step.legit.attempts == 0) continue;
    const double attempts = static_cast<double>(step.legit.attempts);
    points.push_back({step.rate, static_cast<double>(step.legit.answered) / attempts,
                      static_cast<double>(step.legit.first_syn) / attempts,
                      static_cast<double>(step.answer_ns.Quantile(0.99)) / 1000,
                      !step.invalid.empty()});
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.rate < b.rate; });
  return points;
}

std::string Text(double x, double y, const char* anchor, const std::string& text,
                 const char* colour = "#333") {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
                         x, y, anchor, colour, text);
}

std::string Line(double x1, double y1, double x2, double y2, const char* colour) {
  return absl::StrFormat("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n",
                         x1, y1, x2, y2, colour);
}

// A curve with a dot for each step; hollow where the step's figures mean nothing.
template <typename Y>
std::string Curve(const std::vector<Point>& points, double rate_max, const char* colour, Y y_of) {
  std::string path, dots;
  for (const Point& point : points) {
    const double y = y_of(point);
    if (std::isnan(y)) continue;
    const double x = kLeft + point.rate / rate_max * kPlotWidth;
    path += absl::StrFormat("%s%.1f,%.1f", path.empty() ? "" : " ", x, y);
    dots += absl::StrFormat("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" stroke=\"%s\" fill=\"%s\"/>\n",
                            x, y, colour, point.invalid ? "#fff" : colour);
  }
  return absl::StrFormat("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\"/>\n", path, colour) +
         dots;
}

}  // namespace

std::string SvgReport(const Results& results) {
  const std::vector<Point> points = PointsOf(results);
  double rate_max = 1, p99_min = 1e12, p99_max = 1;
  for (const Point& point : points) {
    rate_max = std::max(rate_max, point.rate);
    if (point.p99_us <= 0) continue;
    p99_min = std::min(p99_min, point.p99_us);
    p99_max = std::max(p99_max, point.p99_us);
  }
  const double low = std::floor(std::log10(std::min(p99_min, p99_max)));
  const double high = std::max(std::ceil(std::log10(p99_max)), low + 1);
  const auto share_y = [](double share) { return kTop + (1 - share) * kPlotHeight; };
  const auto latency_y = [=](double us) {
    return kTop + (high - std::log10(us)) / (high - low) * kPlotHeight;
  };
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
      "fill=\"#fff\"/>\n",
      kWidth, kHeight);
  for (int i = 0; i <= 5; ++i) {
    const double share = i / 5.0;
    svg += Line(kLeft, share_y(share), kWidth - kRight, share_y(share), "#ddd");
    svg += Text(kLeft - 6, share_y(share) + 4, "end", absl::StrFormat("%.0f %%", share * 100));
    const double x = kLeft + share * kPlotWidth;
    svg += Line(x, kTop + kPlotHeight, x, kTop + kPlotHeight + 4, "#333");
    svg += Text(x, kTop + kPlotHeight + 18, "middle", absl::StrFormat("%.3g", share * rate_max));
  }
  for (double decade = low; decade <= high; ++decade) {
    const double us = std::pow(10, decade);
    svg += Text(kWidth - kRight + 6, latency_y(us) + 4, "start", absl::StrFormat("%g us", us),
                kLatencyColour);
  }
  svg += Line(kLeft, kTop, kLeft, kTop + kPlotHeight, "#333");
  svg += Line(kWidth - kRight, kTop, kWidth - kRight, kTop + kPlotHeight, "#333");
  if (results.capacity > 0 && results.capacity <= rate_max) {
    const double x = kLeft + results.capacity / rate_max * kPlotWidth;
    svg += Line(x, kTop, x, kTop + kPlotHeight, "#999");
    svg += Text(x, kTop - 4, "middle", "capacity", "#777");
  }
  svg += Text(kLeft + kPlotWidth / 2, kHeight - 22, "middle", "flood, frames per second");
  svg += Text(kLeft, kHeight - 6, "start", "answered", kSuccessColour);
  svg += Text(kLeft + 80, kHeight - 6, "start", "on the first SYN", kFirstColour);
  svg += Text(kLeft + 200, kHeight - 6, "start", "p99 of the answer", kLatencyColour);
  svg += Text(kLeft + 340, kHeight - 6, "start", "hollow: INVALID");
  svg += Curve(points, rate_max, kSuccessColour,
               [&](const Point& point) { return share_y(point.success); });
  svg += Curve(points, rate_max, kFirstColour,
               [&](const Point& point) { return share_y(point.first_syn); });
  svg += Curve(points, rate_max, kLatencyColour, [&](const Point& point) {
    return point.p99_us > 0 ? latency_y(point.p99_us) : std::nan("");
  });
  return svg + "</svg>\n";
}

}  // namespace weir::flood
