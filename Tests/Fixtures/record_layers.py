#!/usr/bin/env python3
"""Records what layers, functions and losses of PyTorch compute, for TorchLayerTests: inputs, weights, the result, the
gradients of a random weighting of it, and weights and inputs after three steps of gradient descent; and what optimizers
and schedules do. It writes layers.safetensors, bf16.safetensors, optimizers.safetensors and schedules.safetensors.

    python record_layers.py
"""
import json
import struct

import torch
import torch.nn.functional as F
from torch import nn

RATE = 0.05
tensors = {}


def record(name, value):
    kind = {torch.float32: "F32", torch.int64: "I32", torch.int32: "I32", torch.bool: "BOOL"}[value.dtype]
    value = value.detach().clone()
    tensors[name] = (kind, value.to(torch.int32) if kind == "I32" else value)


def case(name, call, inputs, module=None):
    """`inputs` by name: those of floating point get gradients and are trained too."""
    torch.manual_seed(sum(name.encode()))
    inputs = {key: value() if callable(value) else value for key, value in inputs.items()}
    if module is not None:
        module = module()
        for parameter in module.parameters():
            # Other numbers than PyTorch begins with, so that ones and zeros are told apart.
            with torch.no_grad():
                parameter.copy_(parameter + 0.1 * torch.randn_like(parameter))
    trained = {f"input.{key}": value.requires_grad_() for key, value in inputs.items() if value.is_floating_point()}
    for key, value in inputs.items():
        record(f"{name}/input.{key}", value)
    buffers = {}
    if module is not None:
        trained |= dict(module.named_parameters())
        buffers = dict(module.named_buffers())
        for key, value in list(module.named_parameters()) + list(module.named_buffers()):
            record(f"{name}/weight.{key}", value)
    arguments = list(inputs.values())
    weighting = None
    for step in range(3):
        result = call(module, *arguments) if module is not None else call(*arguments)
        if weighting is None:
            weighting = torch.randn_like(result)
            record(f"{name}/weighting", weighting)
            record(f"{name}/result", result)
        for value in trained.values():
            value.grad = None
        (result * weighting).sum().backward()
        with torch.no_grad():
            for key, value in trained.items():
                gradient = torch.zeros_like(value) if value.grad is None else value.grad
                if step == 0:
                    record(f"{name}/gradient.{key}", gradient)
                value -= RATE * gradient
    for key, value in (trained | buffers).items():
        record(f"{name}/after.{key}", value)


def layer(name, module, *shapes):
    case(name, lambda m, *xs: m(*xs), {f"x{i}": randn(*shape) for i, shape in enumerate(shapes)}, module)


def function(name, call, *shapes):
    case(name, call, {f"x{i}": randn(*shape) for i, shape in enumerate(shapes)})


def randn(*shape):
    return lambda: torch.randn(shape)


def labels(count, *shape):
    return lambda: torch.randint(0, count, shape)


def chances(*shape):
    return lambda: torch.rand(shape)


def activated():
    """Numbers, and those at which activations have corners."""
    return torch.cat([3 * torch.randn(4, 7), torch.tensor([[0.0, -1, 1, -3, 3, 6, -0.5], [0.5, 0, 0, -6, 20, -20, 9]])])


# Linear layers and embeddings
layer("linear", lambda: nn.Linear(5, 7), (3, 5))
layer("linear_plain", lambda: nn.Linear(4, 6, bias=False), (2, 3, 4))
layer("bilinear", lambda: nn.Bilinear(3, 4, 5), (6, 3), (6, 4))
layer("bilinear_plain", lambda: nn.Bilinear(2, 3, 4, bias=False), (2, 3, 2), (2, 3, 3))
case("embedding", lambda m, i: m(i), {"x0": labels(9, 4, 3)}, lambda: nn.Embedding(9, 5))


class Tied(nn.Module):
    """A head that scores the rows of an embedding's table."""

    def __init__(self, bias):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=bias)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(torch.tanh(self.embedding(x)))


