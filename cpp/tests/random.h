// A generator whose numbers are the same everywhere (SplitMix64).
#pragma once

#include <cstdint>

namespace maskrle::tests {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  float unit() { return static_cast<float>(next() >> 40) * 0x1p-24F; }  // [0, 1)

 private:
  std::uint64_t state_;
};

}  // namespace maskrle::tests
