#!/usr/bin/env python3
"""Writes the models of models.py as ONNX files, NAME-17.onnx by PyTorch's older exporter (opset 17) and NAME-20.onnx by
its newer one (opset 20, with an open batch), and NAME.npz with inputs and what onnxruntime computes of each: `y-17` and
`y-20`. PyTorchModelTests reads them. Needs torch, onnx, onnxscript and onnxruntime.

    python record_onnx.py
"""
import os

import numpy as np
import onnx
import onnxruntime
import torch

import models

for name, make, inputs in models.cases():
    torch.manual_seed(sum(name.encode()))
    model = models.trained_like(make())
    arrays = {key: value.numpy() for key, value in inputs.items()}
    for opset in (17, 20):
        path = f"{name}-{opset}.onnx"
        models.export(model, inputs, path, opset, dynamo=opset > 17, open_batch=opset > 17)
        file = onnx.load(path)
        # Where the source of each operation stood on the machine that recorded it is nobody's business.
        for node in file.graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for value in [*file.graph.input, *file.graph.output, *file.graph.initializer]:
            del value.metadata_props[:]
            value.doc_string = ""
        del file.graph.value_info[:], file.graph.metadata_props[:], file.metadata_props[:]
        onnx.checker.check_model(file)
        onnx.save(file, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        arrays[f"y-{opset}"] = session.run(None, {key: arrays[key] for key in inputs})[0]
        with torch.no_grad():
            difference = np.abs(arrays[f"y-{opset}"] - model(*inputs.values()).numpy()).max()
        print(f"{path}: {os.path.getsize(path)} bytes, {len(file.graph.node)} nodes, off PyTorch by {difference:.1e}")
    np.savez(f"{name}.npz", **arrays)
