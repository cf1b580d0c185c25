#include "encode_case.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "backend.h"
#include "random.h"
#include "reference.h"

namespace maskrle::tests {
namespace {

// Costs the twin so many pixels at most, all masks of a case together.
constexpr std::int64_t kMaxImagePixels = 300 * 300;

std::int32_t mask_side(ByteReader& reader) {
  static constexpr std::array<std::int32_t, 8> kUsual{1, 2, 3, 14, 28, 33, 62, 63};
  const std::uint32_t choice = reader.below(128);
  return choice < kUsual.size() ? kUsual[choice]
                                : 1 + static_cast<std::int32_t>(choice % 70);  // 1 .. 70
}

ImageSize image_size(ByteReader& reader) {
  const auto side = [&](std::uint32_t most) {
    return static_cast<std::int64_t>(1 + reader.below(most));
  };
  switch (reader.below(32)) {
    case 0:
      return {side(4), side(5000)};
    case 1:
      return {side(9000), side(4)};
    case 2:
      return {side(300), side(300)};
    case 3:
    case 4:
    case 5:
    case 6:  // dense: hardly more rows than the kernels evaluate one by one
      return {side(70), side(40)};
    default: {  // high and narrow: crossings at a moderate price
      const std::int64_t height = 60 + side(200);
      return {height, side(24)};
    }
  }
}

bool in_range(float edge) { return std::fabs(edge) <= kMaxCoordinate; }

float edge(ByteReader& reader, std::int64_t image_side, std::uint32_t mode) {
  const auto extent = static_cast<float>(image_side);
  switch (mode) {
    case 0:  // anywhere near the image
      return (static_cast<float>(reader.half()) / 65535.0F * 1.5F - 0.25F) * extent;
    case 1:  // on half pixels
      return static_cast<float>(static_cast<std::int64_t>(reader.below(static_cast<std::uint32_t>(
                                    2 * std::min<std::int64_t>(image_side, 20000) + 9))) -
                                4) *
             0.5F;
    case 2:  // far outside
      return (static_cast<float>(reader.half()) / 65535.0F - 0.5F) * 20.0F * extent;
    default: {  // any float, most of them in the range
      const std::uint32_t bits = reader.word();
      const auto value = std::bit_cast<float>(bits);
      if (in_range(value) || (bits & 0xF) == 0) return value;
      return std::bit_cast<float>(bits & 0xBFFFFFFFU);  // exponents below that of 2
    }
  }
}

Box box(ByteReader& reader, ImageSize image) {
  const std::uint32_t modes = reader.byte();
  const auto mode = [&](std::uint32_t k) {  // mostly 0 and 1
    const std::uint32_t bits = modes >> (2 * k) & 3U;
    return modes < 192 ? bits & 1U : bits;
  };
  Box b{};
  b.x_min = edge(reader, image.width, mode(0));
  b.y_min = edge(reader, image.height, mode(1));
  b.x_max = edge(reader, image.width, mode(2));
  b.y_max = edge(reader, image.height, mode(3));
  if (modes % 8 != 7) {  // mostly upright
    if (b.x_min > b.x_max) std::swap(b.x_min, b.x_max);
    if (b.y_min > b.y_max) std::swap(b.y_min, b.y_max);
  }
  return b;
}

// The values of a [channels, height, width] mask, finite but for a rare choice.
class Values {
 public:
  explicit Values(ByteReader& reader)
      : reader_(&reader),
        mode_(reader.below(10)),
        random_(reader.word()),
        level_(static_cast<float>(reader.byte()) / 128.0F - 0.5F) {
    frequency_x_ = static_cast<float>(reader.byte()) / 200.0F;
    frequency_y_ = static_cast<float>(reader.byte()) / 200.0F;
  }