case("embedding_tied", lambda m, i: m(i), {"x0": labels(7, 2, 3)}, lambda: Tied(True))
case("embedding_tied_plain", lambda m, i: m(i), {"x0": labels(7, 2, 3)}, lambda: Tied(False))

# Convolutions
layer("conv1d", lambda: nn.Conv1d(3, 4, 3, padding=1), (2, 3, 9))
layer("conv1d_dilated", lambda: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), (2, 4, 11))
layer("conv2d", lambda: nn.Conv2d(3, 5, 3, padding=1), (2, 3, 7, 8))
layer("conv2d_strided", lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False), (2, 2, 8, 7))
layer("conv2d_patches", lambda: nn.Conv2d(3, 4, 2, stride=2), (2, 3, 6, 8))
layer("conv2d_point", lambda: nn.Conv2d(3, 4, 1), (2, 3, 5, 4))
layer("conv2d_grouped", lambda: nn.Conv2d(4, 6, 3, padding=1, groups=2), (2, 4, 5, 6))
layer("conv2d_depthwise", lambda: nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4), (2, 4, 7, 6))
layer("conv2d_multiplier", lambda: nn.Conv2d(3, 6, 3, padding=2, dilation=2, groups=3), (1, 3, 6, 5))
layer("conv3d", lambda: nn.Conv3d(2, 3, (2, 3, 1), stride=(1, 2, 1), padding=(0, 1, 0)), (2, 2, 4, 5, 3))
layer("conv_transpose1d", lambda: nn.ConvTranspose1d(3, 4, 3, stride=2, padding=1, output_padding=1), (2, 3, 5))
layer("conv_transpose2d", lambda: nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1), (2, 3, 4, 5))
layer("conv_transpose2d_tiles", lambda: nn.ConvTranspose2d(4, 3, 2, stride=2), (2, 4, 3, 5))
layer("conv_transpose2d_grouped",
      lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=(2, 0), output_padding=(1, 2), dilation=(2, 1),
                                 groups=2), (2, 4, 5, 3))
layer("conv_transpose2d_cut", lambda: nn.ConvTranspose2d(2, 3, 2, padding=2), (1, 2, 6, 5))
layer("conv_transpose3d", lambda: nn.ConvTranspose3d(2, 3, 2, stride=2, bias=False), (1, 2, 2, 3, 2))

# Normalisations
layer("batch_norm", lambda: nn.BatchNorm2d(3), (4, 3, 5, 2))
layer("batch_norm_rows", lambda: nn.BatchNorm1d(5, momentum=0.3, affine=False), (7, 5))
layer("layer_norm", lambda: nn.LayerNorm(7), (3, 7))
layer("layer_norm_axes", lambda: nn.LayerNorm([3, 4, 2]), (2, 3, 4, 2))
layer("rms_norm", lambda: nn.RMSNorm(6), (4, 6))
layer("group_norm", lambda: nn.GroupNorm(2, 6), (3, 6, 5))
layer("group_norm_images", lambda: nn.GroupNorm(3, 3, eps=1e-3, affine=False), (2, 3, 4, 3))
layer("instance_norm", lambda: nn.InstanceNorm2d(4), (2, 4, 3, 5))
layer("instance_norm_affine", lambda: nn.InstanceNorm1d(3, affine=True), (2, 3, 7))

