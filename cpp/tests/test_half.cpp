// half_to_float() of all 65,536 halves.
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "check.h"
#include "kernel.h"
#include "reference.h"

int main() {
  using namespace maskrle;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float got = half_to_float(static_cast<std::uint16_t>(bits));
    const float expected = reference::half_value(static_cast<std::uint16_t>(bits));
    const bool same = std::isnan(expected) ? std::isnan(got)
                                           : std::bit_cast<std::uint32_t>(got) ==
                                                 std::bit_cast<std::uint32_t>(expected);
    tests::check(same, "half " + std::to_string(bits));
  }
  return tests::report("half", 65536);
}
