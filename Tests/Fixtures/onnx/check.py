#!/usr/bin/env python3
"""Compares files that Apus writes with onnxruntime, and files that PyTorch writes with what Apus computes of them; see
Scripts/onnx-check. Prints a line for each file: nodes and the largest difference, of numbers above 1 as a share."""
import argparse
import glob
import io
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import nn

import models

LIMIT = 1e-5


def difference(ours, theirs):
    if ours.shape != theirs.shape:
        return float("inf")
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        off = np.where(ours == theirs, 0, np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)))
    return float(np.nan_to_num(off, nan=np.inf).max()) if off.size else 0.0


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Table:
    def __init__(self):
        self.failures = 0

    def row(self, name, nodes, off):
        text = off if isinstance(off, str) else f"{off:.1e}"
        bad = isinstance(off, str) or off > LIMIT
        self.failures += bad
        print(f"{name:44} {nodes:>5}  {text}{'  <- above 1e-5' if bad and not isinstance(off, str) else ''}", flush=True)


def written(folder, table):
    print(f"{'written by Apus, run by onnxruntime':44} nodes  largest difference")
    for path in sorted(glob.glob(f"{folder}/*.onnx")):
        name = os.path.basename(path)[:-5]
        inputs, outputs = ({os.path.basename(file)[len(name) + len(kind) + 2:-4]: np.load(file)
                            for file in glob.glob(f"{folder}/{glob.escape(name)}.{kind}.*.npy")} for kind in ("input", "output"))
        try:
            onnx.checker.check_model(path, full_check=True)
            results = dict(zip(outputs, session(path).run(list(outputs), inputs)))
            off = max(difference(results[key], outputs[key]) for key in outputs)
        except Exception as error:
            off = f"failed: {str(error).strip().splitlines()[0][:200]}"
        table.row(name, len(onnx.load(path).graph.node), off)