# Pooling; whole numbers, so that there are ties
case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), {"x0": lambda: torch.randint(0, 4, (2, 3, 9)).float()})
case("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), {"x0": lambda: torch.randint(0, 4, (2, 3, 7, 8)).float()})
case("max_pool2d_dilated", lambda x: F.max_pool2d(x, (2, 3), (1, 2), (1, 0), (2, 1)),
     {"x0": lambda: torch.randint(-3, 1, (1, 2, 6, 7)).float()})
case("max_pool3d", lambda x: F.max_pool3d(x, 2), {"x0": lambda: torch.randint(0, 3, (1, 2, 4, 5, 4)).float()})
function("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2, 1), (2, 3, 8))
function("avg_pool2d", lambda x: F.avg_pool2d(x, 2), (2, 3, 7, 6))
function("avg_pool2d_inside", lambda x: F.avg_pool2d(x, (3, 4), 2, (1, 2), count_include_pad=False), (2, 2, 6, 7))
function("avg_pool3d", lambda x: F.avg_pool3d(x, (1, 2, 3), padding=(0, 1, 1)), (1, 2, 3, 4, 5))
case("max_pool1d_ceil", lambda x: F.max_pool1d(x, 3, 2, ceil_mode=True),
     {"x0": lambda: torch.randint(0, 4, (2, 3, 8)).float()})
# Along the first axis the last window reads one element, along the second it would begin after the images.
case("max_pool2d_ceil", lambda x: F.max_pool2d(x, 2, 2, 1, ceil_mode=True),
     {"x0": lambda: torch.randint(0, 4, (2, 2, 6, 7)).float()})
case("max_pool2d_ceil_dilated", lambda x: F.max_pool2d(x, (3, 2), (3, 2), (1, 0), (1, 3), ceil_mode=True),
     {"x0": lambda: torch.randint(-3, 1, (1, 2, 6, 7)).float()})
case("max_pool2d_ceil_large", lambda x: F.max_pool2d(x, 5, 3, 2, ceil_mode=True),
     {"x0": lambda: torch.randint(-9, 0, (1, 2, 9, 8)).float()})
case("max_pool2d_ceil_small", lambda x: F.max_pool2d(x, 3, 4, ceil_mode=True), {"x0": randn(1, 2, 2, 5)})
case("max_pool3d_ceil", lambda x: F.max_pool3d(x, 2, (2, 3, 1), ceil_mode=True),
     {"x0": lambda: torch.randint(0, 3, (1, 2, 3, 4, 4)).float()})
function("avg_pool1d_ceil", lambda x: F.avg_pool1d(x, 3, 2, 1, True), (2, 3, 8))
function("avg_pool2d_ceil", lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), (2, 2, 6, 7))
function("avg_pool2d_ceil_padded", lambda x: F.avg_pool2d(x, (3, 4), (2, 3), (1, 2), True), (1, 2, 6, 7))
function("avg_pool2d_ceil_inside", lambda x: F.avg_pool2d(x, (3, 4), (2, 3), (1, 2), True, False), (1, 2, 6, 7))
function("avg_pool3d_ceil", lambda x: F.avg_pool3d(x, (2, 2, 3), (2, 3, 2), (0, 1, 1), True), (1, 2, 3, 5, 6))
function("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), (2, 3, 7, 6))
function("adaptive_avg_pool2d_even", lambda x: F.adaptive_avg_pool2d(x, 2), (2, 3, 6, 4))
function("adaptive_avg_pool2d_one", lambda x: F.adaptive_avg_pool2d(x, 1), (2, 3, 5, 4))
function("adaptive_avg_pool1d_up", lambda x: F.adaptive_avg_pool1d(x, 7), (2, 3, 4))
case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 2)),
     {"x0": lambda: torch.randint(0, 3, (2, 3, 7, 5)).float()})

# Resizing
function("upsample_nearest", lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), (2, 3, 4, 3))
function("upsample_nearest_odd", lambda x: F.interpolate(x, (5, 11), mode="nearest"), (1, 2, 3, 4))
function("downsample_nearest", lambda x: F.interpolate(x, (2, 3), mode="nearest"), (1, 2, 5, 7))
function("upsample_bilinear", lambda x: F.interpolate(x, (7, 9), mode="bilinear"), (2, 2, 4, 3))
function("upsample_bilinear_corners", lambda x: F.interpolate(x, (7, 9), mode="bilinear", align_corners=True),
         (2, 2, 4, 3))
