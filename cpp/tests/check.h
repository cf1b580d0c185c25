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

}  // namespace maskrle::tests
