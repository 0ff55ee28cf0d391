// The plot, against the rate of the flood: above what became of honest connections, below how long
// their answers took.
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "absl/strings/str_format.h"
#include "flood/report.h"

namespace weir::flood {
namespace {

constexpr double kWidth = 820, kHeight = 640;
constexpr double kLeft = 90, kRight = 790;
constexpr double kUpperTop = 110, kUpperBottom = 320, kLowerTop = 400, kLowerBottom = 580;
constexpr size_t kTicksMax = 10;
constexpr double kLinearMax = 20;  // the largest rate by the least one: above, decades are even
constexpr const char* kInk = "#333";
constexpr const char* kPale = "#ddd";
constexpr const char* kCapacityColour = "#888";
constexpr const char* kAnsweredColour = "#1f6fb2";
constexpr const char* kFirstColour = "#2a9d5c";
constexpr const char* kLatencyColour = "#c2571a";
constexpr const char* kFlowsColour = "#7b4fa3";
constexpr const char* kDashes = " stroke-dasharray=\"6 4\"";
constexpr const char* kDots = " stroke-dasharray=\"2 3\"";

// From values to places on the paper. Its ends are round.
class Axis {
 public:
  // Holds 0 and `most`.
  static Axis Linear(double most, double begin, double end) {
    most = std::max(most, 1e-9);
    double step = std::pow(10, std::floor(std::log10(most / kTicksMax)));
    for (const double factor : {2.0, 2.5, 2.0}) {
      if (most / step <= kTicksMax) break;
      step *= factor;
    }
    Axis axis(begin, end);
    const double count = std::ceil(most / step - 1e-9);
    for (double i = 0; i <= count; ++i) axis.ticks_.push_back(i * step);
    return axis;
  }
  // Holds `least` > 0 and `most`, with ticks at 1, 2 and 5 where there is room for them.
  static Axis Logarithmic(double least, double most, double begin, double end) {
    Axis axis(begin, end);
    axis.logarithmic_ = true;
    const bool decades_only = most / least > 1000;
    const double first = std::floor(std::log10(least) + 1e-9);
    for (double decade = first; axis.ticks_.size() < 2 || axis.ticks_.back() < most; ++decade) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        if (decades_only && factor != 1) continue;
        const double tick = factor * std::pow(10, decade);
        if (axis.ticks_.size() > 1 && axis.ticks_.back() >= most) break;
        if (!axis.ticks_.empty() && tick <= least) axis.ticks_.clear();
        axis.ticks_.push_back(tick);
      }
    }
    return axis;
  }

  double At(double value) const {
    const auto scaled = [this](double v) { return logarithmic_ ? std::log10(v) : v; };
    const double low = scaled(ticks_.front()), high = scaled(ticks_.back());
    return begin_ + (scaled(value) - low) / (high - low) * (end_ - begin_);
  }
  const std::vector<double>& ticks() const { return ticks_; }
  bool logarithmic() const { return logarithmic_; }

 private:
  Axis(double begin, double end) : begin_(begin), end_(end) {}

  double begin_, end_;
  bool logarithmic_ = false;
  std::vector<double> ticks_;
};

std::string RateText(double rate) {
  if (rate >= 1e6) return absl::StrFormat("%.3g M", rate / 1e6);
  if (rate >= 1e3) return absl::StrFormat("%.3g k", rate / 1e3);
  return absl::StrFormat("%.3g", rate);
}

std::string TimeText(double us) {
  if (us >= 1e6) return absl::StrFormat("%.3g s", us / 1e6);
  if (us >= 1e3) return absl::StrFormat("%.3g ms", us / 1e3);
  return absl::StrFormat("%.3g &#181;s", us);
}

std::string Text(double x, double y, const char* anchor, const std::string& text,
                 const std::string& more = "") {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\"%s>%s</text>\n",
                         x, y, anchor, kInk, more, text);
}

// Along an upright axis.
std::string UprightText(double x, double y, const std::string& text) {
  return Text(x, y, "middle", text, absl::StrFormat(" transform=\"rotate(-90 %.1f %.1f)\"", x, y));
}

