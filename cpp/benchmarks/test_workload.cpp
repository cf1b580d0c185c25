// The workload has the distribution it claims, that of COCO detections at 800 x 1365. Box sides are
// stratified; runs depend on the shapes, the largest number on a single one of them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "encode.h"
#include "workload.h"

namespace {

using namespace maskrle;

unsigned long long checks = 0;

// p10, p50, p90 and the largest.
std::array<double, 4> quantiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    const double position = part * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(position);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return std::lerp(values[low], values[high], position - std::floor(position));
  };
  return {at(0.1), at(0.5), at(0.9), at(1.0)};
}

void compare(const char* what, double found, double expected, double tolerance) {
  std::printf("%-14s %8.1f, expected %6.0f +- %2.0f %%\n", what, found, expected, 100 * tolerance);
  ++checks;
  tests::check(std::fabs(found / expected - 1.0) <= tolerance, what);
}

void compare(const char* what, const std::vector<double>& values,
             const std::array<double, 4>& expected, const std::array<double, 4>& tolerances) {
  static constexpr std::array<const char*, 4> kNames{" p10", " p50", " p90", " max"};
  const std::array<double, 4> found = quantiles(values);
  for (std::size_t k = 0; k < found.size(); ++k) {
    compare((std::string(what) + kNames[k]).c_str(), found[k], expected[k], tolerances[k]);
  }
}

}  // namespace

int main() {
  constexpr ImageSize kImage{800, 1365};
  std::vector<double> widths;
  std::vector<double> heights;
  std::vector<double> runs;
  double bytes = 0.0;
  double run_sum = 0.0;
  for (const std::uint64_t seed : benchmarks::kSeeds) {
    const benchmarks::Workload work = benchmarks::coco_like(100, kImage, 2, seed);
    const Batch batch =
        encode(work.masks(), work.boxes.data(), work.channels.data(), kImage, Paste::omz, 0.5F);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Box& box = work.boxes[i];
      widths.push_back(static_cast<double>(box.x_max - box.x_min));
      heights.push_back(static_cast<double>(box.y_max - box.y_min));
      runs.push_back(static_cast<double>(
          decode_counts(batch.string(i), static_cast<std::uint64_t>(kImage.height * kImage.width))
              .size()));
      run_sum += runs.back();
    }
    bytes += static_cast<double>(batch.counts().size());
  }
  const auto masks = static_cast<double>(runs.size());
  compare("widths", widths, {28, 96, 647, 1308}, {0.03, 0.03, 0.03, 0.03});
  compare("heights", heights, {26, 86, 536, 793}, {0.03, 0.03, 0.03, 0.03});
  compare("runs", runs, {61, 201, 1299, 4865}, {0.15, 0.15, 0.15, 0.20});
  compare("mean runs", run_sum / masks, 528, 0.05);
  compare("mean bytes", bytes / masks, 724, 0.05);
  return tests::report("workload", checks);
}
