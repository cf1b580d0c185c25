#include "workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>

#include "random.h"

namespace maskrle::benchmarks {
namespace {

using tests::Random;

double uniform(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random.unit());
}

double normal(Random& random) {  // Box and Muller
  const double radius = std::sqrt(-2.0 * std::log(1.0 - static_cast<double>(random.unit())));
  return radius * std::cos(uniform(random, 0.0, 2.0 * std::numbers::pi));
}

// --- shapes: functions of x and y in a box [-1, 1]^2, positive inside ---

struct Stroke {  // all points within `radius` of a line
  double x_begin, y_begin, x_end, y_end, radius;

  double level(double x, double y) const {
    const double dx = x_end - x_begin;
    const double dy = y_end - y_begin;
    const double along = ((x - x_begin) * dx + (y - y_begin) * dy) / (dx * dx + dy * dy + 1e-9);
    const double t = std::clamp(along, 0.0, 1.0);
    return radius - std::hypot(x - x_begin - t * dx, y - y_begin - t * dy);
  }
};

Stroke disc(double x, double y, double radius) { return {x, y, x, y, radius}; }

// A body of its own kind, with strokes added, then strokes taken away.
class Shape {
 public:
  explicit Shape(Random& random) {
    const float kind = random.unit();
    if (kind < 0.42F) {
      make_lump(random);
    } else if (kind < 0.70F) {
      make_limbs(random);
    } else if (kind < 0.78F) {
      make_lump(random);
      for (std::uint64_t k = 1 + random.below(2); k > 0; --k) {  // holes
        removed_.push_back(disc(uniform(random, -0.45, 0.45), uniform(random, -0.45, 0.45),
                                uniform(random, 0.15, 0.4)));
      }
    } else if (kind < 0.90F) {
      make_lump(random);
      const double angle = uniform(random, 0.0, 2.0 * std::numbers::pi);  // a bite from one side
      const double reach = uniform(random, 0.7, 1.0);
      removed_.push_back(
          disc(reach * std::cos(angle), reach * std::sin(angle), uniform(random, 0.45, 0.75)));
    } else {
      for (std::uint64_t k = 2 + random.below(3); k > 0; --k) {  // separate parts
        added_.push_back(disc(uniform(random, -0.8, 0.8), uniform(random, -0.8, 0.8),
                              uniform(random, 0.25, 0.5)));
      }
    }
    for (Wave& wave : texture_) {
      wave = {normal(random) * 8.0, normal(random) * 8.0,
              uniform(random, 0.0, 2.0 * std::numbers::pi)};
    }
  }

  double level(double x, double y) const {
    double level = body(x, y);
    for (const Stroke& stroke : added_) level = std::max(level, stroke.level(x, y));
    for (const Stroke& stroke : removed_) level = std::min(level, -stroke.level(x, y));
    return level;
  }

  double texture(double x, double y) const {
    double sum = 0.0;
    for (const Wave& wave : texture_) sum += std::sin(wave.x * x + wave.y * y + wave.phase);
    return sum / static_cast<double>(texture_.size());
  }

 private:
  struct Wave {
    double x, y, phase;
  };
  struct Swing {
    double amplitude, frequency, phase;
  };
  enum class Body : std::uint8_t { none, lump, trunk };

  void make_lump(Random& random) {  // round, but its radius swings with the angle
    body_ = Body::lump;
    for (std::size_t k = 0; k < swings_.size(); ++k) {
      const double frequency = static_cast<double>(k) + 2.0;
      swings_[k] = {normal(random) * 0.35 / frequency, frequency,
                    uniform(random, 0.0, 2.0 * std::numbers::pi)};
    }
  }

  void make_limbs(Random& random) {  // concave: several runs in many columns
    body_ = Body::trunk;
    stretch_ = uniform(random, 0.8, 1.8);
    for (std::uint64_t k = 3 + random.below(3); k > 0; --k) {
      const double angle = uniform(random, 0.0, 2.0 * std::numbers::pi);
      const double length = uniform(random, 0.7, 1.1);
      const double x = uniform(random, -0.3, 0.3);
      const double y = uniform(random, -0.3, 0.3);
      added_.push_back({x, y, x + length * std::cos(angle), y + length * std::sin(angle),
                        uniform(random, 0.12, 0.24)});
    }
  }

  double body(double x, double y) const {
    switch (body_) {
      case Body::none:
        break;
      case Body::trunk:
        return 0.45 - std::hypot(x * stretch_, y);
      case Body::lump: {
        const double angle = std::atan2(y, x);
        double edge = 1.0;
        for (const Swing& s : swings_)
          edge += s.amplitude * std::cos(s.frequency * angle + s.phase);
        return std::clamp(edge, 0.3, 1.5) - std::hypot(x, y);
      }
    }
    return -1.0;
  }