  float at(std::int32_t y, std::int32_t x) {
    switch (mode_) {
      case 0: {  // any finite float
        const std::uint32_t bits = reader_->word();
        const auto value = std::bit_cast<float>(bits);
        if (std::isfinite(value) || (bits & 0xFF) == 0x42) return value;
        return std::bit_cast<float>(bits & 0xBFFFFFFFU);
      }
      case 1:  // any finite float, from few bytes
        return std::bit_cast<float>(static_cast<std::uint32_t>(random_.next()) & 0xBFFFFFFFU);
      case 2:  // a few levels, the usual threshold among them
        return static_cast<float>(reader_->byte() % 9) * 0.125F;
      case 3:
        return static_cast<float>(random_.below(5)) * 0.25F;
      case 4: {  // plateaus within a few units in the last place
        const auto bits = std::bit_cast<std::uint32_t>(level_);
        return std::bit_cast<float>(bits +
                                    static_cast<std::uint32_t>(random_.below(5)) * (bits != 0));
      }
      case 8: {  // flat slopes: up to some thousand units in the last place
        const auto bits = std::bit_cast<std::uint32_t>(level_);
        const auto spread = std::uint64_t{8}
                            << (std::bit_cast<std::uint32_t>(frequency_x_) >> 20) % 10;
        return std::bit_cast<float>(bits + static_cast<std::uint32_t>(random_.below(spread)) *
                                               (bits != 0));
      }
      case 5:  // subnormal
        return std::bit_cast<float>(static_cast<std::uint32_t>(random_.next()) & 0x800000FFU);
      case 6:  // near the largest float
        return std::bit_cast<float>((static_cast<std::uint32_t>(random_.next()) & 0x80FFFFFFU) |
                                    0x7E800000U);
      case 7:  // noise, as of an untrained network
        return random_.unit();
      default:  // soft blobs, as of a trained one
        return 0.5F +
               0.5F * std::sin(frequency_x_ * static_cast<float>(x) + 4.0F * level_) *
                   std::cos(frequency_y_ * static_cast<float>(y) - level_) +
               0x1p-10F * random_.unit();
    }
  }

