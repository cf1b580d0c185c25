// Python's arrays and dicts to the core's structures and back: validation and the GIL, no more.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "backend.h"
#include "batch.h"
#include "encode.h"

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

using maskrle::Batch;
using maskrle::Box;
using maskrle::ImageSize;

std::string text(const py::handle& object) { return py::str(object).cast<std::string>(); }

std::string type_name(const py::handle& object) {
  return text(py::type::handle_of(object).attr("__name__"));
}

py::array as_array(const py::object& object, const char* name, const char* expected) {
  if (!py::isinstance<py::array>(object)) {
    throw py::type_error(std::string(name) + " must be a numpy array of " + expected + ", got " +
                         type_name(object));
  }
  return py::reinterpret_borrow<py::array>(object);
}

[[noreturn]] void wrong_dtype(const char* name, const char* expected, const py::array& array) {
  throw py::type_error(std::string(name) + " must be " + expected + ", got " +
                       text(array.dtype()));
}

[[noreturn]] void wrong_shape(const std::string& what, const py::array& array) {
  throw py::value_error(what + ", got shape " + text(array.attr("shape")));
}

bool has_native_order(const py::dtype& dtype) { return dtype.attr("isnative").cast<bool>(); }

maskrle::MaskArray mask_array(const py::array& masks) {
  maskrle::MaskArray view{};
  const py::dtype dtype = masks.dtype();
  if (dtype.kind() != 'f' || (dtype.itemsize() != 4 && dtype.itemsize() != 2) ||
      !has_native_order(dtype)) {
    wrong_dtype("masks", "float32 or float16", masks);
  }
  view.scalar = dtype.itemsize() == 4 ? maskrle::Scalar::float32 : maskrle::Scalar::float16;
  const py::ssize_t rank = masks.ndim();
  if (rank != 3 && rank != 4) wrong_shape("masks must be [N, C, h, w] or [N, h, w]", masks);
  view.data = static_cast<const std::byte*>(masks.data());
  view.count = masks.shape(0);
  view.count_stride = masks.strides(0);
  view.channels = rank == 4 ? masks.shape(1) : 1;
  view.channel_stride = rank == 4 ? masks.strides(1) : 0;
  view.row_stride = masks.strides(rank - 2);
  view.column_stride = masks.strides(rank - 1);
  const py::ssize_t height = masks.shape(rank - 2);
  const py::ssize_t width = masks.shape(rank - 1);
  if (height < 1 || width < 1 || height > maskrle::kMaxMaskSide || width > maskrle::kMaxMaskSide) {
    wrong_shape("masks must have sides from 1 to " + std::to_string(maskrle::kMaxMaskSide), masks);
  }
  view.size = {static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
  return view;
}

std::vector<Box> box_vector(const py::array& boxes, std::int64_t count) {
  const py::dtype dtype = boxes.dtype();
  if (dtype.kind() != 'f' || dtype.itemsize() != 4 || !has_native_order(dtype)) {
    wrong_dtype("boxes", "float32", boxes);
  }
  if (boxes.ndim() != 2 || boxes.shape(1) != 4) wrong_shape("boxes must be [N, 4]", boxes);
  if (boxes.shape(0) != count) {
    wrong_shape("boxes must be as many as masks (" + std::to_string(count) + ")", boxes);
  }
  std::vector<Box> copy(static_cast<std::size_t>(count));
  for (py::ssize_t i = 0; i < count; ++i) {
    float* to = &copy[static_cast<std::size_t>(i)].x_min;
    for (py::ssize_t k = 0; k < 4; ++k) std::memcpy(to + k, boxes.data(i, k), sizeof(float));
  }
  return copy;
}

std::vector<std::int64_t> channel_vector(const py::object& channels, std::int64_t count,
                                         std::int64_t mask_channels) {
  if (channels.is_none()) {
    if (mask_channels == 1 || count == 0) return {};
    throw py::value_error("channels is required: masks have " + std::to_string(mask_channels) +
                          " channels");
  }
  const py::array array = as_array(channels, "channels", "integers");
  if (array.dtype().kind() != 'i' && array.dtype().kind() != 'u') {
    wrong_dtype("channels", "integers", array);
  }
  if (array.ndim() != 1) wrong_shape("channels must be [N]", array);
  if (array.shape(0) != count) {
    wrong_shape("channels must be as many as masks (" + std::to_string(count) + ")", array);
  }
  // Not an unsigned number beyond int64, which would come out negative: the core refuses those.
  const auto values =
      py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!values) throw py::error_already_set();
  return {values.data(), values.data() + count};
}