  Body body_ = Body::none;
  double stretch_ = 1.0;
  std::array<Swing, 5> swings_{};
  std::array<Wave, 3> texture_{};
  std::vector<Stroke> added_, removed_;
};

struct Interval {
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double cell(std::int32_t k, double slack) const {  // centre of cell k of kSide
    const double part = (static_cast<double>(k) + 0.5) / kSide - 0.5;
    return (low + high) * 0.5 + slack * part * (high - low);
  }
};

// A mask that nearly fills its box, its edge about two cells wide.
void draw_soft_shape(Random& random, std::span<float> mask) {
  constexpr int kFine = 64;
  const Shape shape(random);
  Interval columns;
  Interval rows;
  for (int j = 0; j <= kFine; ++j) {
    const double y = 3.2 * j / kFine - 1.6;
    for (int i = 0; i <= kFine; ++i) {
      const double x = 3.2 * i / kFine - 1.6;
      if (shape.level(x, y) <= 0.0) continue;
      columns.add(x);
      rows.add(y);
    }
  }
  const double slack_x = uniform(random, 1.0, 1.2);
  const double slack_y = uniform(random, 1.0, 1.2);
  const double sharpness = uniform(random, 14.0, 30.0);
  auto out = mask.begin();
  for (std::int32_t j = 0; j < kSide; ++j) {
    const double y = rows.cell(j, slack_y);
    for (std::int32_t i = 0; i < kSide; ++i) {
      const double x = columns.cell(i, slack_x);
      const double level = shape.level(x, y) + 0.1 * shape.texture(x, y);
      *out++ = static_cast<float>(1.0 / (1.0 + std::exp(-sharpness * level)));
    }
  }
}

// --- boxes ---

// Quantiles of box sides, as parts of the image's side.
constexpr std::array kParts{0.0, 0.1, 0.5, 0.9, 1.0};
using Quantiles = std::array<double, kParts.size()>;
constexpr Quantiles kWidths{0.010, 28.0 / 1365, 96.0 / 1365, 647.0 / 1365, 1308.0 / 1365};
constexpr Quantiles kHeights{0.015, 26.0 / 800, 86.0 / 800, 536.0 / 800, 793.0 / 800};
constexpr double kCorrelation = 0.93;  // of the normal variables behind width and height

// One value for each part of the distribution, in the order of `keys`: 100 boxes have the
// distribution of 10,000.
std::vector<double> stratified(const std::vector<double>& keys, const Quantiles& quantiles) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
  std::vector<double> values(keys.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double part =
        static_cast<double>(rank) / static_cast<double>(std::max<std::size_t>(order.size() - 1, 1));
    std::size_t k = 1;
    while (k + 1 < kParts.size() && part > kParts[k]) ++k;
    const double t = (part - kParts[k - 1]) / (kParts[k] - kParts[k - 1]);
    values[order[rank]] =
        std::exp(std::lerp(std::log(quantiles[k - 1]), std::log(quantiles[k]), t));
  }
  return values;
}

Box placed(Random& random, ImageSize image, double width, double height) {
  const double x = uniform(random, 0.0, 1.0) * (static_cast<double>(image.width) - width);
  const double y = uniform(random, 0.0, 1.0) * (static_cast<double>(image.height) - height);
  return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + width),
          static_cast<float>(y + height)};
}

Workload with_masks(std::vector<Box> boxes, ImageSize image, std::int64_t channel_count,
                    Random& random) {
  constexpr std::size_t kCells = std::size_t{kSide} * kSide;
  Workload work{{}, std::move(boxes), {}, channel_count, image};
  const auto channels = static_cast<std::size_t>(channel_count);
  work.values.resize(work.boxes.size() * channels * kCells);
  Random noise(random.next());
  std::generate(work.values.begin(), work.values.end(), [&] { return noise.unit(); });
  for (std::size_t i = 0; i < work.boxes.size(); ++i) {
    const std::size_t channel = random.below(channels);
    work.channels.push_back(static_cast<std::int64_t>(channel));
    draw_soft_shape(random,
                    std::span(work.values).subspan((i * channels + channel) * kCells, kCells));
  }
  return work;
}

}  // namespace

MaskArray Workload::masks() const {
  constexpr std::ptrdiff_t kRow = kSide * sizeof(float);
  constexpr std::ptrdiff_t kMask = kSide * kRow;
  return {std::as_bytes(std::span(values)).data(),
          static_cast<std::int64_t>(boxes.size()),
          channel_count,
          {kSide, kSide},
          kMask * channel_count,
          kMask,
          kRow,
          sizeof(float),
          Scalar::float32};
}

Workload coco_like(std::int64_t count, ImageSize image, std::int64_t channel_count,
                   std::uint64_t seed) {
  Random random(seed);
  std::vector<double> width_keys;
  std::vector<double> height_keys;
  for (std::int64_t i = 0; i < count; ++i) {
    const double base = normal(random);
    width_keys.push_back(base);
    height_keys.push_back(kCorrelation * base +
                          std::sqrt(1.0 - kCorrelation * kCorrelation) * normal(random));
  }
  const std::vector<double> widths = stratified(width_keys, kWidths);
  const std::vector<double> heights = stratified(height_keys, kHeights);
  std::vector<Box> boxes;
  boxes.reserve(widths.size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    boxes.push_back(placed(random, image, widths[i] * static_cast<double>(image.width),
                           heights[i] * static_cast<double>(image.height)));
  }
  return with_masks(std::move(boxes), image, channel_count, random);
}

Workload equal_boxes(std::int64_t count, ImageSize image, std::int64_t channel_count, float width,
                     float height, std::uint64_t seed) {
  Random random(seed);
  std::vector<Box> boxes;
  boxes.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    boxes.push_back(placed(random, image, static_cast<double>(width), static_cast<double>(height)));
  }
  return with_masks(std::move(boxes), image, channel_count, random);
}

}  // namespace maskrle::benchmarks