 private:
  ByteReader* reader_;
  std::uint32_t mode_;
  Random random_;
  float level_;
  float frequency_x_, frequency_y_;
};

// The half nearest to zero's side of a value; only what it turns into again matters.
std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  const int exponent = static_cast<int>(bits >> 23 & 255U) - 127;
  if (exponent == 128) return static_cast<std::uint16_t>(sign | 0x7C00U | (bits & 1U));
  if (exponent > 15) return static_cast<std::uint16_t>(sign | 0x7BFFU);
  if (exponent < -14) return static_cast<std::uint16_t>(sign | (bits & 0x3FFU));  // a subnormal
  return static_cast<std::uint16_t>(sign | static_cast<unsigned>(exponent + 15) << 10 |
                                    (bits >> 13 & 0x3FFU));
}

// Lays the values of `masks` out in memory, which then just holds them.
void lay_out(EncodeCase& test, std::uint32_t layout) {
  MaskArray& m = test.masks;
  const std::ptrdiff_t item = m.scalar == Scalar::float32 ? 4 : 2;
  const std::ptrdiff_t h = m.size.height;
  const std::ptrdiff_t w = m.size.width;
  const std::ptrdiff_t c = m.channels;
  const auto contiguous = [&](std::ptrdiff_t row_bytes) {
    m.column_stride = item;
    m.row_stride = row_bytes;
    m.channel_stride = m.row_stride * h;
    m.count_stride = m.channel_stride * c;
  };
  contiguous(w * item);
  switch (layout) {
    case 0:  // columns first
      m.row_stride = item;
      m.column_stride = h * item;
      break;
    case 1:  // channels last
      m.channel_stride = item;
      m.column_stride = c * item;
      m.row_stride = w * m.column_stride;
      break;
    case 2:
      m.row_stride = -m.row_stride;
      break;
    case 3:
      m.column_stride = -m.column_stride;
      break;
    case 4:  // one row for all
      m.row_stride = 0;
      break;
    case 5:
      m.column_stride = 0;
      break;
    case 6:  // rows that begin at any byte
      contiguous(w * item + 3);
      break;
    case 7:
      m.count_stride = 0;
      m.channel_stride = -m.channel_stride;
      break;
    default:
      break;
  }
  std::ptrdiff_t low = 0;
  std::ptrdiff_t high = item;
  for (const auto& [stride, side] :
       {std::pair{m.column_stride, w}, std::pair{m.row_stride, h}, std::pair{m.channel_stride, c},
        std::pair{m.count_stride, static_cast<std::ptrdiff_t>(m.count)}}) {
    (stride < 0 ? low : high) += stride * std::max<std::ptrdiff_t>(side - 1, 0);
  }
  if (m.count == 0) return;
  test.memory.assign(static_cast<std::size_t>(high - low), std::byte{0});
  m.data = test.memory.data() - low;
}

// The chosen mask as floats, read one by one.
std::vector<float> mask_of(const EncodeCase& test, std::int64_t index, std::int64_t channel) {
  const MaskArray& m = test.masks;
  std::vector<float> values;
  for (std::int32_t y = 0; y < m.size.height; ++y) {
    for (std::int32_t x = 0; x < m.size.width; ++x) {
      const std::byte* at = m.data + index * m.count_stride + channel * m.channel_stride +
                            y * m.row_stride + x * m.column_stride;
      if (m.scalar == Scalar::float32) {
        float value;
        std::memcpy(&value, at, sizeof value);
        values.push_back(value);
      } else {
        std::uint16_t half;
        std::memcpy(&half, at, sizeof half);
        values.push_back(reference::half_value(half));
      }
    }
  }
  return values;
}

struct Expected {
  bool refused = false;
  std::vector<reference::Rle> rles;
};

Expected expect(const EncodeCase& test) {
  Expected expected;
  const MaskArray& m = test.masks;
  const auto side_fits = [](std::int32_t side) { return side >= 1 && side <= 1024; };
  expected.refused = !side_fits(m.size.height) || !side_fits(m.size.width) ||
                     test.image.height < 1 || test.image.width < 1 || std::isnan(test.threshold);
  for (std::int64_t i = 0; i < m.count && !expected.refused; ++i) {
    const auto index = static_cast<std::size_t>(i);
    const Box& b = test.boxes[index];
    const std::int64_t channel = test.channels.empty() ? 0 : test.channels[index];
    expected.refused = channel < 0 || channel >= m.channels || !in_range(b.x_min) ||
                       !in_range(b.y_min) || !in_range(b.x_max) || !in_range(b.y_max);
    if (expected.refused) break;
    const std::vector<float> mask = mask_of(test, i, channel);
    expected.refused =
        !std::all_of(mask.begin(), mask.end(), [](float v) { return std::isfinite(v); });
    if (expected.refused) break;
    expected.rles.push_back(
        reference::encode(mask, m.size, b, test.image, test.paste, test.threshold));
  }
  return expected;
}

std::string describe(const EncodeCase& test, std::size_t index) {
  static constexpr std::array<const char*, 4> kNames{"omz", "model_api", "tf", "detectron2"};
  std::ostringstream out;
  const Box& b = test.boxes[index];
  out << "mask " << index << " of " << test.masks.count << ", "
      << kNames[static_cast<std::size_t>(test.paste)] << ", image " << test.image.height << "x"
      << test.image.width << ", mask " << test.masks.size.height << "x" << test.masks.size.width
      << std::hexfloat << ", threshold " << test.threshold << ", box " << b.x_min << " " << b.y_min
      << " " << b.x_max << " " << b.y_max << std::defaultfloat << " (" << b.x_min << " " << b.y_min
      << " " << b.x_max << " " << b.y_max << ")";
  if (test.masks.size.height * test.masks.size.width <= 100) {
    out << ", values" << std::hexfloat;
    const std::int64_t channel = test.channels.empty() ? 0 : test.channels[index];
    for (const float v : mask_of(test, static_cast<std::int64_t>(index), channel)) out << " " << v;
  }
  return out.str();
}

std::string compare(const EncodeCase& test, const Expected& expected) {
  Batch batch;
  try {
    batch = encode(test.masks, test.boxes.data(),
                   test.channels.empty() ? nullptr : test.channels.data(), test.image, test.paste,
                   test.threshold);
  } catch (const InputError& error) {
    return expected.refused ? "" : std::string("refused: ") + error.what();
  }
  if (expected.refused) return "accepted what it should refuse";
  if (batch.size() != expected.rles.size()) return "wrong number of masks";
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::span<const std::uint8_t> string = batch.string(i);
    const reference::Rle& rle = expected.rles[i];
    const std::string counts(string.begin(), string.end());
    const auto bbox = batch.bboxes().begin() + static_cast<std::ptrdiff_t>(4 * i);
    if (counts == rle.counts && batch.areas()[i] == rle.area &&
        std::equal(rle.bbox.begin(), rle.bbox.end(), bbox)) {
      continue;
    }
    std::ostringstream out;
    out << describe(test, i) << "\n  expected " << rle.counts << ", area " << rle.area << ", bbox";
    for (const double value : rle.bbox) out << " " << value;
    out << "\n  got      " << counts << ", area " << batch.areas()[i] << ", bbox";
    for (int k = 0; k < 4; ++k) out << " " << bbox[k];
    return out.str();
  }
  return "";
}

}  // namespace

