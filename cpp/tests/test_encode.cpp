// encode() against the literal twin: random calls, and shapes that are hard on the kernels.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "check.h"
#include "encode_case.h"
#include "random.h"

namespace {

using namespace maskrle;
using namespace maskrle::tests;

unsigned long long checks = 0;

void check(const EncodeCase& test, const std::string& what) {
  ++checks;
  const std::string difference = check_case(test);
  tests::check(difference.empty(), what + ": " + difference);
}

void random_calls(int count) {
  std::vector<std::uint8_t> bytes(600);
  for (int k = 0; k < count; ++k) {
    Random random(static_cast<std::uint64_t>(k));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    check(make_case(ByteReader(bytes)), "random call " + std::to_string(k));
  }
}

// A contiguous call, one box for all masks, each row of `values` a mask.
EncodeCase plain_case(const std::vector<float>& values, MaskSize size, const Box& box,
                      ImageSize image, Paste paste, float threshold) {
  EncodeCase test{};
  const auto bytes = std::as_bytes(std::span(values));
  test.memory.assign(bytes.begin(), bytes.end());
  const std::ptrdiff_t row = size.width * 4;
  const std::ptrdiff_t mask = row * size.height;
  const auto count = static_cast<std::int64_t>(test.memory.size()) / mask;
  test.masks = {test.memory.data(), count, 1, size, mask, mask, row, 4, Scalar::float32};
  test.boxes.assign(static_cast<std::size_t>(count), box);
  test.image = image;
  test.paste = paste;
  test.threshold = threshold;
  return test;
}

constexpr std::array kPastes{Paste::omz, Paste::model_api, Paste::tf, Paste::detectron2};

// Patterns with the most runs there can be, and with ties everywhere, at sides around the widths
// of vectors and of the words of bits.
void adversarial_masks() {
  const auto tall = static_cast<std::int64_t>(kSanitized ? 90 : 400);
  for (const std::int32_t side : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 61, 62, 63, 64, 100}) {
    const MaskSize size{side, side};
    std::vector<float> values;
    for (int pattern = 0; pattern < 7; ++pattern) {
      for (std::int32_t y = 0; y < side; ++y) {
        for (std::int32_t x = 0; x < side; ++x) {
          const float next = std::nextafter(0.5F, 1.0F);
          const std::array<float, 7> of_patterns{
              static_cast<float>(y % 2),                          // rows
              static_cast<float>(x % 2),                          // columns
              static_cast<float>((x + y) % 2),                    // a chessboard
              0.5F,                                               // a plateau at the threshold
              (x + y) % 2 == 0 ? 0.5F : next,                     // one unit above it
              y == side / 2 ? 1.0F : -1.0F,                       // a line
              static_cast<float>(y) / static_cast<float>(side)};  // a slope
          values.push_back(of_patterns[static_cast<std::size_t>(pattern)]);
        }
      }
    }
    for (const Paste paste : kPastes) {
      for (const Box& box : {Box{0, 0, 40, static_cast<float>(tall)}, Box{-5.5F, 3.25F, 21, 200},
                             Box{2, 10, 9, 75}, Box{1, 1, 1, 1}, Box{30, 300, 3, 2}}) {
        for (const float threshold : {0.5F, 0.0F, -0.25F, 0.4999999F}) {
          check(plain_case(values, size, box, {tall, 37}, paste, threshold),
                "side " + std::to_string(side));
        }
      }
    }
  }
}

// Where the numbers of the image, not of the mask, are extreme. The twin draws all of it, so the
// images are lines.
void adversarial_images() {
  Random random(7);
  std::vector<float> values(3 * 14 * 14);
  for (float& value : values) value = random.unit();
  constexpr std::int64_t kSide = 200000;  // more rows than crossings are computed for
  for (const Paste paste : kPastes) {
    for (const ImageSize image : {ImageSize{kSide, 1}, ImageSize{1, kSide}, ImageSize{65, 2}}) {
      for (const Box& box :
           {Box{0, 0, static_cast<float>(image.width), static_cast<float>(image.height)},
            Box{-1e9F, -1e9F, 1e9F, 1e9F}, Box{-1e9F, 0, 1, 1e9F}, Box{1e9F, 1e9F, -1e9F, -1e9F},
            Box{-1e6F, -1e6F, 3e6F, 3e6F}, Box{0.5F, 0.5F, 0.5F, 0.5F}}) {
        check(plain_case(values, {14, 14}, box, image, paste, 0.5F), "a line");
        if (kSanitized) break;
      }
    }
  }
}