ImageSize image_size_of(const py::object& object) {
  const auto refuse = [&]() -> py::type_error {
    return py::type_error("image_size must be (height, width), two integers, got " +
                          text(py::repr(object)));
  };
  if (!py::isinstance<py::sequence>(object) && !py::isinstance<py::array>(object)) throw refuse();
  const auto pair = py::reinterpret_borrow<py::sequence>(object);
  if (py::len(pair) != 2) throw refuse();
  std::int64_t values[2];
  for (std::size_t k = 0; k < 2; ++k) {
    const py::object item = pair[k];
    if (PyBool_Check(item.ptr()) || !PyIndex_Check(item.ptr())) throw refuse();
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(item.ptr()));
    if (!number) throw py::error_already_set();
    int overflow = 0;
    values[k] = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow != 0) values[k] = overflow > 0 ? INT64_MAX : INT64_MIN;
  }
  return {values[0], values[1]};
}

Batch encode(const py::object& masks_object, const py::object& boxes_object,
             const py::object& image_size, const py::object& channels_object,
             const std::string& paste_name, double threshold) {
  const py::array masks_array = as_array(masks_object, "masks", "float32 or float16");
  const maskrle::MaskArray masks = mask_array(masks_array);
  const std::vector<Box> boxes =
      box_vector(as_array(boxes_object, "boxes", "float32"), masks.count);
  const ImageSize image = image_size_of(image_size);
  const std::vector<std::int64_t> channels =
      channel_vector(channels_object, masks.count, masks.channels);
  const std::optional<maskrle::Paste> paste = maskrle::paste_from_name(paste_name);
  if (!paste) {
    throw py::value_error(
        "paste must be one of 'omz', 'model_api', 'tf', 'detectron2', got " +
        text(py::repr(py::str(paste_name))));
  }
  const py::gil_scoped_release release;
  return maskrle::encode(masks, boxes.data(), channels.empty() ? nullptr : channels.data(), image,
                         *paste, static_cast<float>(threshold));
}

py::dict to_dict(const Batch& batch, std::size_t index) {
  const auto string = batch.string(index);
  py::list size(2);
  size[0] = batch.image().height;
  size[1] = batch.image().width;
  py::dict rle;
  rle["size"] = std::move(size);
  rle["counts"] = py::bytes(reinterpret_cast<const char*>(string.data()), string.size());
  return rle;
}

// A read-only view that keeps its batch alive.
template <typename T>
py::array view(const py::object& owner, std::vector<py::ssize_t> shape, const T* data) {
  py::array array(py::dtype::of<T>(), std::move(shape), data, owner);
  array.attr("flags").attr("writeable") = false;
  return array;
}

const Batch& batch_of(const py::object& self) { return self.cast<const Batch&>(); }

Batch subset(const Batch& batch, const py::array& indices) {
  const auto values =
      py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(indices);
  if (!values) throw py::error_already_set();
  Batch chosen(batch.image(), static_cast<std::size_t>(values.size()));
  const auto count = static_cast<std::int64_t>(batch.size());
  for (py::ssize_t k = 0; k < values.size(); ++k) {
    const std::int64_t index = values.data()[k];
    if (index < -count || index >= count) {
      throw py::index_error("index " + std::to_string(index) + " is out of range for " +
                            std::to_string(count) + " masks");
    }
    chosen.append(batch, static_cast<std::size_t>(index < 0 ? index + count : index));
  }
  return chosen;
}