EncodeCase make_case(ByteReader reader) {
  EncodeCase test{};
  const std::uint32_t kind = reader.byte();
  test.paste = static_cast<Paste>(kind % 4);
  const std::uint32_t flaw = kind >> 2;  // a few of its values spoil the call
  const std::uint32_t layout = reader.below(32);
  test.masks.scalar = reader.below(4) == 0 ? Scalar::float16 : Scalar::float32;
  test.masks.count = reader.below(4);
  test.masks.channels = 1 + reader.below(3);
  test.masks.size.height = mask_side(reader);
  test.masks.size.width = mask_side(reader);
  test.image = image_size(reader);
  if (test.image.height * test.image.width * std::max<std::int64_t>(test.masks.count, 1) >
      kMaxImagePixels) {
    test.masks.count = 1;
  }
  const std::uint32_t threshold_mode = reader.below(8);
  const std::uint32_t threshold_bits = reader.word();
  for (std::int64_t i = 0; i < test.masks.count; ++i) {
    test.boxes.push_back(box(reader, test.image));
  }
  if (test.masks.channels > 1 || (kind & 4U) != 0) {
    for (std::int64_t i = 0; i < test.masks.count; ++i) {
      test.channels.push_back(reader.below(static_cast<std::uint32_t>(test.masks.channels)));
    }
  }
  lay_out(test, layout);
  const MaskArray& m = test.masks;
  std::vector<float> seen;
  for (std::int64_t i = 0; i < m.count; ++i) {
    Values values(reader);
    for (std::int64_t c = 0; c < m.channels; ++c) {
      for (std::int32_t y = 0; y < m.size.height; ++y) {
        for (std::int32_t x = 0; x < m.size.width; ++x) {
          const float value = values.at(y, x);
          const std::ptrdiff_t at = m.data - test.memory.data() + i * m.count_stride +
                                    c * m.channel_stride + y * m.row_stride + x * m.column_stride;
          std::byte* place = test.memory.data() + at;
          if (m.scalar == Scalar::float32) {
            std::memcpy(place, &value, sizeof value);
            if (std::isfinite(value)) seen.push_back(value);
          } else {
            const std::uint16_t half = to_half(value);
            std::memcpy(place, &half, sizeof half);
            if ((half & 0x7C00U) != 0x7C00U) seen.push_back(reference::half_value(half));
          }
        }
      }
    }
  }
  test.threshold = 0.5F;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (threshold_mode == 1) {
    test.threshold = std::bit_cast<float>(threshold_bits);
    if (std::isnan(test.threshold)) test.threshold = 0.25F;
  } else if (threshold_mode == 2) {
    test.threshold = static_cast<float>(threshold_bits % 9) * 0.125F;
  } else if (threshold_mode >= 3 && !seen.empty()) {  // at, next to or between values of the mask
    const float value = seen[threshold_bits % seen.size()];
    const float other = seen[(threshold_bits >> 8) % seen.size()];
    switch (threshold_mode) {
      case 3:
        test.threshold = std::nextafter(value, kInfinity);
        break;
      case 4:
        test.threshold = std::nextafter(value, -kInfinity);
        break;
      case 5:
        test.threshold = value * 0.5F + other * 0.5F;
        break;
      default:
        test.threshold = value;
    }
  }
  if (flaw == 60) test.threshold = std::numeric_limits<float>::quiet_NaN();
  if (flaw == 61 && m.count > 0) {
    test.channels.assign(static_cast<std::size_t>(m.count), 0);
    test.channels.back() = (threshold_bits & 1U) != 0 ? m.channels : -1;
  }
  if (flaw == 62) test.image.width = -static_cast<std::int64_t>(threshold_bits % 2);
  if (flaw == 63 && m.count > 0) {
    test.boxes.back().y_max = (threshold_bits & 1U) != 0 ? kInfinity : std::nextafter(1e9F, 2e9F);
  }
  return test;
}

std::string check_case(const EncodeCase& test) {
  const Expected expected = expect(test);
  for (const Kernel* kernel : available_kernels()) {
    use_kernel(kernel->name);
    const std::string difference = compare(test, expected);
    if (!difference.empty()) return std::string(kernel->name) + ": " + difference;
  }
  return "";
}

std::string check_kernels_agree(const EncodeCase& test) {
  std::vector<Batch> batches;
  for (const Kernel* kernel : available_kernels()) {
    use_kernel(kernel->name);
    batches.push_back(
        encode(test.masks, test.boxes.data(), nullptr, test.image, test.paste, test.threshold));
    const Batch& batch = batches.back();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Batch decoded(test.image, 1);
      try {
        decoded.append(batch.string(i));
      } catch (const DecodeError& error) {
        return std::string(kernel->name) + ": " + describe(test, i) + ": " + error.what();
      }
      if (decoded.areas()[0] != batch.areas()[i] ||
          !std::equal(decoded.bboxes().begin(), decoded.bboxes().end(),
                      batch.bboxes().begin() + static_cast<std::ptrdiff_t>(4 * i))) {
        return std::string(kernel->name) +
               ": area or box is not the string's: " + describe(test, i);
      }
    }
    if (!(batch == batches.front())) {
      return std::string(kernel->name) + " gives other strings than " +
             available_kernels().front()->name + ": " + describe(test, 0);
    }
  }
  return "";
}

}  // namespace maskrle::tests
