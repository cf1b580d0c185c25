// COCO strings: known ones, round trips, and hostile ones.
#include "rle.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch.h"
#include "check.h"
#include "random.h"
#include "reference.h"

namespace {

using namespace maskrle;
using namespace maskrle::tests;

unsigned long long checks = 0;

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void accepts(std::string_view text, std::uint64_t pixels, const std::vector<std::uint32_t>& runs) {
  ++checks;
  try {
    check(decode_counts(bytes(text), pixels) == runs, "runs of " + std::string(text));
  } catch (const DecodeError& error) {
    check(false, std::string(text) + ": " + error.what());
  }
}

void refuses(std::string_view text, std::uint64_t pixels, std::string_view message) {
  ++checks;
  try {
    static_cast<void>(decode_counts(bytes(text), pixels));
    check(false, "accepted " + std::string(text));
  } catch (const DecodeError& error) {
    check(std::string_view(error.what()).find(message) != std::string_view::npos,
          "'" + std::string(message) + "' expected, got '" + error.what() + "'");
  }
}

void known_strings() {
  accepts("", 0, {});
  accepts("0", 0, {0});
  accepts("4", 4, {4});
  accepts("04", 4, {0, 4});
  accepts("o1", 63, {63});
  accepts("`0", 16, {16});
  accepts("PP4", 4096, {4096});
  accepts("oooooo3", 0xFFFFFFFF, {0xFFFFFFFF});
  accepts("151L", 8, {1, 5, 1, 1});  // from the fourth run on, the difference to the run two before
  accepts("320N4", 9, {3, 2, 0, 0, 4});
  accepts("1X11iN6", 50, {1, 40, 1, 1, 7});
}

void hostile_strings() {
  refuses("", 4, "runs sum up to 0 of 4");
  refuses("3", 4, "runs sum up to 3 of 4");
  refuses("5", 4, "runs beyond the image");
  refuses("4o", 4, "ends within a number");
  refuses("P", 1, "ends within a number");
  refuses("ooooooo", 1, "ends within a number");
  refuses("PPPPPPP0", 1, "more than 7 characters");
  refuses("oooooooooooooooooooo0", 1, "more than 7 characters");
  refuses("O", 4, "a negative run");
  refuses("151J", 8, "a negative run");
  refuses("4 ", 4, "not a character");
  refuses("/4", 4, "not a character");
  refuses("p", 4, "not a character");
  refuses(std::string_view("\0", 1), 4, "not a character");
  refuses("\xff", 4, "not a character");
  refuses("oooooo?", 0xFFFFFFFF, "runs beyond the image");  // the largest number there is
  refuses("PPPPPP@", 0xFFFFFFFF, "a negative run");         // the smallest
  // Sums that would overflow 64 bits if they were taken before they are compared.
  refuses("oooooo?oooooo?oooooo?oooooo?", 0xFFFFFFFF, "runs beyond the image");
}

// Memory is bounded by the string, whatever its numbers claim.
void memory() {
  std::string text = "oooooo3";
  text.resize(1000, '0');
  ++checks;
  try {
    const auto runs = decode_counts(bytes(text), 0xFFFFFFFF);
    check(runs.capacity() <= text.size(), "capacity");
  } catch (const DecodeError&) {  // expected
  }
  const std::string zeros(100000, '0');
  accepts(zeros, 0, std::vector<std::uint32_t>(100000, 0));
}

void refused_strings_leave_nothing() {
  Batch batch({2, 2}, 2);
  batch.append(bytes("13"));
  const Batch before = [] {
    Batch same({2, 2}, 1);
    same.append(bytes("13"));
    return same;
  }();
  for (const char* text : {"14", "1", "1o", "O5", "~"}) {
    ++checks;
    try {
      batch.append(bytes(text));
      check(false, std::string("accepted ") + text);
    } catch (const DecodeError&) {  // expected
    }
    check(batch == before && batch.areas() == before.areas() && batch.bboxes() == before.bboxes(),
          std::string("changed by ") + text);
  }
}

void round_trips() {
  Random random(3);
  for (int k = 0; k < (kSanitized ? 2000 : 20000); ++k) {
    const ImageSize image{1 + static_cast<std::int64_t>(random.below(20)),
                          1 + static_cast<std::int64_t>(random.below(20))};
    const auto pixels = static_cast<std::uint64_t>(image.height * image.width);
    std::vector<std::uint8_t> mask(pixels);
    const std::uint64_t density = 1 + random.below(30);
    for (std::uint8_t& pixel : mask) pixel = random.below(density) == 0;
    const reference::Rle rle = reference::rle_of(mask, image);
    Batch batch(image, 1);
    batch.append(bytes(rle.counts));
    std::vector<std::uint8_t> again(mask.size(), 0);
    paint(decode_counts(bytes(rle.counts), pixels), image, again.data());
    ++checks;
    check(again == mask, "painted again");
    check(batch.areas()[0] == rle.area, "area");
    check(std::equal(rle.bbox.begin(), rle.bbox.end(), batch.bboxes().begin()), "bbox");
  }
}

// Every length of number, at the edges of its groups of bits.
void numbers() {
  for (int shift = 0; shift < 33; ++shift) {
    for (const std::int64_t delta : {-1, 0, 1}) {
      for (const std::int64_t sign : {-1, 1}) {
        const std::int64_t value = sign * ((std::int64_t{1} << shift) + delta);
        std::uint8_t out[kMaxRunChars];
        std::uint8_t* end = write_number(value, out);
        const std::string expected = reference::string_of({value});
        ++checks;
        check(std::string(static_cast<std::uint8_t*>(out), end) == expected,
              "number " + std::to_string(value));
        if (value < 0 || value > 0xFFFFFFFF) continue;
        accepts(expected, static_cast<std::uint64_t>(value), {static_cast<std::uint32_t>(value)});
      }
    }
  }
}

}  // namespace

int main() {
  known_strings();
  hostile_strings();
  memory();
  refused_strings_leave_nothing();
  round_trips();
  numbers();
  return report("rle", checks);
}
