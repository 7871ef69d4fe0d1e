"""Runs compiled models through the runtime's C interface."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import ctypes
import time
from ctypes import POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_void_p
from pathlib import Path

import ml_dtypes
import numpy as np

# sluice_dtype, which has ONNX's numbers.
DTYPES = {
    1: np.dtype(np.float32),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    4: np.dtype(np.uint16),
    5: np.dtype(np.int16),
    6: np.dtype(np.int32),
    7: np.dtype(np.int64),
    9: np.dtype(np.bool_),
    10: np.dtype(np.float16),
    11: np.dtype(np.float64),
    12: np.dtype(np.uint32),
    13: np.dtype(np.uint64),
    16: np.dtype(ml_dtypes.bfloat16),
}
DTYPE_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}


class _Error(ctypes.Structure):
    _fields_ = [("status", c_int32), ("message", c_char * 512)]


class _Signature(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", POINTER(c_int64)),
        ("dim_names", POINTER(c_char_p)),
    ]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("data", c_void_p),
        ("memory_space", c_int32),
        ("unused", c_int32),
    ]


class _ContextOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("threads", c_int32),
        ("affinity_count", c_int32),
        ("affinity", c_void_p),
        ("pool", c_void_p),
        ("executor", c_void_p),
        ("on_kernel", c_void_p),
        ("on_kernel_user", c_void_p),
    ]


class RunError(Exception):
    """The runtime refused or the run failed; the text is its message."""


_libraries = {}


def _library(build):
    """The runtime of a build, loaded once per process."""
    path = str(Path(build) / "lib" / "libsluice.so")
    if path in _libraries:
        return _libraries[path]
    library = ctypes.CDLL(path)
    for name in ("sluice_model_input", "sluice_model_output"):
        getattr(library, name).restype = POINTER(_Signature)
        getattr(library, name).argtypes = [c_void_p, c_int32]
    library.sluice_model_load.argtypes = [
        c_char_p,
        c_void_p,
        POINTER(c_void_p),
        POINTER(_Error),
    ]
    library.sluice_context_create.argtypes = [
        c_void_p,
        POINTER(_ContextOptions),
        POINTER(c_void_p),
        POINTER(_Error),
    ]
    library.sluice_context_message.restype = c_char_p
    for name in ("set_input", "output"):
        getattr(library, f"sluice_context_{name}").argtypes = [
            c_void_p,
            c_int32,
            POINTER(_Tensor),
        ]
    for name in ("sluice_model_release", "sluice_context_destroy"):
        getattr(library, name).argtypes = [c_void_p]
        getattr(library, name).restype = None
    library.sluice_context_state_reset.argtypes = [c_void_p, c_int32]
    library.sluice_context_bind_state.argtypes = [
        c_void_p,
        c_int32,
        POINTER(_Tensor),
        c_int64,
    ]
    for name in ("message", "run"):
        getattr(library, f"sluice_context_{name}").argtypes = [c_void_p]
    for name in ("input_count", "output_count"):
        getattr(library, f"sluice_model_{name}").argtypes = [c_void_p]
    _libraries[path] = library
    return library


class Artifact:
    """A loaded artifact with one context."""

    def __init__(self, build, path, threads=1):
        self._library = _library(build)
        self._model, self._context = c_void_p(), c_void_p()
        error = _Error()
        if self._library.sluice_model_load(
            str(path).encode(), None, byref(self._model), byref(error)
        ):
            raise RunError(error.message.decode(errors="replace"))
        options = _ContextOptions(
            struct_size=ctypes.sizeof(_ContextOptions), threads=threads
        )
        if self._library.sluice_context_create(
            self._model, byref(options), byref(self._context), byref(error)
        ):
            self.close()
            raise RunError(error.message.decode(errors="replace"))
        self.input_names = self._names("input")
        self.output_names = self._names("output")
        self._bound = {}

    def _names(self, kind):
        count = getattr(self._library, f"sluice_model_{kind}_count")(self._model)
        signature = getattr(self._library, f"sluice_model_{kind}")
        return [
            signature(self._model, index).contents.name.decode()
            for index in range(count)
        ]

    def close(self):
        self._library.sluice_context_destroy(self._context)
        self._library.sluice_model_release(self._model)
        self._context, self._model = c_void_p(), c_void_p()

    def _check(self, status):
        if status:
            message = self._library.sluice_context_message(self._context)
            raise RunError(f"status {status}: {message.decode(errors='replace')}")

    def bind(self, inputs, missing=()):
        """Binds a dictionary of arrays; they are read in place by every run.
        Those that are `missing` are states, which the context keeps."""
        for index, name in enumerate(self.input_names):
            if name in missing and name not in inputs:
                continue
            if name not in inputs:
                raise RunError(f"no value for input '{name}'")
            array = np.asarray(inputs[name], order="C")
            if array.dtype not in DTYPE_NUMBERS:
                raise RunError(f"input '{name}' has type {array.dtype}")
            dims = (c_int64 * max(array.ndim, 1))(*array.shape)
            self._bound[name] = (array, dims)
            tensor = _Tensor(
                DTYPE_NUMBERS[array.dtype], array.ndim, dims, None, array.ctypes.data
            )
            self._check(
                self._library.sluice_context_set_input(
                    self._context, index, byref(tensor)
                )
            )

    def reset_states(self):
        self._check(self._library.sluice_context_state_reset(self._context, -1))

    def bind_state(self, index, array, length=0):
        """Keeps a state in an array, which is as long as there is room."""
        dims = (c_int64 * array.ndim)(*array.shape)
        self._bound["state", index] = (array, dims)
        tensor = _Tensor(
            DTYPE_NUMBERS[array.dtype], array.ndim, dims, None, array.ctypes.data
        )
        self._check(
            self._library.sluice_context_bind_state(
                self._context, index, byref(tensor), c_int64(length)
            )
        )

    def run(self):
        self._check(self._library.sluice_context_run(self._context))

    def time_run(self):
        """Seconds that one run took."""
        start = time.perf_counter()
        status = self._library.sluice_context_run(self._context)
        seconds = time.perf_counter() - start
        self._check(status)
        return seconds

    def outputs(self):
        """Copies of the last run's outputs, in the model's order."""
        arrays = []
        for index in range(len(self.output_names)):
            tensor = _Tensor()
            self._check(
                self._library.sluice_context_output(self._context, index, byref(tensor))
            )
            arrays.append(_copy(tensor))
        return arrays


def _copy(tensor):
    if tensor.strides:
        return _copy_strided(tensor)
    dtype = DTYPES[tensor.dtype]
    shape = tuple(tensor.dims[axis] for axis in range(tensor.rank))
    count = int(np.prod(shape, dtype=np.int64))
    if count == 0:
        return np.empty(shape, dtype)
    content = ctypes.string_at(tensor.data, count * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape).copy()


def _copy_strided(tensor):
    """A copy of a state, whose memory has room behind what is there."""
    dtype = DTYPES[tensor.dtype]
    shape = tuple(tensor.dims[axis] for axis in range(tensor.rank))
    if 0 in shape:
        return np.empty(shape, dtype)
    strides = tuple(
        tensor.strides[axis] * dtype.itemsize for axis in range(tensor.rank)
    )
    reach = sum((size - 1) * stride for size, stride in zip(shape, strides))
    content = ctypes.string_at(tensor.data, reach + dtype.itemsize)
    return np.ndarray(shape, dtype, content, strides=strides).copy()


def run_once(build, path, inputs, threads=1):
    """Loads, runs and frees an artifact; returns its outputs as a list."""
    artifact = Artifact(build, path, threads)
    try:
        artifact.bind(inputs)
        artifact.run()
        return artifact.outputs()
    finally:
        artifact.close()


def run_each(build, path, feeds, threads=1):
    """Runs one context on several inputs; where a run fails, its message stands
    for the outputs."""
    artifact = Artifact(build, path, threads)
    results = []
    try:
        for inputs in feeds:
            try:
                artifact.bind(inputs)
                artifact.run()
                results.append(artifact.outputs())
            except RunError as error:
                results.append(str(error))
    finally:
        artifact.close()
    return results
