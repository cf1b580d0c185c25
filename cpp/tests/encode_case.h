// Bytes -> a call of encode(), and its proof: every kernel against the literal twin. Shared by the
// fuzz harness, where a fuzzer writes the bytes, and the random tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "encode.h"

namespace maskrle::tests {

// Reads numbers from bytes; zeros when they have run out.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte() {
    if (at_ == bytes_.size()) return 0;
    return bytes_[at_++];
  }
  std::uint16_t half() {
    const unsigned low = byte();
    return static_cast<std::uint16_t>(low | static_cast<unsigned>(byte()) << 8);
  }
  std::uint32_t word() {
    const std::uint32_t low = half();
    return low | static_cast<std::uint32_t>(half()) << 16;
  }
  std::uint32_t below(std::uint32_t bound) {
    return (bound <= 256 ? byte() : std::uint32_t{half()}) % bound;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

struct EncodeCase {
  std::vector<std::byte> memory;  // what `masks` looks at
  MaskArray masks;
  std::vector<Box> boxes;
  std::vector<std::int64_t> channels;  // none: nullptr
  ImageSize image;
  Paste paste;
  float threshold;
};

EncodeCase make_case(ByteReader reader);

// Empty if encode() did on every kernel as it should, else what it did instead.
std::string check_case(const EncodeCase& test);
// The same of images too large for the twin: the kernels agree, and the strings decode.
std::string check_kernels_agree(const EncodeCase& test);

}  // namespace maskrle::tests
