// Any bytes as the string of an image: a DecodeError, or runs that say what a painter says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "batch.h"
#include "encode_case.h"
#include "reference.h"
#include "rle.h"

namespace {

using namespace maskrle;

constexpr std::int64_t kPaintedPixels = 1 << 16;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

ImageSize image_size(tests::ByteReader& reader) {
  const std::uint32_t kind = reader.byte();
  if (kind < 128) return {1 + reader.byte() % 32, 1 + reader.byte() % 32};
  if (kind < 192) return {1 + reader.half(), 1 + reader.half() % 65535};
  if (kind == 255) return {1 + std::int64_t{reader.word() >> 1}, 1};
  return {1 + reader.byte(), 1 + reader.byte()};
}

// Pixels one by one, as the runs come.
std::vector<std::uint8_t> painted(std::span<const std::uint32_t> runs, ImageSize image) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(image.height * image.width), 0);
  std::int64_t at = 0;
  std::uint8_t color = 0;
  for (const std::uint32_t run : runs) {
    for (std::uint32_t k = 0; k < run; ++k, ++at) {
      pixels[static_cast<std::size_t>(at % image.height * image.width + at / image.height)] = color;
    }
    color ^= 1;
  }
  return pixels;
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void check_runs(std::span<const std::uint8_t> counts, ImageSize image, const Batch& batch) {
  const auto pixels =
      static_cast<std::uint64_t>(image.height) * static_cast<std::uint64_t>(image.width);
  const std::vector<std::uint32_t> runs = decode_counts(counts, pixels);
  require(runs.capacity() <= counts.size() + 1, "more memory than the string is long");
  std::int64_t sum = 0;
  std::int64_t area = 0;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    sum += runs[k];
    if (k % 2 == 1) area += runs[k];
  }
  require(sum == static_cast<std::int64_t>(pixels), "runs do not cover the image");
  require(batch.areas()[0] == area, "area");

  // The string of the same runs, written anew, is read as the same runs.
  const std::string again = reference::string_of({runs.begin(), runs.end()});
  require(decode_counts(bytes_of(again), pixels) == runs, "not the same runs when written again");

  // The writer, which leaves empty runs out, tells of the same pixels.
  ByteBuffer buffer;
  RunWriter writer(buffer, pixels);
  std::uint64_t position = 0;
  for (std::size_t k = 0; k + 1 < runs.size(); ++k) writer.change(position += runs[k]);
  require(writer.finish() == area, "the writer's area");
  Batch canonical(image, 1);
  canonical.append({buffer.data(), buffer.size()});
  require(canonical.areas() == batch.areas() && canonical.bboxes() == batch.bboxes(),
          "the writer's string");

  if (image.height * image.width > kPaintedPixels) return;
  const std::vector<std::uint8_t> mask = painted(runs, image);
  std::vector<std::uint8_t> mask_by_core(mask.size(), 0);
  paint(runs, image, mask_by_core.data());
  require(mask == mask_by_core, "paint()");
  const reference::Rle rle = reference::rle_of(mask, image);
  require(batch.areas()[0] == rle.area, "the painter's area");
  require(std::equal(rle.bbox.begin(), rle.bbox.end(), batch.bboxes().begin()), "tight box");
  require(rle.counts == std::string(buffer.data(), buffer.data() + buffer.size()),
          "the writer's string is not the painter's");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::ByteReader reader({data, size});
  const ImageSize image = image_size(reader);
  std::vector<std::uint8_t> counts;
  if (size > 0 && data[0] % 2 == 0) {  // bytes as they are
    counts.assign(data + std::min<std::size_t>(size, 9), data + size);
  } else if (size > 9) {  // runs, so that a fuzzer need not learn to sum up
    std::int64_t left = image.height * image.width;
    std::vector<std::int64_t> runs;
    for (std::size_t at = 9; at < size && left > 0; ++at) {
      const std::int64_t run = data[at] < 250 ? data[at] % 40 : left / 2;
      runs.push_back(std::min(run, left));
      left -= runs.back();
    }
    runs.push_back(left);
    const std::string text = reference::string_of(runs);
    counts.assign(text.begin(), text.end());
  }
  Batch batch(image, 1);
  try {
    batch.append(counts);
  } catch (const DecodeError&) {
    require(batch.size() == 0 && batch.counts().size() == 0 && batch.offsets().size() == 1,
            "a refused string left something behind");
    return 0;
  }
  require(batch.size() == 1, "not one mask");
  require(std::equal(counts.begin(), counts.end(), batch.string(0).begin(), batch.string(0).end()),
          "string");
  check_runs(counts, image, batch);
  return 0;
}