function("downsample_bilinear", lambda x: F.interpolate(x, (2, 3), mode="bilinear"), (2, 2, 5, 8))
function("upsample_linear", lambda x: F.interpolate(x, 9, mode="linear"), (2, 2, 4))
function("upsample_trilinear", lambda x: F.interpolate(x, (3, 5, 4), mode="trilinear"), (1, 2, 2, 3, 2))
function("pixel_shuffle", lambda x: F.pixel_shuffle(x, 3), (2, 18, 2, 3))
function("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), (2, 3, 4, 6))

# Activations
for name in ["relu", "relu6", "sigmoid", "logsigmoid", "silu", "mish", "selu", "softsign", "tanhshrink", "hardsigmoid",
             "hardswish", "gelu", "softplus", "elu", "celu", "leaky_relu", "hardshrink", "softshrink", "hardtanh",
             "tanh"]:
    case(name, getattr(F, name) if name != "tanh" else torch.tanh, {"x0": activated})
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), {"x0": activated})
case("elu_alpha", lambda x: F.elu(x, 0.7), {"x0": activated})
case("celu_alpha", lambda x: F.celu(x, 1.7), {"x0": activated})
case("softplus_beta", lambda x: F.softplus(x, 2.0), {"x0": activated})
case("wide", lambda x: F.softplus(x) + F.logsigmoid(x) + F.elu(x), {"x0": lambda: torch.linspace(-90, 90, 37)})
layer("prelu", lambda: nn.PReLU(), (3, 5))
layer("prelu_channels", lambda: nn.PReLU(4), (2, 4, 3))
function("glu", lambda x: F.glu(x, 1), (3, 6, 2))
function("log_softmax", lambda x: F.log_softmax(x, -1), (3, 7))

# Attention
def attend(q, k, v, **options):
    return F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), **options).transpose(1, 2)


function("attention", attend, (2, 5, 3, 4), (2, 6, 3, 4), (2, 6, 3, 4))
function("attention_causal", lambda q, k, v: attend(q, k, v, is_causal=True), (2, 7, 2, 4), (2, 7, 2, 4), (2, 7, 2, 4))
function("attention_grouped", lambda q, k, v: attend(q, k, v, enable_gqa=True), (2, 5, 4, 3), (2, 5, 2, 3),
         (2, 5, 2, 3))
case("attention_lengths",
     lambda q, k, v, n: attend(q, k, v, attn_mask=(torch.arange(6) < n[:, None])[:, None, None, :]),
     {"x0": randn(3, 5, 2, 4), "x1": randn(3, 6, 2, 4), "x2": randn(3, 6, 2, 4), "x3": torch.tensor([6, 1, 4])})
case("attention_added", lambda q, k, v, m: attend(q, k, v, attn_mask=m),
     {"x0": randn(2, 4, 2, 3), "x1": randn(2, 4, 2, 3), "x2": randn(2, 4, 2, 3), "x3": randn(2, 4, 4)})
case("attention_nothing", lambda q, k, v, n: attend(q, k, v, attn_mask=(torch.arange(4) < n[:, None])[:, None, None, :]),
     {"x0": randn(2, 3, 1, 4), "x1": randn(2, 4, 1, 4), "x2": randn(2, 4, 1, 4), "x3": torch.tensor([0, 3])})
case("multihead", lambda m, x: m(x, x, x, need_weights=False)[0], {"x0": randn(2, 5, 8)},
     lambda: nn.MultiheadAttention(8, 2, batch_first=True))
case("multihead_causal",
     lambda m, x: m(x, x, x, need_weights=False, attn_mask=torch.ones(5, 5).triu(1).bool(), is_causal=True)[0],
     {"x0": randn(2, 5, 6)}, lambda: nn.MultiheadAttention(6, 3, bias=False, batch_first=True))
case("multihead_memory", lambda m, x, y: m(x, y, y, need_weights=False)[0], {"x0": randn(2, 5, 8), "x1": randn(2, 3, 6)},
     lambda: nn.MultiheadAttention(8, 4, kdim=6, vdim=6, batch_first=True))