// Images that lie in the zeros around the mask, or in its outermost row: all pixels blend one row.
void one_mask_row() {
  std::vector<float> values(8 * 12);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(k % 12) * 0.1F;
  for (const Paste paste : kPastes) {
    for (const Box& box :
         {Box{2, -23350, 12, -1600}, Box{2, 1708, 12, 23458}, Box{2, -3e5F, 12, 1e6F}}) {
      for (const float threshold : {-0x1p-149F, 0.0F, 0x1p-149F, -1.0F, 0.5F}) {
        check(plain_case(values, {12, 8}, box, {108, 21}, paste, threshold), "one mask row");
      }
    }
  }
}

// Slopes so flat that many pixels of a column round to one value: the crossing of the line is not
// where the values change.
void flat_slopes() {
  constexpr std::int32_t kCells = 14;
  Random random(10);
  for (int bits = 2; bits <= 16; ++bits) {
    for (const float level : {0.5F, 0.75F, 1e-3F, -2.0F, 1e-29F}) {
      const float step = std::fabs(level) * 0x1p-24F;
      std::vector<float> values;
      for (std::int32_t cell = 0; cell < 6 * kCells * kCells; ++cell) {
        const auto steps = static_cast<float>(random.below(std::uint64_t{2} << bits)) -
                           static_cast<float>(std::uint64_t{1} << bits);
        values.push_back(level + steps * step);
      }
      for (const Paste paste : kPastes) {
        for (const float height : {180.0F, 2000.0F}) {
          if (kSanitized && height > 1000.0F) continue;
          const auto image_height = static_cast<std::int64_t>(height) + 10;
          check(plain_case(values, {kCells, kCells}, {0, 4.5F, 19.5F, height}, {image_height, 18},
                           paste, level),
                "flat slopes of " + std::to_string(bits) + " bits");
        }
      }
    }
  }
}

// Runs over empty columns, as long as the image is high: numbers of every length in one block.
void number_lengths() {
  constexpr std::int32_t kCells = 20;
  Random random(9);
  for (const std::int64_t height : {130, 260, 520, 16390, 524300}) {
    if (kSanitized && height > 20000) break;
    std::vector<float> values;
    for (int mask = 0; mask < 3; ++mask) {
      std::vector<float> stripes(kCells);
      for (float& stripe : stripes) stripe = random.below(3) == 0 ? 1.0F : 0.1F;
      for (std::int32_t y = 0; y < kCells; ++y) {
        for (const float stripe : stripes) values.push_back(stripe * (0.4F + random.unit()));
      }
    }
    for (const Paste paste : kPastes) {
      const std::int64_t quarter = height / 4;
      const auto top = static_cast<float>(quarter);
      for (const float rows : {30.0F, 90.0F, 400.0F}) {
        check(plain_case(values, {kCells, kCells}, {1, top, 22, top + rows}, {height, 24}, paste,
                         0.5F),
              "numbers at height " + std::to_string(height));
      }
    }
  }
}

// Images too large to draw: every kernel must still give the same, and a string that is whole.
void largest_images() {
  Random random(8);
  std::vector<float> values(33 * 33);
  for (float& value : values) value = random.unit();
  for (const Paste paste : kPastes) {
    for (const ImageSize image :
         {ImageSize{46340, 46340}, ImageSize{65535, 65537}, ImageSize{2147483647, 1},
          ImageSize{1, 2147483647}, ImageSize{4294967295, 1}, ImageSize{1, 4294967295}}) {
      const auto near = [](std::int64_t side, float back) {
        return std::clamp(static_cast<float>(side) - back, -1e9F, 1e9F);
      };
      const Box box{near(image.width, 300), near(image.height, 300), near(image.width, 20),
                    near(image.height, 2)};
      const EncodeCase test = plain_case(values, {33, 33}, box, image, paste, 0.5F);
      const std::string difference = check_kernels_agree(test);
      ++checks;
      tests::check(difference.empty(), "largest image: " + difference);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int count =
      argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : (kSanitized ? 1500 : 6000);
  random_calls(count);
  adversarial_masks();
  adversarial_images();
  one_mask_row();
  flat_slopes();
  number_lengths();
  largest_images();
  return report("encode", checks);
}