class Function(nn.Module):
    """A function as a model."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def functions():
    """Name, module and inputs: what PyTorch writes of single functions."""
    x, image, series = torch.randn(3, 5), torch.randn(2, 4, 7, 6), torch.randn(2, 4, 9)
    simple = {
        name: getattr(F, name) for name in ("elu", "selu", "celu", "gelu", "softplus", "softsign", "hardswish", "hardsigmoid",
                                            "leaky_relu", "relu6", "silu", "mish", "logsigmoid", "hardtanh", "softshrink", "hardshrink", "tanhshrink")
    } | {name: getattr(torch, name) for name in ("abs", "exp", "sin", "cos", "tan", "erf", "floor", "ceil", "round", "sign",
                                                  "reciprocal", "sigmoid", "tanh", "neg", "square")}
    for name, function in simple.items():
        yield name, Function(function), [x * 3]
    for name in ("log", "sqrt", "rsqrt", "log1p"):
        yield name, Function(getattr(torch, name)), [x.abs() + 0.5]
    yield "gelu tanh", Function(lambda x: F.gelu(x, approximate="tanh")), [x]
    yield "glu", Function(F.glu), [torch.randn(3, 6)]
    yield "arithmetic", Function(lambda a, b: a * b - a / (b.abs() + 1) + 2), [x, torch.randn(5)]
    yield "pow", Function(lambda a: a ** 2 + a ** 3 + a.abs() ** 0.5 + a.abs() ** 1.7), [x]
    yield "min max clamp", Function(lambda a, b: torch.minimum(a, b) + torch.maximum(a, b).clamp(-0.5, 0.7)), [x, torch.randn(3, 5)]
    yield "where compare", Function(lambda a, b: torch.where((a > b) & ~(a < 0) | (a == b), a, b * 2)), [x, torch.randn(3, 5)]
    yield "reductions", Function(lambda a: a.mean(1) + a.sum((1, 2)).unsqueeze(1) + a.amax(-1) + a.amin(-1) + a.norm(dim=2)), [series[:, :1].repeat(1, 9, 1)]
    yield "prod", Function(lambda a: a.prod(1)), [x]
    yield "var std", Function(lambda a: a.var(1) + a.std(1, unbiased=False)), [x]
    yield "remainder", Function(lambda a: torch.fmod(a, 0.3) + torch.remainder(a, 0.7)), [x]
    yield "logsumexp", Function(lambda a: a.logsumexp(1)), [x]
    yield "softmax", Function(lambda a: a.softmax(1) + a.log_softmax(2)), [image[:, :, :, 0]]
    yield "cumsum", Function(lambda a: a.cumsum(1)), [x]
    yield "argmax", Function(lambda a: a.argmax(1)), [x]
    yield "topk", Function(lambda a: a.topk(3, 1)[0]), [x]
    yield "sort", Function(lambda a: a.sort(1)[0]), [x]
    yield "matmul", Function(lambda a, b: a @ b), [torch.randn(2, 1, 3, 4), torch.randn(5, 4, 6)]
    yield "matmul vector", Function(lambda a, b: a @ b), [torch.randn(2, 3, 4), torch.randn(4)]
    yield "addmm bmm", Function(lambda a, b, c: torch.bmm(torch.addmm(a, b, c, beta=0.5, alpha=2).unsqueeze(0), c.t().unsqueeze(0))), [torch.randn(5), torch.randn(3, 4), torch.randn(4, 5)]
    yield "einsum", Function(lambda a, b: torch.einsum("bnd,md->bmn", a, b)), [torch.randn(2, 3, 4), torch.randn(5, 4)]
    yield "conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2), [series]
    yield "conv2d groups", nn.Conv2d(4, 8, (3, 2), stride=(1, 2), padding=(2, 0), groups=2), [image]
    yield "conv2d same", nn.Conv2d(4, 3, 4, padding="same"), [image]
    yield "conv3d", nn.Conv3d(2, 3, 3, padding=1), [torch.randn(1, 2, 4, 5, 3)]
    yield "conv_transpose2d", nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), [image]
    yield "max_pool2d", nn.MaxPool2d(3, 2, 1, ceil_mode=True), [image]
    yield "max_pool2d dilated", nn.MaxPool2d(2, 1, 0, dilation=2), [image]
    yield "avg_pool2d", nn.AvgPool2d(3, 2, 1), [image]
    yield "avg_pool2d ceil", nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False), [image]
    yield "adaptive_avg_pool2d", nn.AdaptiveAvgPool2d((1, 1)), [image]
    yield "batch_norm", nn.BatchNorm2d(4), [image]
    yield "instance_norm", nn.InstanceNorm2d(4, affine=True), [image]
    yield "group_norm", nn.GroupNorm(2, 4), [image]
    yield "layer_norm", nn.LayerNorm((7, 6)), [image]
    yield "rms_norm", nn.RMSNorm(6), [image]
    yield "nearest", nn.Upsample(scale_factor=2), [image]
    yield "nearest size", nn.Upsample(size=(5, 11)), [image]
    yield "bilinear", nn.Upsample(scale_factor=1.5, mode="bilinear"), [image]
    yield "bilinear corners", nn.Upsample(size=(13, 4), mode="bilinear", align_corners=True), [image]
    yield "shapes", Function(lambda a: a.reshape(2, -1).unflatten(1, (4, -1)).permute(2, 0, 1).flatten(1).unsqueeze(1).squeeze(1).t()), [image]
    yield "slices", Function(lambda a: a[:, 1:3, ::2, -2:] + a[:, :2, 1::2, :2].flip(3).mean(2, keepdim=True)), [image]
    yield "cat chunk stack", Function(lambda a: torch.stack([torch.cat(a.chunk(2, 1), 0), torch.cat(a.split([1, 3], 1)[::-1], 1).reshape(4, 2, 7, 6)], 1)), [image]
    yield "expand repeat roll", Function(lambda a: a[:, :1].expand(-1, 3, -1).repeat(1, 2, 1).roll(2, 2)), [series]
    yield "pad", Function(lambda a: F.pad(F.pad(a, (1, 2, 0, 1), value=0.5), (1, 1), mode="replicate")), [series]
    yield "gather", Function(lambda a, i: a.gather(1, i)), [x, torch.tensor([[0, 4], [1, 1], [3, 2]])]
    yield "index", Function(lambda a: a[torch.tensor([2, 0, -1])][:, [1, 3]]), [x]
    yield "embedding", nn.Embedding(7, 3), [torch.tensor([[0, 6], [2, 2]])]
    yield "one_hot", Function(lambda i: F.one_hot(i, 5).float() * 2), [torch.tensor([0, 4, 2])]
    yield "tril masked_fill", Function(lambda a: a.tril(1).triu(-1).masked_fill(a > 1, -5.0)), [torch.randn(4, 4)]
    yield "pixel_shuffle", Function(lambda a: F.pixel_unshuffle(F.pixel_shuffle(a, 2), 2)), [image]
    yield "sdpa causal", Function(lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True)), [torch.randn(2, 2, 5, 4)]
    yield "multihead", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), [torch.randn(2, 5, 8)]
    yield "lstm cell", nn.LSTMCell(4, 3), [torch.randn(2, 4)]


def read(table, apus):
    cases = [(f"{name} ({label})", make(), inputs, opset, dynamo, opened)
             for name, make, inputs in models.cases()
             for label, opset, dynamo, opened in (("opset 17", 17, False, False), ("opset 17, open", 17, False, True),
                                                  ("opset 18", 18, True, False), ("opset 20, open", 20, True, True))]
    cases += [(f"{name} ({label})", module, dict(zip(("a", "b", "c"), inputs)), opset, dynamo, False)
              for name, module, inputs in functions() for label, opset, dynamo in (("opset 17", 17, False), ("opset 20", 20, True))]
    print(f"\n{'written by PyTorch, run by Apus':44} nodes  largest difference from onnxruntime")
    for name, model, inputs, opset, dynamo, opened in cases:
        with tempfile.TemporaryDirectory() as folder:
            path, nodes = f"{folder}/model.onnx", 0
            try:
                with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                    models.export(models.trained_like(model), inputs, path, opset, dynamo, opened)
                    theirs = session(path)
            except Exception as error:
                print(f"{name:44}     -  PyTorch does not export it, or onnxruntime does not take it: {type(error).__name__}")
                continue
            nodes = len(onnx.load(path).graph.node)
            arrays = {key: value.numpy() for key, value in inputs.items()}
            expected = theirs.run(None, arrays)[0]
            np.savez(f"{folder}/inputs.npz", **arrays)
            dimensions = sorted({axis for put in theirs.get_inputs() for axis in put.shape if isinstance(axis, str)})
            options = [text for axis in dimensions for text in ("--dim", f"{axis}={next(iter(arrays.values())).shape[0]}")]
            run = subprocess.run([apus, "run", path, "--input", f"{folder}/inputs.npz", "--output", f"{folder}/out", *options],
                                 capture_output=True, text=True)
            outputs = glob.glob(f"{folder}/out/*.npy")
            first = theirs.get_outputs()[0].name
            ours = [file for file in outputs if os.path.basename(file) == f"{first}.npy"]
            table.row(name, nodes, difference(np.load(ours[0]), expected) if ours else run.stderr.strip()[-200:] or "no output")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--written", help="folder of files that Apus has written")
    parser.add_argument("--apus", help="the command line, to read files of PyTorch with")
    options = parser.parse_args()
    torch.manual_seed(1)
    table = Table()
    if options.written:
        written(options.written, table)
    if options.apus:
        read(table, options.apus)
    print(f"\n{table.failures} above {LIMIT} or failed")
    sys.exit(table.failures > 0)


if __name__ == "__main__":
    main()