# Recurrent networks
for name, kind in [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)]:
    case(name, lambda m, x: m(x)[0], {"x0": randn(2, 5, 3)}, lambda: kind(3, 4, batch_first=True))
    case(f"{name}_deep", lambda m, x: m(x)[0], {"x0": randn(3, 4, 5)},
         lambda: kind(5, 3, num_layers=2, bidirectional=True, batch_first=True))
    case(f"{name}_plain", lambda m, x: m(x)[0], {"x0": randn(1, 6, 2)}, lambda: kind(2, 3, bias=False, batch_first=True))
case("lstm_state", lambda m, x, h, c: torch.cat([s.flatten() for s in m(x, (h[None], c[None]))[1]]),
     {"x0": randn(2, 3, 3), "x1": randn(2, 4), "x2": randn(2, 4)}, lambda: nn.LSTM(3, 4, batch_first=True))

# Functions
function("einsum_product", lambda a, b: torch.einsum("bnd,md->bnm", a, b), (2, 3, 4), (5, 4))
function("einsum_outer", lambda a, b: torch.einsum("i,j->ji", a, b), (3,), (4,))
function("einsum_three", lambda a, b, c: torch.einsum("ij,jk,kl->li", a, b, c), (2, 3), (3, 4), (4, 5))
function("einsum_trace", lambda a: torch.einsum("ii", a), (4, 4))
function("einsum_diagonal", lambda a: torch.einsum("bii->bi", a), (2, 3, 3))
function("einsum_batch", lambda a, b: torch.einsum("bhnd,bhmd->bhnm", a, b), (2, 2, 3, 4), (2, 2, 5, 4))
function("einsum_sum", lambda a, b: torch.einsum("abc,cd->d", a, b), (2, 3, 4), (4, 5))
function("stack", lambda a, b: torch.stack([a, b], 1), (2, 3), (2, 3))
function("flip", lambda x: torch.flip(x, [0, 2]), (3, 2, 4))
function("roll", lambda x: torch.roll(x, -2, 1), (2, 5))
function("tile", lambda x: torch.tile(x, (2, 3)), (2, 4))
function("cumsum", lambda x: torch.cumsum(x, 1), (3, 11))
function("variance", lambda x: torch.var(x, (0, 2)), (3, 2, 5))
function("deviation", lambda x: torch.std(x, 1, correction=0, keepdim=True), (3, 6))
function("norm2", lambda x: torch.linalg.vector_norm(x, 2, 1), (3, 6))
function("norm1", lambda x: torch.linalg.vector_norm(x, 1, 1), (3, 6))
function("norm3", lambda x: torch.linalg.vector_norm(x, 3, (0, 1)), (3, 6))
function("norm_largest", lambda x: torch.linalg.vector_norm(x, float("inf"), 1), (3, 6))
case("norm_zero", lambda x: torch.linalg.vector_norm(x, 2, 1), {"x0": lambda: torch.zeros(2, 3)})
function("normalize", lambda x: F.normalize(x), (3, 6))
function("logsumexp", lambda x: torch.logsumexp(x, 1), (3, 6))
function("clamp", lambda x: torch.clamp(x, -0.5, 0.8), (4, 7))
function("tril", lambda x: torch.tril(x, -1), (2, 4, 5))
function("triu", lambda x: torch.triu(x, 1), (5, 4))
function("topk", lambda x: torch.topk(x, 3)[0], (4, 7))
function("sort", lambda x: torch.sort(x)[0], (3, 6))
case("gather", lambda x, i: torch.gather(x, 1, i), {"x0": randn(3, 5, 2), "x1": labels(5, 3, 4, 2)})
case("scatter_add", lambda x, i, u: torch.scatter_add(x, 1, i, u),
     {"x0": randn(3, 5), "x1": labels(5, 3, 7), "x2": randn(3, 7)})

# Losses
case("cross_entropy", F.cross_entropy, {"x0": randn(5, 4), "x1": labels(4, 5)})
case("cross_entropy_images", lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
     {"x0": randn(2, 3, 4, 5), "x1": labels(3, 2, 4, 5)})
