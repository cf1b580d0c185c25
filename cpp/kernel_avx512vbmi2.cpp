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
namespace avx512vbmi2 {

#define MASKRLE_TARGET \
  "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,fma,bmi,bmi2,popcnt,lzcnt"
#define MASKRLE_VBMI2
#include "target_begin.h"

#include "simd_avx512.h"

#include "kernel.inl"

#include "target_end.h"

namespace {

bool runs_here() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2");
}

}  // namespace
}  // namespace avx512vbmi2

const Kernel kAvx512Vbmi2Kernel{"avx512vbmi2", avx512vbmi2::runs_here, avx512vbmi2::select_channel,
                                avx512vbmi2::encode};

}  // namespace maskrle

#endif