std::string Line(double x1, double y1, double x2, double y2, const char* colour,
                 const char* dashes = "") {
  return absl::StrFormat(
      "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"%s/>\n", x1, y1, x2, y2,
      colour, dashes);
}

std::string Dot(double x, double y, double radius, const char* colour, bool hollow) {
  return absl::StrFormat("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" stroke=\"%s\" fill=\"%s\"/>\n",
                         x, y, radius, colour, hollow ? "#fff" : colour);
}

// What is drawn of a step; nothing where it has no such value.
using Value = std::optional<double> (*)(const Step& step);

struct Curve {
  const char* name;
  const char* colour;
  double width;  // one that may lie below another is wider
  Value value;
};

std::optional<double> Percent(uint64_t part, const Step& step) {
  if (step.legit.attempts == 0) return std::nullopt;
  return static_cast<double>(part) * 100 / static_cast<double>(step.legit.attempts);
}

std::optional<double> P99Us(const Histogram& histogram) {
  if (histogram.count() == 0) return std::nullopt;
  return std::max(1.0, static_cast<double>(histogram.Quantile(0.99)) / 1000);
}

constexpr Curve kUpper[] = {
    {"answered in time", kAnsweredColour, 4,
     [](const Step& step) { return Percent(step.legit.answered, step); }},
    {"answered on the first SYN", kFirstColour, 1.5,
     [](const Step& step) { return Percent(step.legit.first_syn, step); }},
};
constexpr Curve kLower[] = {
    {"honest connections", kLatencyColour, 1.5,
     [](const Step& step) { return P99Us(step.answer_ns); }},
    {"established flows", kFlowsColour, 1.5,
     [](const Step& step) { return P99Us(step.established_ns); }},
};

struct Panel {
  const char* title;
  const char* unit;
  double top, bottom;
  Axis axis;
  std::span<const Curve> curves;
  std::string (*label)(double value);
};

class Plot {
 public:
  explicit Plot(const Results& results) : results_(results), x_(XAxis(results)) {
    for (const Step& step : results.steps) {
      if (step.phase == "flood") floods_.push_back(&step);
      if (step.phase == "baseline") baseline_ = &step;
    }
    std::stable_sort(floods_.begin(), floods_.end(),
                     [](const Step* a, const Step* b) { return a->rate < b->rate; });
  }

  std::string Draw() const {
    std::string svg;
    svg += Draw({"Honest connections", "% of those begun", kUpperTop, kUpperBottom,
                 Axis::Linear(100, kUpperBottom, kUpperTop), kUpper,
                 [](double value) { return absl::StrFormat("%g %%", value); }});
    svg += Draw({"Time to the answer", "99th percentile, logarithmic", kLowerTop, kLowerBottom,
                 LatencyAxis(), kLower, TimeText});
    svg += Text((kLeft + kRight) / 2, kLowerBottom + 42, "middle",
                absl::StrFormat("flood, frames per second asked for%s",
                                x_.logarithmic() ? " (logarithmic)" : ""));
    return svg + Capacity();
  }

 private:
  static Axis XAxis(const Results& results) {
    double least = 1e12, most = results.capacity;
    for (const Step& step : results.steps) {
      if (step.phase != "flood" || step.rate <= 0) continue;
      least = std::min(least, step.rate);
      most = std::max(most, step.rate);
    }
    if (least * kLinearMax < most) return Axis::Logarithmic(least, most, kLeft, kRight);
    return Axis::Linear(std::max(most, 1.0), kLeft, kRight);
  }

  Axis LatencyAxis() const {
    double least = 1e12, most = 0;
    for (const Step& step : results_.steps) {
      if (step.phase != "flood" && step.phase != "baseline") continue;
      for (const Curve& curve : kLower) {
        const std::optional<double> us = curve.value(step);
        least = std::min(least, us.value_or(least));
        most = std::max(most, us.value_or(most));
      }
    }
    if (most == 0) least = most = 1000;
    return Axis::Logarithmic(least, most, kLowerBottom, kLowerTop);
  }