case("cross_entropy_weights",
     lambda x, y: F.cross_entropy(x, y, torch.tensor([0.5, 2.0, 1.0]), ignore_index=-100, label_smoothing=0.2),
     {"x0": randn(6, 3), "x1": torch.tensor([0, -100, 2, 1, -100, 1])})
case("cross_entropy_ignored", lambda x, y: F.cross_entropy(x, y, ignore_index=1, reduction="sum"),
     {"x0": randn(5, 3), "x1": torch.tensor([0, 1, 2, 1, 0])})
case("cross_entropy_none", lambda x, y: F.cross_entropy(x, y, torch.tensor([0.5, 2.0, 1.0]), reduction="none"),
     {"x0": randn(4, 3), "x1": labels(3, 4)})
case("cross_entropy_soft", lambda x, t: F.cross_entropy(x, t.softmax(1), label_smoothing=0.1),
     {"x0": randn(5, 4), "x1": randn(5, 4)})
case("bce", F.binary_cross_entropy_with_logits, {"x0": lambda: 5 * torch.randn(4, 3), "x1": chances(4, 3)})
case("bce_weight", lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor(2.5), reduction="sum"),
     {"x0": lambda: 5 * torch.randn(4, 3), "x1": chances(4, 3)})
for name, call in [("mse", F.mse_loss), ("l1", F.l1_loss), ("smooth_l1", F.smooth_l1_loss), ("huber", F.huber_loss)]:
    function(name, call, (4, 3), (4, 3))
function("smooth_l1_beta", lambda x, t: F.smooth_l1_loss(x, t, beta=0.3, reduction="sum"), (4, 3), (4, 3))
function("huber_delta", lambda x, t: F.huber_loss(x, t, delta=0.4, reduction="none"), (4, 3), (4, 3))
function("cosine", lambda x, y: F.cosine_similarity(x, y), (4, 3), (4, 3))
case("cosine_embedding", lambda x, y, t: F.cosine_embedding_loss(x, y, t.detach(), margin=0.1),
     {"x0": randn(4, 3), "x1": randn(4, 3), "x2": lambda: torch.tensor([1, -1, 1, -1])})
function("triplet", lambda a, p, n: F.triplet_margin_loss(a, p, n), (4, 3), (4, 3), (4, 3))
case("kl_div", lambda x, t: F.kl_div(x.log_softmax(1), t, reduction="sum"), {"x0": randn(4, 3), "x1": chances(4, 3)})
function("kl_div_log", lambda x, t: F.kl_div(x.log_softmax(1), t, log_target=True), (4, 3), (4, 3))


def focal(x, t, alpha=0.25, gamma=2.0):
    """As torchvision's sigmoid_focal_loss defines it."""
    p = torch.sigmoid(x)
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none") * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
    return ((alpha * t + (1 - alpha) * (1 - t)) * loss).mean()


case("focal", focal, {"x0": lambda: 3 * torch.randn(4, 3), "x1": chances(4, 3)})
case("focal_gamma", lambda x, t: focal(x, t, 0.6, 1.5), {"x0": lambda: 3 * torch.randn(4, 3), "x1": chances(4, 3)})
case("dice", lambda p, t: (1 - (2 * (p * t).flatten(1).sum(1) + 1) / (p.flatten(1).sum(1) + t.flatten(1).sum(1) + 1))
     .mean(), {"x0": chances(3, 4, 5), "x1": chances(3, 4, 5)})

def write(path):
    header, body = {}, b""
    for name, (kind, value) in sorted(tensors.items()):
        data = value.contiguous().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)
    print(path, len({name.split("/")[0] for name in tensors}), "cases,", len(text) + len(body), "bytes")
    tensors.clear()


write("layers.safetensors")


