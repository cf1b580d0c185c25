// The module `maskrle._core`.
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "arguments.h"
#include "backend.h"
#include "docstrings.h"
#include "encode.h"
#include "python_batch.h"

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

maskrle::Batch encode(const py::object& masks_object, const py::object& boxes_object,
                      const py::object& image_size, const py::object& channels_object,
                      const std::string& paste_name, double threshold) {
  const maskrle::MaskArray masks = maskrle::mask_array(masks_object);
  const std::vector<maskrle::Box> boxes = maskrle::box_vector(boxes_object, masks.count);
  const maskrle::ImageSize image = maskrle::image_size_of(image_size, "image_size");
  const std::vector<std::int64_t> channels =
      maskrle::channel_vector(channels_object, masks.count, masks.channels);
  const maskrle::Paste paste = maskrle::paste_of(paste_name);
  const py::gil_scoped_release release;
  return maskrle::encode(masks, boxes.data(), channels.empty() ? nullptr : channels.data(), image,
                         paste, static_cast<float>(threshold));
}

py::list backends() {
  py::list names;
  for (const maskrle::Kernel* kernel : maskrle::available_kernels()) names.append(kernel->name);
  return names;
}

py::dict build_config() {
  return py::dict("version"_a = MASKRLE_VERSION, "compiler"_a = MASKRLE_COMPILER,
                  "flags"_a = MASKRLE_FLAGS, "backend"_a = maskrle::active_kernel().name);
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "The native core of maskrle.";
  m.attr("__version__") = MASKRLE_VERSION;
  maskrle::define_batch(m);
  m.def("encode", &encode, "masks"_a, "boxes"_a, "image_size"_a, "channels"_a = py::none(),
        py::kw_only(), "paste"_a = "omz", "threshold"_a = 0.5, maskrle::kEncodeDoc);
  m.def("decode", &maskrle::decode, "rles"_a, maskrle::kDecodeDoc);
  m.def("backends", &backends, maskrle::kBackendsDoc);
  m.def("build_config", &build_config, maskrle::kBuildConfigDoc);
  m.def(
      "_use_backend", [](const std::string& name) { maskrle::use_kernel(name); }, "name"_a,
      "Run the kernel of this name from now on; for tests and benchmarks.");
}
