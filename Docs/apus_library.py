"""Runs a model that `apus build` has made into a library, on NumPy arrays:

    logits = Model("out/libvit.so", weights="out/vit.weights")(images=images)["logits"]
"""
import os
import weakref
from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p

import numpy

TYPES = [numpy.float32, numpy.uint16, numpy.float64, numpy.int32, numpy.bool_]  # bf16 as its bits


class Tensor(Structure):
    _fields_ = [("name", c_char_p), ("element", c_int), ("rank", c_size_t), ("shape", POINTER(c_size_t)),
                ("byte_count", c_size_t)]

    def empty(self):
        return numpy.empty(self.shape[:self.rank], TYPES[self.element])

    def check(self, array):
        array, own = numpy.asarray(array), self.empty()
        if (array.dtype, array.shape) != (own.dtype, own.shape):
            raise ValueError(f"{self.name.decode()} is {own.dtype}{own.shape}, given {array.dtype}{array.shape}")
        return numpy.require(array, requirements=["C", "A"])


class Options(Structure):
    _fields_ = [("threads", c_int), ("level", c_char_p), ("pin", c_int)]


class Model:
    """An instance, whose parameters are `model[name]`; with a seed, those that `weights` lacks are initialized."""

    def __init__(self, path, weights=None, seed=None, threads=0, level=None, pin=False):
        self.library, self.prefix = CDLL(os.path.abspath(path)), os.path.basename(path)[3:-3] + "_"  # libNAME.so
        self.inputs, self.outputs, self.parameters = map(self._tensors, ["input", "output", "parameter"])
        self.instance, options = c_void_p(), Options(threads, level.encode() if level else None, pin)
        self._call("create", byref(options), byref(self.instance))
        weakref.finalize(self, self._function("destroy", None), self.instance)
        if weights is not None:
            self._call("load_weights", self.instance, os.fsencode(weights))
        if seed is not None:
            self._call("initialize", self.instance, c_uint64(seed))

    def __call__(self, **inputs):
        """Runs the model once: arrays in and out by name."""
        if inputs.keys() != self.inputs.keys():
            raise TypeError(f"the inputs are {', '.join(self.inputs)}; given {', '.join(inputs)}")
        given = [tensor.check(inputs[name]) for name, tensor in self.inputs.items()]
        results = {name: tensor.empty() for name, tensor in self.outputs.items()}
        self._call("run", self.instance, *self._list(given), *self._list(results.values()))
        return results

    def __getitem__(self, name):
        return self._exchange("get_parameter", name, self.parameters[name].empty())

    def __setitem__(self, name, array):
        self._exchange("set_parameter", name, self.parameters[name].check(array))

    def _exchange(self, function, name, array):
        number = list(self.parameters).index(name)
        self._call(function, self.instance, c_size_t(number), array.ctypes, c_size_t(array.nbytes))
        return array

    def _list(self, arrays):
        places = numpy.array([(array.ctypes.data, array.nbytes) for array in arrays], numpy.uintp)  # as C's structures
        return places.ctypes, c_size_t(len(places))

    def _tensors(self, kind):
        tensor, count = self._function(kind, POINTER(Tensor)), self._function(kind + "_count", c_size_t)
        return {tensor(n).contents.name.decode(): tensor(n).contents for n in map(c_size_t, range(count()))}

    def _function(self, name, result):
        return CFUNCTYPE(result)((self.prefix + name, self.library))

    def _call(self, name, *arguments):
        message = numpy.zeros((), "S512")
        if self._function(name, c_int)(*arguments, message.ctypes) != 0:
            raise RuntimeError(message.item().decode(errors="replace"))
