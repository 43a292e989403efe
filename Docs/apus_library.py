"""Runs a model that `apus build` has made into a library, on NumPy arrays.

    model = Model("out/libvit.so", weights="out/vit.weights")
    logits = model(images=images)["logits"]
"""
import ctypes
import os
import weakref

import numpy

TYPES = [numpy.float32, numpy.uint16, numpy.float64, numpy.int32, numpy.bool_]  # bf16 as its bits


class Tensor(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("element", ctypes.c_int), ("rank", ctypes.c_size_t),
                ("shape", ctypes.POINTER(ctypes.c_size_t)), ("byte_count", ctypes.c_size_t)]

    def empty(self):
        return numpy.empty(self.shape[:self.rank], TYPES[self.element])

    def check(self, array):
        array, own = numpy.asarray(array), self.empty()
        if (array.dtype, array.shape) != (own.dtype, own.shape):
            raise ValueError(f"{self.name.decode()} is {own.dtype}{own.shape}, given {array.dtype}{array.shape}")
        return numpy.require(array, requirements=["C", "A"])


class Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("byte_count", ctypes.c_size_t)]


class Options(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int), ("level", ctypes.c_char_p), ("pin", ctypes.c_int)]


class Model:
    """An instance; with a seed, parameters that `weights` does not have are filled by their initialisers."""

    def __init__(self, path, weights=None, seed=None, threads=0, level=None, pin=False):
        self.prefix, self.instance = os.path.basename(path)[3:-3] + "_", ctypes.c_void_p()  # libNAME.so
        self.library = ctypes.CDLL(os.path.abspath(path))
        self.inputs, self.outputs, self.parameters = map(self._tensors, ["input", "output", "parameter"])
        options = Options(threads, level.encode() if level else None, pin)
        self._call("create", ctypes.byref(options), ctypes.byref(self.instance))
        weakref.finalize(self, self._function("destroy", None), self.instance)
        if weights is not None:
            self._call("load_weights", self.instance, os.fsencode(weights))
        if seed is not None:
            self._call("initialize", self.instance, ctypes.c_uint64(seed))

    def __call__(self, **inputs):
        """Runs the model once: arrays in and out by name."""
        if inputs.keys() != self.inputs.keys():
            raise TypeError(f"the inputs are {', '.join(self.inputs)}; given {', '.join(inputs)}")
        given = [tensor.check(inputs[name]) for name, tensor in self.inputs.items()]
        results = {name: tensor.empty() for name, tensor in self.outputs.items()}
        self._call("run", self.instance, *self._list(given), *self._list(results.values()))
        return results

    def __getitem__(self, name):
        """The content of a parameter, which can be set in the same way."""
        array = self.parameters[name].empty()
        self._call("get_parameter", self.instance, *self._place(name, array))
        return array

    def __setitem__(self, name, array):
        array = self.parameters[name].check(array)
        self._call("set_parameter", self.instance, *self._place(name, array))

    def _place(self, name, array):
        number = list(self.parameters).index(name)
        return ctypes.c_size_t(number), ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)

    def _list(self, arrays):
        return (Array * len(arrays))(*((a.ctypes.data, a.nbytes) for a in arrays)), ctypes.c_size_t(len(arrays))

    def _tensors(self, kind):
        tensor = self._function(kind, ctypes.POINTER(Tensor))
        found = (tensor(ctypes.c_size_t(n)).contents for n in range(self._function(kind + "_count", ctypes.c_size_t)()))
        return {each.name.decode(): each for each in found}

    def _function(self, name, result):
        function = getattr(self.library, self.prefix + name)
        function.restype = result
        return function

    def _call(self, name, *arguments):
        message = ctypes.create_string_buffer(512)
        if self._function(name, ctypes.c_int)(*arguments, message) != 0:
            raise RuntimeError(message.value.decode(errors="replace"))
