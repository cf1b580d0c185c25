/* The floor: what no way of doing this work can avoid, as fast as plain C does it. A Python module.
 *
 * run() reads the chosen channel of each mask from wherever it lies, writes the COCO strings from
 * run lengths that are already known, and makes the dicts. evict() throws masks out of all caches.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LINE = 64, AHEAD = 3, BLOCK = 32 };

static void prefetch(const char* at, int64_t bytes) {
  for (int64_t k = 0; k < bytes; k += LINE) __builtin_prefetch(at + k);
}

/* 5 bits a character, low first; bit 5: more follow. One and two characters without a branch
 * between them. */
static unsigned char* write_number(unsigned char* out, int32_t value) {
  if ((uint32_t)value + 512 < 1024) {
    const unsigned two = (uint32_t)value + 16 >= 32;
    out[0] = (unsigned char)((value & 31) + 48 + (two << 5));
    out[1] = (unsigned char)((value >> 5 & 31) + 48);
    return out + 1 + two;
  }
  for (;;) {
    const int32_t group = value & 31;
    value >>= 5;
    const int last = (group & 16) ? value == -1 : value == 0;
    *out++ = (unsigned char)(group + 48 + (last ? 0 : 32));
    if (last) return out;
  }
}

static unsigned char* write_string(unsigned char* out, const int32_t* runs, int64_t count) {
  int64_t i = 0;
  for (; i < count && i < 3; ++i) out = write_number(out, runs[i]);
  for (; i + BLOCK <= count;
       i += BLOCK) { /* whole blocks of one character each: the compiler's vectors */
    int32_t difference[BLOCK];
    uint32_t beyond = 0;
    for (int k = 0; k < BLOCK; ++k) {
      difference[k] = runs[i + k] - runs[i + k - 2];
      beyond |= (uint32_t)difference[k] + 16;
    }
    if (beyond < 32) {
      for (int k = 0; k < BLOCK; ++k) out[k] = (unsigned char)((difference[k] & 31) + 48);
      out += BLOCK;
    } else {
      for (int k = 0; k < BLOCK; ++k) out = write_number(out, difference[k]);
    }
  }
  for (; i < count; ++i) out = write_number(out, runs[i] - runs[i - 2]);
  return out;
}

/* {"size": [H, W], "counts": bytes}; steals `counts`. */
static PyObject* make_dict(PyObject* size_key, PyObject* counts_key, PyObject* height,
                           PyObject* width, PyObject* counts) {
  PyObject* dict = PyDict_New();
  PyObject* size = PyList_New(2);
  if (!dict || !size || !counts) goto failed;
  PyList_SET_ITEM(size, 0, Py_NewRef(height));
  PyList_SET_ITEM(size, 1, Py_NewRef(width));
  if (PyDict_SetItem(dict, size_key, size) || PyDict_SetItem(dict, counts_key, counts)) goto failed;
  Py_DECREF(size);
  Py_DECREF(counts);
  return dict;
failed:
  Py_XDECREF(dict);
  Py_XDECREF(size);
  Py_XDECREF(counts);
  return NULL;
}

/* run(masks: float32 [N, C, h, w], channels: int64 [N], runs: int32, offsets: int64 [N + 1],
 * channel_bytes, (H, W)) -> list of dicts */
static PyObject* run(PyObject* self, PyObject* args) {
  (void)self;
  Py_buffer masks, channels, runs, offsets;
  Py_ssize_t channel_bytes;
  PyObject *height, *width;
  if (!PyArg_ParseTuple(args, "y*y*y*y*n(OO)", &masks, &channels, &runs, &offsets, &channel_bytes,
                        &height, &width)) {
    return NULL;
  }
  const int64_t count = channels.len / 8;
  const int64_t mask_bytes = count ? masks.len / count : 0;
  const int64_t *channel = channels.buf, *offset = offsets.buf;
  const int32_t* run_lengths = runs.buf;
  int64_t longest = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (offset[i + 1] - offset[i] > longest) longest = offset[i + 1] - offset[i];
  }
  char* copy = PyMem_Malloc((size_t)channel_bytes);
  unsigned char* string = PyMem_Malloc((size_t)(longest * 7 + BLOCK));
  PyObject *size_key = PyUnicode_InternFromString("size"),
           *counts_key = PyUnicode_InternFromString("counts");
  PyObject* list = PyList_New(count);
  if (!copy || !string || !size_key || !counts_key) Py_CLEAR(list);
#define CHANNEL(i) ((const char*)masks.buf + (i) * mask_bytes + channel[i] * channel_bytes)
  for (int64_t i = 0; list && i < AHEAD && i < count; ++i) prefetch(CHANNEL(i), channel_bytes);
  for (int64_t i = 0; list && i < count; ++i) {
    if (i + AHEAD < count) prefetch(CHANNEL(i + AHEAD), channel_bytes);
    memcpy(copy, CHANNEL(i), (size_t)channel_bytes);
    __asm__ volatile("" : : "r"(copy) : "memory"); /* the copy has a reader */
    const unsigned char* end =
        write_string(string, run_lengths + offset[i], offset[i + 1] - offset[i]);
    PyObject* counts = PyBytes_FromStringAndSize((const char*)string, end - string);
    PyObject* dict = make_dict(size_key, counts_key, height, width, counts);
    if (!dict) {
      Py_CLEAR(list);
      break;
    }
    PyList_SET_ITEM(list, i, dict);
  }
  PyMem_Free(copy);
  PyMem_Free(string);
  Py_XDECREF(size_key);
  Py_XDECREF(counts_key);
  PyBuffer_Release(&masks);
  PyBuffer_Release(&channels);
  PyBuffer_Release(&runs);
  PyBuffer_Release(&offsets);
  if (!list && !PyErr_Occurred()) PyErr_NoMemory();
  return list;
}

/* evict(masks, channels: int64 [N], channel_bytes) -> whether this machine can. */
static PyObject* evict(PyObject* self, PyObject* args) {
  (void)self;
  Py_buffer masks, channels;
  Py_ssize_t channel_bytes;
  if (!PyArg_ParseTuple(args, "y*y*n", &masks, &channels, &channel_bytes)) return NULL;
#if defined(__x86_64__)
  const int64_t count = channels.len / 8;
  const int64_t mask_bytes = count ? masks.len / count : 0;
  const int64_t* channel = channels.buf;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < channel_bytes + LINE; k += LINE) {
      const int64_t at = i * mask_bytes + channel[i] * channel_bytes + k;
      if (at < masks.len) _mm_clflush((const char*)masks.buf + at);
    }
  }
  _mm_mfence();
#endif
  PyBuffer_Release(&masks);
  PyBuffer_Release(&channels);
#if defined(__x86_64__)
  Py_RETURN_TRUE;
#else
  Py_RETURN_FALSE;
#endif
}

static PyMethodDef methods[] = {
    {"run", run, METH_VARARGS, NULL}, {"evict", evict, METH_VARARGS, NULL}, {0}};
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "maskrle_floor", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_maskrle_floor(void) { return PyModule_Create(&module); }
