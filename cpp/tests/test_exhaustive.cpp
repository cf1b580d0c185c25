// Small domains in full: every 3 x 3 mask of three values, one of them the threshold itself, in
// every box of a small grid, in images of few rows (all evaluated) and of many (crossings).
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend.h"
#include "check.h"
#include "encode.h"
#include "reference.h"

namespace {

using namespace maskrle;
using namespace maskrle::tests;

constexpr int kSide = 3;
constexpr int kCells = kSide * kSide;
constexpr int kMasks = 19683;  // 3^9
constexpr std::array kValues{0.0F, 0.5F, 1.0F};
constexpr float kThreshold = 0.5F;

unsigned long long checks = 0;

std::vector<float> mask(int number) {
  std::vector<float> values;
  for (int cell = 0; cell < kCells; ++cell, number /= 3) {
    values.push_back(kValues[static_cast<std::size_t>(number % 3)]);
  }
  return values;
}

void check_box(const Box& box, ImageSize image, Paste paste, int stride) {
  std::vector<float> values;
  std::vector<reference::Rle> expected;
  for (int number = static_cast<int>(checks % static_cast<unsigned>(stride)); number < kMasks;
       number += stride) {
    const std::vector<float> one = mask(number);
    values.insert(values.end(), one.begin(), one.end());
    expected.push_back(reference::encode(one, {kSide, kSide}, box, image, paste, kThreshold));
  }
  const std::vector<Box> boxes(expected.size(), box);
  const MaskArray masks{std::as_bytes(std::span(values)).data(),
                        static_cast<std::int64_t>(expected.size()),
                        1,
                        {kSide, kSide},
                        kCells * 4,
                        kCells * 4,
                        kSide * 4,
                        4,
                        Scalar::float32};
  for (const Kernel* kernel : available_kernels()) {
    use_kernel(kernel->name);
    const Batch batch = encode(masks, boxes.data(), nullptr, image, paste, kThreshold);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ++checks;
      const auto string = batch.string(i);
      const bool same = std::string(string.begin(), string.end()) == expected[i].counts &&
                        batch.areas()[i] == expected[i].area &&
                        std::equal(expected[i].bbox.begin(), expected[i].bbox.end(),
                                   batch.bboxes().begin() + static_cast<std::ptrdiff_t>(4 * i));
      if (same) continue;
      check(false, std::string(kernel->name) + ", mask " + std::to_string(i) + " from " +
                       std::to_string(stride) + ", paste " +
                       std::to_string(static_cast<int>(paste)) + ", image " +
                       std::to_string(image.height) + "x" + std::to_string(image.width) + ", box " +
                       std::to_string(box.x_min) + " " + std::to_string(box.y_min) + " " +
                       std::to_string(box.x_max) + " " + std::to_string(box.y_max));
    }
  }
}

}  // namespace

int main() {
  struct Edges {
    float low, high;
  };
  struct Domain {
    ImageSize image;
    std::vector<Edges> x, y;
    int stride;  // every mask in each box, or every so manieth, another one in the next box
  };
  const std::vector<Domain> domains{
      {{4, 4}, {{0, 4}, {1, 3}}, {{0, 4}, {0.5F, 2.5F}, {-2, 3}, {3, 1}}, 1},
      {{5, 3},
       {{0, 0}, {0, 3}, {-1, 1.5F}, {0.25F, 0.75F}, {2, 9}, {1.5F, 0.5F}},
       {{0, 0}, {0, 5}, {-1, 1.5F}, {1.5F, 4.5F}, {2, 9}, {4, 4.5F}},
       5},
      {{1, 1}, {{0, 1}, {-1, 2}, {0.5F, 0.5F}}, {{0, 1}, {-1, 2}, {0.5F, 0.5F}}, 5},
      {{80, 3}, {{0, 3}}, {{0, 80}, {0.5F, 79}, {-31, 70}, {-500, 600}}, 3},
      {{67, 1}, {{-3, 2}, {0, 1}}, {{0, 67}, {1.25F, 66.5F}}, 2},
  };
  for (const Domain& domain : domains) {
    for (const Paste paste : {Paste::omz, Paste::model_api, Paste::tf, Paste::detectron2}) {
      for (const Edges& x : domain.x) {
        for (const Edges& y : domain.y) {
          const int stride = domain.stride * (kSanitized ? 41 : 1);
          check_box({x.low, y.low, x.high, y.high}, domain.image, paste, stride);
        }
      }
    }
  }
  return report("exhaustive", checks);
}
