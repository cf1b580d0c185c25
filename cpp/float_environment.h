// IEEE arithmetic as the standard has it, whatever the program around us has set: frameworks turn
// on "flush subnormals to zero" for speed, and that would change results near zero.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace maskrle {

class StandardFloatEnvironment {
 public:
#if defined(__x86_64__) || defined(_M_X64)
  StandardFloatEnvironment() : saved_(_mm_getcsr()) { _mm_setcsr(0x1F80); }  // the power-on value
  ~StandardFloatEnvironment() { _mm_setcsr(saved_); }
#else
  StandardFloatEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~StandardFloatEnvironment() { std::fesetenv(&saved_); }
#endif
  StandardFloatEnvironment(const StandardFloatEnvironment&) = delete;
  StandardFloatEnvironment& operator=(const StandardFloatEnvironment&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  unsigned saved_;
#else
  std::fenv_t saved_;
#endif
};

}  // namespace maskrle
