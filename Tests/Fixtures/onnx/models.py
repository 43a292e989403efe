"""Small models as PyTorch users write them, and their export as ONNX by both exporters. Needs torch and onnxscript."""
import logging
import sys
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "Benchmarks"))
from peer_models import Basic, UNet
from peer_torch import Block as CausalBlock


def mlp():
    return nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 3))


def resnet18(width=4, classes=5):
    layers = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = width
    for number, wide in enumerate([width, 2 * width, 4 * width, 8 * width]):
        layers += [Basic(channels, wide, 1 if number == 0 else 2), Basic(wide, wide, 1)]
        channels = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class Attention(nn.Module):
    """As timm writes it: by scaled_dot_product_attention, or step by step."""

    def __init__(self, dim, heads, fused):
        super().__init__()
        self.heads, self.fused, self.qkv, self.proj = heads, fused, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v)
        else:
            x = ((q * (d // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.proj(x.transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, dim, heads, fused, ratio):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(dim), Attention(dim, heads, fused), nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, image=16, patch=4, dim=32, depth=2, heads=4, classes=5, ratio=2):
        super().__init__()
        self.embed = nn.Conv2d(3, dim, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, (image // patch) ** 2 + 1, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, number % 2 == 0, ratio) for number in range(depth))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Text(nn.Module):
    """A causal transformer on numbers of characters."""

    def __init__(self, vocabulary=20, context=12, dim=16):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, dim), nn.Parameter(torch.randn(context, dim) * 0.1)
        self.blocks = nn.Sequential(CausalBlock(dim, 2, True, causal=True), CausalBlock(dim, 2, False, causal=True))
        self.head = nn.Linear(dim, vocabulary)

    def forward(self, x):
        return self.head(self.blocks(self.tokens(x) + self.positions[:x.shape[1]]))


class Pyramid(nn.Module):
    """Ways of enlarging and of making smaller."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect")
        self.shuffle, self.act = nn.Conv2d(4, 8, 1), nn.PReLU(4)

    def forward(self, x):
        y = self.act(self.conv(x))
        a = F.interpolate(y, scale_factor=2, mode="nearest")
        b = F.interpolate(F.avg_pool2d(y, 3, 2, 1, count_include_pad=False), size=a.shape[2:], mode="bilinear", align_corners=False)
        c = F.interpolate(F.max_pool2d(y, 2, ceil_mode=True), size=a.shape[2:], mode="bilinear", align_corners=True)
        d = F.pixel_shuffle(self.shuffle(y), 2)
        return torch.cat([a * torch.sigmoid(b), F.hardswish(c), F.elu(d), F.leaky_relu(F.max_pool2d(d, 3, 1, 1))], 1)


def cases():
    """Name, model and inputs by name."""
    return [
        ("mlp", mlp, {"x": torch.randn(4, 6)}),
        ("resnet18", resnet18, {"images": torch.randn(2, 3, 32, 32)}),
        ("vit", ViT, {"images": torch.randn(2, 3, 16, 16)}),
        ("unet", lambda: UNet((8, 16)), {"images": torch.randn(2, 1, 16, 16)}),
        ("text", Text, {"tokens": torch.randint(0, 20, (2, 12))}),
        ("pyramid", Pyramid, {"images": torch.randn(2, 2, 7, 9)}),
    ]


def trained_like(model):
    """Other numbers than those that a new model has, so that ones and zeros are told apart, ready for inference."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor += 0.1 * torch.rand_like(tensor) if "var" in name else 0.1 * torch.randn_like(tensor)
    return model.eval()


def export(model, inputs, path, opset, dynamo, open_batch=False):
    """Writes the model as one file; its output is `y`."""
    arguments = tuple(inputs.values())
    options = {"dynamic_axes": {name: {0: "batch"} for name in [*inputs, "y"]}} if open_batch and not dynamo else {}
    if open_batch and dynamo:
        options = {"dynamic_shapes": tuple({0: torch.export.Dim("batch")} for _ in inputs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        torch.onnx.export(
            model, arguments, path, input_names=list(inputs), output_names=["y"], opset_version=opset, dynamo=dynamo,
            **({"external_data": False, "verbose": False} if dynamo else {}), **options)
