// COCO run-length encoding: pixels in column-major order, first run zeros, compressed to ASCII.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace maskrle {

// Bytes that grow without being cleared first; what is written is never copied on reading.
class ByteBuffer {
 public:
  std::size_t size() const { return size_; }
  const std::uint8_t* data() const { return data_.get(); }

  // A place for `extra` more bytes behind the last one written.
  std::uint8_t* reserve(std::size_t extra) {
    if (capacity_ - size_ < extra) grow(extra);
    return data_.get() + size_;
  }
  // `end`: one past the last byte written into the place that reserve() gave.
  void commit(const std::uint8_t* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

 private:
  void grow(std::size_t extra);

  struct Free {
    void operator()(std::uint8_t* p) const;
  };
  std::unique_ptr<std::uint8_t[], Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Longest string of one run: a 33-bit difference in groups of 5 bits, and its sign.
inline constexpr std::size_t kMaxRunChars = 7;

// One number as COCO's compressed string has it: groups of 5 bits, low first, bit 5 of a group
// says that more follow, the sign is bit 4 of the last group, each group + 48.
inline std::uint8_t* write_number(std::int64_t value, std::uint8_t* out) {
  bool more = true;
  while (more) {
    auto group = static_cast<std::uint8_t>(value & 0x1f);
    value >>= 5;
    more = (group & 0x10) ? value != -1 : value != 0;
    *out++ = static_cast<std::uint8_t>((more ? group | 0x20 : group) + 48);
  }
  return out;
}

// Writes one mask's runs from the positions where its pixels change.
class RunWriter {
 public:
  RunWriter(ByteBuffer& out, std::uint64_t pixels) : out_(&out), pixels_(pixels) {}

  // The mask changes at `position` (0 .. pixels). Positions never decrease; two changes at one
  // position are none: a run that goes on into the next column ends and begins there.
  void change(std::uint64_t position) {
    if (pending_ && position == change_) {
      pending_ = false;
      return;
    }
    if (pending_) flush();
    change_ = position;
    pending_ = true;
  }

  // To be called once, after the last change. Returns the number of pixels that are on.
  std::int64_t finish();

 private:
  void flush() {
    run(change_ - last_);
    last_ = change_;
  }
  void run(std::uint64_t length);

  ByteBuffer* out_;
  std::uint64_t pixels_;
  std::uint64_t last_ = 0;
  std::uint64_t change_ = 0;
  std::int64_t before_[2] = {0, 0};  // the two runs before, the nearer one last
  std::uint64_t runs_ = 0;
  std::int64_t area_ = 0;
  bool pending_ = false;
};

// What a string that is no COCO RLE of the given image says of itself.
class DecodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The runs of a compressed string. Throws DecodeError where the string is cut off, holds a
// character outside '0'..'o', a number of more than 7 groups or a negative run, or where the runs
// do not sum up to `pixels`. The memory it takes is bounded by the string's length.
std::vector<std::uint32_t> decode_counts(std::span<const std::uint8_t> counts,
                                         std::uint64_t pixels);

}  // namespace maskrle
