#include "python_batch.h"

#include <pybind11/numpy.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "docstrings.h"
#include "encode.h"

namespace py = pybind11;
using namespace pybind11::literals;

namespace maskrle {
namespace {

struct DictKeys {
  py::object size = py::reinterpret_steal<py::object>(PyUnicode_InternFromString("size"));
  py::object counts = py::reinterpret_steal<py::object>(PyUnicode_InternFromString("counts"));
};

// COCO's dict of one mask: {"size": [H, W], "counts": bytes}.
py::dict to_dict(const Batch& batch, std::size_t index, const DictKeys& keys) {
  const auto string = batch.string(index);
  py::list size(2);
  PyList_SET_ITEM(size.ptr(), 0, py::int_(batch.image().height).release().ptr());
  PyList_SET_ITEM(size.ptr(), 1, py::int_(batch.image().width).release().ptr());
  const py::bytes counts(reinterpret_cast<const char*>(string.data()), string.size());
  py::dict rle;
  if (PyDict_SetItem(rle.ptr(), keys.size.ptr(), size.ptr()) != 0 ||
      PyDict_SetItem(rle.ptr(), keys.counts.ptr(), counts.ptr()) != 0) {
    throw py::error_already_set();
  }
  return rle;
}

py::list to_dicts(const Batch& batch) {
  const DictKeys keys;
  py::list rles(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    PyList_SET_ITEM(rles.ptr(), static_cast<py::ssize_t>(i),
                    to_dict(batch, i, keys).release().ptr());
  }
  return rles;
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
    return to_dict(batch, static_cast<std::size_t>(index < 0 ? index + count : index), DictKeys());
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

ImageSize checked_size(const py::object& size, const std::string& where) {
  const ImageSize image = image_size_of(size, where);
  if (image.height < 1 || image.width < 1 || image.height > kMaxPixels / image.width) {
    throw py::value_error(where +
                          " must be sides of at least 1 and at most 2**32 - 1 pixels, got " +
                          text(py::repr(size)));
  }
  return image;
}

struct Rle {
  ImageSize image;
  std::string counts;
};

// Not a cast, which fails in a way of its own where a str has half of a surrogate pair.
std::string characters(const py::object& counts, const std::string& where) {
  if (py::isinstance<py::bytes>(counts)) return counts.cast<std::string>();
  py::ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(counts.ptr(), &size);
  if (data == nullptr) {
    PyErr_Clear();
    throw py::value_error(where + "['counts'] is no RLE of its size: not text that UTF-8 can hold");
  }
  return {data, static_cast<std::size_t>(size)};
}

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
  return {checked_size(dict["size"], where + "['size']"), characters(counts, where)};
}

void append(Batch& batch, const std::string& counts, const std::string& where) {
  try {
    batch.append({reinterpret_cast<const std::uint8_t*>(counts.data()), counts.size()});
  } catch (const DecodeError& error) {
    throw py::value_error(where + " is no RLE of its size: " + error.what());
  }
}

Batch from_dicts(const py::iterable& rles, const py::object& image_size) {
  std::optional<ImageSize> image;
  if (!image_size.is_none()) image = image_size_of(image_size, "image_size");
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
    append(batch, rle.counts, where + "['counts']");
  }
  if (!image) {
    throw py::value_error("image_size is required where there are no rles to take it from");
  }
  return batch;
}

// What is pickled: the strings, and (height, width).
py::tuple to_state(const Batch& batch) {
  py::list strings(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto string = batch.string(i);
    strings[i] = py::bytes(reinterpret_cast<const char*>(string.data()), string.size());
  }
  return py::make_tuple(strings, py::make_tuple(batch.image().height, batch.image().width));
}

Batch from_state(const py::tuple& state) {
  if (state.size() != 2 || !py::isinstance<py::list>(state[0])) {
    throw py::value_error(
        "no pickle of an RLEBatch: expected a list of strings and (height, width)");
  }
  const ImageSize image = checked_size(state[1], "image_size");
  const py::list strings = state[0];
  Batch batch(image, strings.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const std::string where = "counts[" + std::to_string(i) + "]";
    if (!py::isinstance<py::bytes>(strings[i])) {
      throw py::type_error(where + " must be bytes, got " + type_name(strings[i]));
    }
    append(batch, strings[i].cast<std::string>(), where);
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
    const auto runs = decode_counts(batch.string(i), static_cast<std::uint64_t>(pixels));
    paint(runs, image, data + static_cast<std::int64_t>(i) * pixels);
  }
  return masks;
}

}  // namespace

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

void define_batch(py::module_& m) {
  py::class_<Batch>(m, "RLEBatch", kBatchDoc)
      .def_static("from_dicts", &from_dicts, "rles"_a, "image_size"_a = py::none(), kFromDictsDoc)
      .def("__len__", &Batch::size)
      .def("__getitem__", &get_item, "key"_a, py::pos_only(), kGetItemDoc)
      .def("__iter__", [](const Batch& self) { return py::iter(to_dicts(self)); })
      .def("__eq__",
           [](const Batch& self, const py::object& other) -> py::object {
             if (!py::isinstance<Batch>(other)) {
               return py::reinterpret_borrow<py::object>(Py_NotImplemented);
             }
             return py::bool_(self == batch_of(other));
           })
      .def_property_readonly(
          "image_size",
          [](const Batch& self) { return py::make_tuple(self.image().height, self.image().width); },
          kImageSizeDoc)
      .def_property_readonly(
          "areas",
          [](const py::object& self) {
            const Batch& b = batch_of(self);
            return view(self, {static_cast<py::ssize_t>(b.size())}, b.areas().data());
          },
          kAreasDoc)
      .def_property_readonly(
          "bboxes",
          [](const py::object& self) {
            const Batch& b = batch_of(self);
            return view(self, {static_cast<py::ssize_t>(b.size()), 4}, b.bboxes().data());
          },
          kBBoxesDoc)
      .def_property_readonly(
          "counts",
          [](const py::object& self) {
            const Batch& b = batch_of(self);
            return view(self, {static_cast<py::ssize_t>(b.counts().size())}, b.counts().data());
          },
          kCountsDoc)
      .def_property_readonly(
          "offsets",
          [](const py::object& self) {
            const Batch& b = batch_of(self);
            return view(self, {static_cast<py::ssize_t>(b.offsets().size())}, b.offsets().data());
          },
          kOffsetsDoc)
      .def("to_masks", &to_masks, kToMasksDoc)
      .def("__repr__",
           [](const Batch& self) {
             return "RLEBatch(" + std::to_string(self.size()) + " masks, " +
                    std::to_string(self.image().height) + " x " +
                    std::to_string(self.image().width) + ")";
           })
      .def(py::pickle(&to_state, &from_state));
}

}  // namespace maskrle
