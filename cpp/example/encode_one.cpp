// One soft 28 x 28 mask, pasted into a box of a 640 x 480 image: its COCO RLE.
#include <maskrle/encode.h>

#include <iostream>
#include <span>
#include <string>
#include <vector>

int main() {
  constexpr int kSide = 28;
  std::vector<float> mask;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const int distance = (x - 14) * (x - 14) + (y - 14) * (y - 14);
      mask.push_back(1.0F - static_cast<float>(distance) / 200.0F);
    }
  }
  const std::ptrdiff_t row = kSide * sizeof(float);
  const maskrle::MaskArray masks{
      .data = std::as_bytes(std::span(mask)).data(),
      .count = 1,
      .channels = 1,
      .size = {.height = kSide, .width = kSide},
      .count_stride = kSide * row,
      .channel_stride = kSide * row,
      .row_stride = row,
      .column_stride = sizeof(float),
      .scalar = maskrle::Scalar::float32,
  };
  const maskrle::Box box{.x_min = 100, .y_min = 50, .x_max = 180.5F, .y_max = 200.25F};
  const maskrle::Batch batch = maskrle::encode(masks, &box, nullptr, {.height = 480, .width = 640},
                                               maskrle::Paste::omz, 0.5F);
  const auto counts = batch.string(0);
  std::cout << "area " << batch.areas()[0] << "\ncounts "
            << std::string(counts.begin(), counts.end()) << "\n";
}