py::object get_item(const py::object& self, const py::object& key) {
  const Batch& batch = batch_of(self);
  const auto count = static_cast<std::int64_t>(batch.size());
  if (PyIndex_Check(key.ptr()) && !PyBool_Check(key.ptr()) && !py::isinstance<py::array>(key)) {
    const py::ssize_t index = PyNumber_AsSsize_t(key.ptr(), PyExc_IndexError);
    if (index == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
    if (index < -count || index >= count) {
      throw py::index_error("index " + std::to_string(index) + " is out of range for " +
                            std::to_string(count) + " masks");
    }
    return to_dict(batch, static_cast<std::size_t>(index < 0 ? index + count : index));
  }
  if (py::isinstance<py::slice>(key)) {
    const py::array all = py::module_::import("numpy").attr("arange")(count);
    return py::cast(subset(batch, all[key]));
  }
  if (py::isinstance<py::array>(key)) {
    auto array = py::reinterpret_borrow<py::array>(key);
    const char kind = array.dtype().kind();
    if (array.ndim() == 1 && kind == 'b') {
      if (array.shape(0) != count) {
        wrong_shape("a bool index must have " + std::to_string(count) + " values", array);
      }
      array = py::module_::import("numpy").attr("flatnonzero")(array);
      return py::cast(subset(batch, array));
    }
    if (array.ndim() == 1 && (kind == 'i' || kind == 'u')) return py::cast(subset(batch, array));
  }
  throw py::type_error("an index must be an integer, a slice, or a 1D bool or integer array, got " +
                       type_name(key));
}

struct Rle {
  ImageSize image;
  std::string counts;
};

// One dict as pycocotools has it.
Rle rle_of(const py::handle& object, std::size_t index) {
  const std::string where = "rles[" + std::to_string(index) + "]";
  if (!py::isinstance<py::dict>(object)) {
    throw py::type_error(where + " must be a dict with size and counts, got " + type_name(object));
  }
  const auto dict = py::reinterpret_borrow<py::dict>(object);
  for (const char* key : {"size", "counts"}) {
    if (!dict.contains(key)) throw py::value_error(where + " has no '" + key + "'");
  }
  const py::object counts = dict["counts"];
  if (!py::isinstance<py::bytes>(counts) && !py::isinstance<py::str>(counts)) {
    throw py::type_error(where + "['counts'] must be a compressed string (bytes or str), got " +
                         type_name(counts));
  }
  Rle rle{{}, counts.cast<std::string>()};
  try {
    rle.image = image_size_of(dict["size"]);
  } catch (const py::type_error&) {
    throw py::type_error(where + "['size'] must be (height, width), two integers, got " +
                         text(py::repr(dict["size"])));
  }
  const auto [height, width] = rle.image;
  if (height < 1 || width < 1 || height > maskrle::kMaxPixels / width) {
    throw py::value_error(where + "['size'] must be sides of at least 1 and at most 2**32 - 1 " +
                          "pixels, got " + text(py::repr(dict["size"])));
  }
  return rle;
}

Batch from_dicts(const py::iterable& rles, const py::object& image_size) {
  std::optional<ImageSize> image;
  if (!image_size.is_none()) image = image_size_of(image_size);
  Batch batch(image.value_or(ImageSize{}), 0);
  for (const py::handle object : rles) {
    const std::size_t index = batch.size();
    const Rle rle = rle_of(object, index);
    if (!image) {
      image = rle.image;
      batch = Batch(*image, 0);
    }
    const std::string where = "rles[" + std::to_string(index) + "]";
    if (rle.image.height != image->height || rle.image.width != image->width) {
      throw py::value_error(where + "['size'] must be [" + std::to_string(image->height) + ", " +
                            std::to_string(image->width) + "] as the first, got [" +
                            std::to_string(rle.image.height) + ", " +
                            std::to_string(rle.image.width) + "]");
    }
    try {
      batch.append({reinterpret_cast<const std::uint8_t*>(rle.counts.data()), rle.counts.size()});
    } catch (const maskrle::DecodeError& error) {
      throw py::value_error(where + "['counts'] is no RLE of its size: " + error.what());
    }
  }
  if (!image) {
    throw py::value_error("image_size is required where there are no rles to take it from");
  }
  return batch;
}

py::array to_masks(const Batch& batch) {
  const auto count = static_cast<py::ssize_t>(batch.size());
  const ImageSize image = batch.image();
  // Zeroed by the allocator: pages without a mask are never touched.
  const py::array masks = py::module_::import("numpy").attr("zeros")(
      py::make_tuple(count, image.height, image.width), "dtype"_a = "uint8");
  auto* data = static_cast<std::uint8_t*>(const_cast<void*>(masks.data()));
  const py::gil_scoped_release release;
  const std::int64_t pixels = image.height * image.width;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto runs =
        maskrle::decode_counts(batch.string(i), static_cast<std::uint64_t>(pixels));
    maskrle::paint(runs, image, data + static_cast<std::int64_t>(i) * pixels);
  }
  return masks;
}

