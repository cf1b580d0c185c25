#include "backend.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include "input_error.h"

namespace maskrle {
namespace {

std::atomic<const Kernel*> active{nullptr};

const Kernel& by_name(std::string_view name, const std::string& source) {
  std::string names;
  for (const Kernel* kernel : available_kernels()) {
    if (name == kernel->name) return *kernel;
    names += (names.empty() ? "'" : ", '") + std::string(kernel->name) + "'";
  }
  throw InputError(source + " must be one of " + names + " on this machine, got '" +
                   std::string(name) + "'");
}

}  // namespace

std::vector<const Kernel*> available_kernels() {
  std::vector<const Kernel*> kernels;
#if defined(__x86_64__)
  if (kAvx512Vbmi2Kernel.runs_here()) kernels.push_back(&kAvx512Vbmi2Kernel);
  if (kAvx512Kernel.runs_here()) kernels.push_back(&kAvx512Kernel);
  if (kAvx2Kernel.runs_here()) kernels.push_back(&kAvx2Kernel);
#endif
  kernels.push_back(&kPortableKernel);
  return kernels;
}

const Kernel& active_kernel() {
  const Kernel* kernel = active.load(std::memory_order_relaxed);
  if (kernel == nullptr) {  // two threads may both choose: they choose the same
    const char* forced = std::getenv("MASKRLE_BACKEND");
    kernel = forced == nullptr || *forced == '\0' ? available_kernels().front()
                                                  : &by_name(forced, "MASKRLE_BACKEND");
    active.store(kernel, std::memory_order_relaxed);
  }
  return *kernel;
}

void use_kernel(std::string_view name) {
  active.store(&by_name(name, "backend"), std::memory_order_relaxed);
}

}  // namespace maskrle