def mixed(name, call, inputs, module=None):
    """A case in which matmuls, convolutions and attention compute in bfloat16, as autocast does it: what they make is
    rounded to 8 bits, weights and gradients of weights are float32. No steps of descent."""
    def cast(*arguments):
        with torch.autocast("cpu", torch.bfloat16):
            return call(*arguments)
    case(name, lambda *arguments: cast(*arguments).float(), inputs, module)
    for key in [key for key in tensors if key.startswith(f"{name}/after.")]:
        del tensors[key]


def mixed_layer(name, module, *shapes):
    mixed(name, lambda m, *xs: m(*xs), {f"x{i}": randn(*shape) for i, shape in enumerate(shapes)}, module)


mixed_layer("linear", lambda: nn.Linear(48, 24), (6, 48))
mixed_layer("perceptron", lambda: nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 24)), (8, 24))
mixed_layer("conv2d", lambda: nn.Conv2d(6, 8, 3, stride=2, padding=1), (2, 6, 9, 8))
mixed_layer("conv2d_grouped", lambda: nn.Conv2d(8, 8, 3, padding=1, groups=2), (2, 8, 6, 6))
mixed_layer("conv_transpose2d", lambda: nn.ConvTranspose2d(8, 4, 2, stride=2), (2, 8, 4, 5))
mixed_layer("conv_norm", lambda: nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                                               nn.Conv2d(8, 4, 3, padding=1)), (4, 3, 8, 8))
mixed_layer("layer_norm", lambda: nn.Sequential(nn.Linear(16, 32, bias=False), nn.LayerNorm(32)), (6, 16))
mixed("attention", attend, {f"x{i}": randn(2, 9, 2, 16) for i in range(3)})
mixed("attention_causal", lambda q, k, v: attend(q, k, v, is_causal=True), {f"x{i}": randn(1, 12, 2, 8) for i in range(3)})
mixed("multihead", lambda m, x: m(x, x, x, need_weights=False)[0], {"x0": randn(2, 7, 32)},
      lambda: nn.MultiheadAttention(32, 4, batch_first=True))
mixed("embedding_tied", lambda m, i: m(i), {"x0": labels(7, 2, 3)}, lambda: Tied(True))
for name, kind in [("gru", nn.GRU), ("lstm", nn.LSTM)]:
    mixed(name, lambda m, x: m(x)[0], {"x0": randn(3, 6, 16)}, lambda: kind(16, 12, batch_first=True))
write("bf16.safetensors")


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                direction = (group["betas"][0] * mean + (1 - group["betas"][0]) * p.grad).sign()
                p.mul_(1 - group["lr"] * group["decay"]).sub_(group["lr"] * direction)
                mean.mul_(group["betas"][1]).add_((1 - group["betas"][1]) * p.grad)


def optimizer(name, make, prepare=lambda model: None, sharpness=None):
    """Five steps of a small perceptron; what `make` makes of the model is the optimizer."""
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))
    x, y = torch.randn(8, 5), torch.randint(0, 3, (8,))
    record(f"{name}/input.x", x)
    record(f"{name}/input.y", y)
    for key, value in model.named_parameters():
        record(f"{name}/weight.{key}", value)
    rule = make(model)
    losses = []
    for _ in range(5):
        rule.zero_grad()
        loss = F.cross_entropy(model(x), y)
        losses.append(loss.detach())
        loss.backward()
        if sharpness:
            with torch.no_grad():
                grads = [p.grad.clone() for p in model.parameters()]
                length = torch.sqrt(sum((g * g).sum() for g in grads))
                for p, g in zip(model.parameters(), grads):
                    p.add_(sharpness * g / (length + 1e-12))
            rule.zero_grad()
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for p, g in zip(model.parameters(), grads):
                    p.sub_(sharpness * g / (length + 1e-12))
        prepare(model)
        rule.step()
    record(f"{name}/losses", torch.stack(losses))
    for key, value in model.named_parameters():
        record(f"{name}/after.{key}", value)


