#include "rle.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace maskrle {

void ByteBuffer::Free::operator()(std::uint8_t* p) const { std::free(p); }

void ByteBuffer::grow(std::size_t extra) {
  const std::size_t wanted = std::max(size_ + extra, capacity_ + capacity_ / 2);
  // realloc moves large blocks by remapping their pages, without copying.
  auto* grown = static_cast<std::uint8_t*>(std::realloc(data_.get(), wanted));
  if (grown == nullptr) throw std::bad_alloc();
  static_cast<void>(data_.release());
  data_.reset(grown);
  capacity_ = wanted;
}

void RunWriter::run(std::uint64_t length) {
  const auto value = static_cast<std::int64_t>(length);
  // From the fourth run on, COCO stores the difference to the run of the same colour before.
  const std::int64_t written = runs_ > 2 ? value - before_[0] : value;
  std::uint8_t* end = out_->reserve(kMaxRunChars);
  out_->commit(write_number(written, end));
  if (runs_ % 2 == 1) area_ += value;
  before_[0] = before_[1];
  before_[1] = value;
  ++runs_;
}

std::int64_t RunWriter::finish() {
  if (pending_) flush();
  pending_ = false;
  if (last_ < pixels_) run(pixels_ - last_);
  last_ = pixels_;
  return area_;
}

std::vector<std::uint32_t> decode_counts(std::span<const std::uint8_t> counts,
                                         std::uint64_t pixels) {
  std::vector<std::uint32_t> runs;
  runs.reserve(counts.size());
  std::uint64_t sum = 0;
  std::size_t at = 0;
  const auto fail = [](std::size_t where, const char* what) {
    throw DecodeError("character " + std::to_string(where) + ": " + what);
  };
  while (at < counts.size()) {
    const std::size_t begin = at;
    std::int64_t value = 0;
    for (unsigned shift = 0;; shift += 5) {
      if (at == counts.size()) fail(at, "the string ends within a number");
      if (at - begin == kMaxRunChars) fail(begin, "a number of more than 7 characters");
      const std::uint8_t character = counts[at];
      if (character < 48 || character >= 48 + 64) fail(at, "not a character of a COCO RLE string");
      ++at;
      const std::int64_t group = character - 48;
      value |= (group & 0x1f) << shift;
      if ((group & 0x20) == 0) {
        if ((group & 0x10) != 0) value |= std::int64_t{-1} << (shift + 5);
        break;
      }
    }
    if (runs.size() > 2) value += static_cast<std::int64_t>(runs[runs.size() - 2]);
    if (value < 0) fail(begin, "a negative run");
    if (static_cast<std::uint64_t>(value) > pixels - sum) fail(begin, "runs beyond the image");
    sum += static_cast<std::uint64_t>(value);
    runs.push_back(static_cast<std::uint32_t>(value));
  }
  if (sum != pixels) {
    throw DecodeError("runs sum up to " + std::to_string(sum) + " of " + std::to_string(pixels) +
                      " pixels");
  }
  return runs;
}

}  // namespace maskrle
