#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace maskrle {
namespace avx2 {

#define MASKRLE_TARGET "avx2,fma,bmi,bmi2,popcnt,lzcnt"
#include "target_begin.h"

#include "simd_avx2.h"

#include "kernel.inl"

#include "target_end.h"

namespace {

bool runs_here() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}

}  // namespace
}  // namespace avx2

const Kernel kAvx2Kernel{"avx2", avx2::runs_here, avx2::select_channel, avx2::encode};

}  // namespace maskrle

#endif
