// Checks for plain test programs: each failure is printed, and the program's exit code tells.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace maskrle::tests {

// Sanitizers make everything slower: exhaustive tests then take a slice.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

inline int failures = 0;

inline bool check(bool holds, const std::string& what) {
  if (holds) return true;
  if (++failures <= 20) std::fprintf(stderr, "FAILED: %s\n", what.c_str());
  return false;
}

// To be returned by main().
inline int report(const char* name, unsigned long long checks) {
  std::printf("%s: %llu checks, %d failed\n", name, checks, failures);
  return failures == 0 ? 0 : 1;
}

// A generator whose numbers are the same everywhere (SplitMix64).
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
