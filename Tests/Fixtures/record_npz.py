#!/usr/bin/env python3
"""Writes archives of NumPy's arrays, for NPZFileTests: arrays.npz by numpy.savez, arrays-compressed.npz by
numpy.savez_compressed. With a file as argument it prints what numpy.load finds in that one.

    python record_npz.py
    python record_npz.py FILE.npz
"""
import sys

import numpy as np


def arrays():
    return {
        "weights": (np.arange(12, dtype="<f4") / 4 - 1).reshape(3, 4),
        "labels": np.array([3, 0, 2, 1], "<i8"),
        "doubles": np.array([[0.1], [1e300]], "<f8"),
        "flags": np.array([True, False, True]),
        "größe/π": np.array([7], ">i4"),
        "zeros": np.zeros((64, 256), "<f4"),
        "scalar": np.float32(2.5),
    }


if len(sys.argv) > 1:
    with np.load(sys.argv[1]) as archive:
        for name in archive.files:
            array = archive[name]
            print(name, array.dtype.str, array.shape, array.ravel()[:12].tolist())
else:
    small = {name: array for name, array in arrays().items() if name != "zeros"}
    np.savez("arrays.npz", **small)
    np.savez_compressed("arrays-compressed.npz", **arrays())