optim = torch.optim
optimizer("sgd", lambda m: optim.SGD(m.parameters(), 0.1))
optimizer("sgd_nesterov", lambda m: optim.SGD(m.parameters(), 0.1, momentum=0.9, weight_decay=0.01, nesterov=True))
optimizer("adam", lambda m: optim.Adam(m.parameters(), 0.02, (0.8, 0.95), 1e-6, 0.05))
optimizer("adamw", lambda m: optim.AdamW(m.parameters(), 0.02, weight_decay=0.1))
optimizer("rmsprop", lambda m: optim.RMSprop(m.parameters(), 0.01))
optimizer("rmsprop_centered", lambda m: optim.RMSprop(m.parameters(), 0.01, 0.9, 1e-6, 0.02, 0.8, centered=True))
optimizer("lion", lambda m: Lion(m.parameters(), 0.01, weight_decay=0.2))
optimizer("adafactor", lambda m: optim.Adafactor(m.parameters(), 0.3, weight_decay=0))
optimizer("adafactor_decay", lambda m: optim.Adafactor(m.parameters(), 0.05, -0.6, (1e-6, 1e-2), 1.2, 0.1))
optimizer("clip_value", lambda m: optim.SGD(m.parameters(), 0.5), lambda m: nn.utils.clip_grad_value_(m.parameters(), 0.05))
optimizer("clip_norm", lambda m: optim.SGD(m.parameters(), 0.5), lambda m: nn.utils.clip_grad_norm_(m.parameters(), 0.1))
optimizer("groups", lambda m: optim.AdamW(
    [{"params": [m[0].weight], "lr": 0.002, "weight_decay": 0.5}, {"params": [m[0].bias, m[2].bias], "weight_decay": 0.0},
     {"params": [m[2].weight]}], 0.02, weight_decay=0.1))
optimizer("sharpness", lambda m: optim.SGD(m.parameters(), 0.1, momentum=0.9), sharpness=0.3)
write("optimizers.safetensors")


def schedule(name, make, epochs=12, metrics=None):
    """The rates of epochs, each before its step."""
    rule = optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    scheduler, rates = make(rule), []
    for epoch in range(epochs):
        rates.append(rule.param_groups[0]["lr"])
        rule.step()
        scheduler.step(*([metrics[epoch]] if metrics else []))
    record(f"{name}/rates", torch.tensor(rates))


lr = optim.lr_scheduler
schedule("step", lambda o: lr.StepLR(o, 3, 0.5))
schedule("steps", lambda o: lr.MultiStepLR(o, [2, 5, 9], 0.1))
schedule("exponential", lambda o: lr.ExponentialLR(o, 0.8))
schedule("polynomial", lambda o: lr.PolynomialLR(o, 10, 2.0))
schedule("cosine", lambda o: lr.CosineAnnealingLR(o, 12, 0.01))
schedule("restarts", lambda o: lr.CosineAnnealingWarmRestarts(o, 4, eta_min=0.01), 14)
schedule("restarts_longer", lambda o: lr.CosineAnnealingWarmRestarts(o, 2, 2, 0.01), 15)
schedule("one_cycle", lambda o: lr.OneCycleLR(o, 0.1, total_steps=13, pct_start=0.3), 13)
schedule("one_cycle_linear", lambda o: lr.OneCycleLR(o, 0.1, total_steps=11, pct_start=0.4, anneal_strategy="linear",
                                                    div_factor=10, final_div_factor=100), 11)
schedule("plateau", lambda o: lr.ReduceLROnPlateau(o, "min", 0.5, 1, min_lr=0.02),
         12, [3, 2, 2, 2, 2, 1, 1.5, 1.2, 1.1, 1.05, 0.9, 0.8])
schedule("plateau_cooldown", lambda o: lr.ReduceLROnPlateau(o, "max", 0.1, 0, cooldown=2, threshold=0.1,
                                                           threshold_mode="abs"),
         12, [1, 1.05, 1.0, 1.3, 1.2, 1.1, 1.0, 1.5, 1.45, 1.4, 1.3, 1.2])
write("schedules.safetensors")
