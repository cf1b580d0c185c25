#include "arguments.h"

#include <cstddef>
#include <cstring>
#include <optional>

#include "encode.h"

namespace py = pybind11;

namespace maskrle {

std::string text(const py::handle& object) { return py::str(object).cast<std::string>(); }

std::string type_name(const py::handle& object) {
  return text(py::type::handle_of(object).attr("__name__"));
}

void wrong_shape(const std::string& what, const py::array& array) {
  throw py::value_error(what + ", got shape " + text(array.attr("shape")));
}

namespace {

py::array as_array(const py::object& object, const char* name, const char* expected) {
  if (!py::isinstance<py::array>(object)) {
    throw py::type_error(std::string(name) + " must be a numpy array of " + expected + ", got " +
                         type_name(object));
  }
  return py::reinterpret_borrow<py::array>(object);
}

[[noreturn]] void wrong_dtype(const char* name, const char* expected, const py::array& array) {
  throw py::type_error(std::string(name) + " must be " + expected + ", got " + text(array.dtype()));
}

// numpy writes the machine's own order as '=', whatever it is, and '|' where there is none.
bool has_native_order(const py::dtype& dtype) {
  return dtype.byteorder() == '=' || dtype.byteorder() == '|';
}

}  // namespace

MaskArray mask_array(const py::object& object) {
  const py::array masks = as_array(object, "masks", "float32 or float16");
  MaskArray view{};
  const py::dtype dtype = masks.dtype();
  if (dtype.kind() != 'f' || (dtype.itemsize() != 4 && dtype.itemsize() != 2) ||
      !has_native_order(dtype)) {
    wrong_dtype("masks", "float32 or float16", masks);
  }
  view.scalar = dtype.itemsize() == 4 ? Scalar::float32 : Scalar::float16;
  const py::ssize_t rank = masks.ndim();
  if (rank != 3 && rank != 4) wrong_shape("masks must be [N, C, h, w] or [N, h, w]", masks);
  view.data = static_cast<const std::byte*>(masks.data());
  view.count = masks.shape(0);
  view.count_stride = masks.strides(0);
  view.channels = rank == 4 ? masks.shape(1) : 1;
  view.channel_stride = rank == 4 ? masks.strides(1) : 0;
  view.row_stride = masks.strides(rank - 2);
  view.column_stride = masks.strides(rank - 1);
  if (view.channels < 1) wrong_shape("masks must have at least one channel", masks);
  const py::ssize_t height = masks.shape(rank - 2);
  const py::ssize_t width = masks.shape(rank - 1);
  if (height < 1 || width < 1 || height > kMaxMaskSide || width > kMaxMaskSide) {
    wrong_shape("masks must have sides from 1 to " + std::to_string(kMaxMaskSide), masks);
  }
  view.size = {static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
  return view;
}

std::vector<Box> box_vector(const py::object& object, std::int64_t count) {
  const py::array boxes = as_array(object, "boxes", "float32");
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
  const auto values =
      py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!values) throw py::error_already_set();
  for (py::ssize_t i = 0; i < count && array.dtype().kind() == 'u'; ++i) {
    if (values.data()[i] >= 0) continue;  // else an unsigned number beyond int64
    throw py::value_error("channels must be from 0 to " + std::to_string(mask_channels - 1) +
                          " (masks have " + std::to_string(mask_channels) + "), got " +
                          std::to_string(static_cast<std::uint64_t>(values.data()[i])) +
                          " at index " + std::to_string(i));
  }
  return {values.data(), values.data() + count};
}

ImageSize image_size_of(const py::handle& object, const std::string& name) {
  const auto refuse = [&] {
    return py::type_error(name + " must be (height, width), two integers, got " +
                          text(py::repr(object)));
  };
  if (PySequence_Check(object.ptr()) == 0 || py::isinstance<py::str>(object)) throw refuse();
  const auto pair = py::reinterpret_borrow<py::sequence>(object);
  if (py::len(pair) != 2) throw refuse();
  std::int64_t values[2];
  for (std::size_t k = 0; k < 2; ++k) {
    const py::object item = pair[k];
    if (PyBool_Check(item.ptr()) || PyIndex_Check(item.ptr()) == 0) throw refuse();
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(item.ptr()));
    if (!number) throw py::error_already_set();
    int overflow = 0;
    values[k] = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow != 0) values[k] = overflow > 0 ? INT64_MAX : INT64_MIN;
  }
  return {values[0], values[1]};
}

Paste paste_of(const std::string& name) {
  const std::optional<Paste> paste = paste_from_name(name);
  if (!paste) {
    throw py::value_error("paste must be one of 'omz', 'model_api', 'tf', 'detectron2', got " +
                          text(py::repr(py::str(name))));
  }
  return *paste;
}

}  // namespace maskrle