  std::string Draw(const Panel& panel) const {
    std::string svg = Text(kLeft, panel.top - 28, "start", panel.title, " font-weight=\"bold\"") +
                      UprightText(24, (panel.top + panel.bottom) / 2, panel.unit);
    for (const double tick : panel.axis.ticks()) {
      const double y = panel.axis.At(tick);
      svg +=
          Line(kLeft - 5, y, kRight, y, kPale) + Text(kLeft - 9, y + 4, "end", panel.label(tick));
    }
    for (const double tick : x_.ticks()) {
      svg += Line(x_.At(tick), panel.top, x_.At(tick), panel.bottom + 5, kPale) +
             Text(x_.At(tick), panel.bottom + 19, "middle", RateText(tick));
    }
    svg += Line(kLeft, panel.top, kLeft, panel.bottom, kInk) +
           Line(kLeft, panel.bottom, kRight, panel.bottom, kInk);
    double legend = kLeft;
    for (const Curve& curve : panel.curves) svg += Draw(panel, curve, legend);
    return svg;
  }

  // Also its place in the legend, which begins at `legend` and moves on.
  std::string Draw(const Panel& panel, const Curve& curve, double& legend) const {
    std::string path, dots;
    for (const Step* step : floods_) {
      const std::optional<double> value = curve.value(*step);
      if (!value) continue;
      const double x = x_.At(step->rate), y = panel.axis.At(*value);
      path += absl::StrFormat("%s%.1f,%.1f", path.empty() ? "" : " ", x, y);
      dots += Dot(x, y, 3 + curve.width / 2, curve.colour, !step->invalid.empty());
    }
    if (path.empty()) return "";
    std::string svg = absl::StrFormat(
        "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%g\"/>\n", path,
        curve.colour, curve.width);
    const double y = panel.top - 10;
    svg += dots + Line(legend, y - 4, legend + 22, y - 4, curve.colour) +
           Dot(legend + 11, y - 4, 3 + curve.width / 2, curve.colour, false) +
           Text(legend + 28, y, "start", curve.name);
    legend += 200;
    if (const auto before = baseline_ ? curve.value(*baseline_) : std::nullopt) {
      const double base = panel.axis.At(*before);
      svg += Line(kLeft, base, kRight, base, curve.colour, kDots);
    }
    return svg;
  }

  std::string Capacity() const {
    if (results_.capacity <= 0) return "";
    const double x = x_.At(results_.capacity);
    const bool right = x > (kLeft + kRight) / 2;
    return Line(x, kUpperTop, x, kUpperBottom, kCapacityColour, kDashes) +
           Line(x, kLowerTop, x, kLowerBottom, kCapacityColour, kDashes) +
           Text(x + (right ? -6 : 6), kUpperBottom - 8, right ? "end" : "start",
                absl::StrFormat("capacity: %s SYNs/s", RateText(results_.capacity)));
  }

  const Results& results_;
  Axis x_;
  std::vector<const Step*> floods_;
  const Step* baseline_ = nullptr;
};

std::string Heading(const Options& options, const Results& results) {
  std::string modes;
  for (const Mode mode : options.modes) {
    modes += (modes.empty() ? "" : ", ") + std::string(InfoOf(mode).name);
  }
  std::string second = absl::StrFormat(
      "%g honest connections/s, %u established flows, %g s for each rate; dotted: without a flood",
      options.legit_rate, options.established, options.step_s);
  const bool invalid = std::any_of(results.steps.begin(), results.steps.end(), [](const Step& s) {
    return s.phase == "flood" && !s.invalid.empty();
  });
  if (invalid) second += "; hollow: INVALID";
  return Text(kLeft, 26, "start",
              absl::StrFormat("Honest clients of %s beside a flood of %s",
                              options.target.ToString(), modes),
              " font-size=\"16\" font-weight=\"bold\"") +
         Text(kLeft, 48, "start", second) +
         (results.invalid.empty() ? "" : Text(kLeft, 66, "start", "The run is INVALID."));
}

}  // namespace

std::string SvgReport(const Options& options, const Results& results) {
  return absl::StrFormat(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
             "fill=\"#fff\"/>\n",
             kWidth, kHeight) +
         Heading(options, results) + Plot(results).Draw() + "</svg>\n";
}

}  // namespace weir::flood