py::array decode(const py::object& rles) {
  if (py::isinstance<Batch>(rles)) return to_masks(batch_of(rles));
  if (py::isinstance<py::dict>(rles)) {
    py::list one;
    one.append(rles);
    return to_masks(from_dicts(one, py::none()))[py::int_(0)];
  }
  if (!py::isinstance<py::iterable>(rles) || py::isinstance<py::str>(rles)) {
    throw py::type_error("rles must be dicts with size and counts, got " + type_name(rles));
  }
  return to_masks(from_dicts(rles, py::none()));
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "The native core of maskrle.";
  m.attr("__version__") = MASKRLE_VERSION;
  m.def("encode", &encode, "masks"_a, "boxes"_a, "image_size"_a, "channels"_a = py::none(),
        py::kw_only(), "paste"_a = "omz", "threshold"_a = 0.5);
  m.def("decode", &decode, "rles"_a);
  m.def("backends", [] {
    py::list names;
    for (const maskrle::Kernel* kernel : maskrle::available_kernels()) names.append(kernel->name);
    return names;
  });
  m.def("_use_backend", [](const std::string& name) { maskrle::use_kernel(name); }, "name"_a);

  py::class_<Batch>(m, "RLEBatch")
      .def_static("from_dicts", &from_dicts, "rles"_a, "image_size"_a = py::none())
      .def("__len__", &Batch::size)
      .def("__getitem__", &get_item)
      .def("__eq__",
           [](const Batch& self, const py::object& other) -> py::object {
             if (!py::isinstance<Batch>(other)) {
               return py::reinterpret_borrow<py::object>(Py_NotImplemented);
             }
             return py::bool_(self == batch_of(other));
           })
      .def_property_readonly("image_size",
                             [](const Batch& self) {
                               return py::make_tuple(self.image().height, self.image().width);
                             })
      .def_property_readonly("areas",
                             [](const py::object& self) {
                               const Batch& b = batch_of(self);
                               return view(self, {static_cast<py::ssize_t>(b.size())},
                                           b.areas().data());
                             })
      .def_property_readonly("bboxes",
                             [](const py::object& self) {
                               const Batch& b = batch_of(self);
                               return view(self, {static_cast<py::ssize_t>(b.size()), 4},
                                           b.bboxes().data());
                             })
      .def_property_readonly("counts",
                             [](const py::object& self) {
                               const Batch& b = batch_of(self);
                               return view(self, {static_cast<py::ssize_t>(b.counts().size())},
                                           b.counts().data());
                             })
      .def_property_readonly("offsets",
                             [](const py::object& self) {
                               const Batch& b = batch_of(self);
                               return view(self, {static_cast<py::ssize_t>(b.offsets().size())},
                                           b.offsets().data());
                             })
      .def("to_masks", &to_masks)
      .def("__repr__",
           [](const Batch& self) {
             return "RLEBatch(" + std::to_string(self.size()) + " masks, " +
                    std::to_string(self.image().height) + " x " +
                    std::to_string(self.image().width) + ")";
           })
      .def(py::pickle(
          [](const Batch& self) {
            py::list rles;
            for (std::size_t i = 0; i < self.size(); ++i) rles.append(to_dict(self, i));
            return py::make_tuple(rles,
                                  py::make_tuple(self.image().height, self.image().width));
          },
          [](const py::tuple& state) {
            return from_dicts(state[0].cast<py::iterable>(), state[1]);
          }));
}
