// Which kernel runs: the best one for this machine, or the one that MASKRLE_BACKEND names.
#pragma once

#include <string_view>
#include <vector>

#include "kernel.h"

namespace maskrle {

// The kernels that run on this machine, the fastest first.
std::vector<const Kernel*> available_kernels();

// Chosen once, at first use. Throws InputError if MASKRLE_BACKEND names none of those available.
const Kernel& active_kernel();

// From now on the kernel of this name. For tests. Throws InputError if it is not available.
void use_kernel(std::string_view name);

}  // namespace maskrle
