#!/usr/bin/env python3
"""The PyTorch side of the performance comparison for models that are not MSMAE: a step of training, or an inference.

Prints one JSON line: task, preset (side of images, or length of sequences), batch, variant, first_s, median_s, min_s,
peak_rss_gb, threads, torch version.

    python3 peer_models.py --task resnet18 --preset 64 --batch 32 --variant channels_last

Tasks: resnet18 and resnet18-infer (torchvision's structure, 1000 classes), unet (64 to 512 channels, one class),
separable (a block of MobileNetV2: 32 channels six times as wide, 3x3 depth-wise, 32 channels, with a residual),
transformer (causal, 6 layers of 384, 6 heads, 96 characters), lstm (2 layers of 256, a number for each sequence).
Training by SGD with momentum (convolutions, lstm) or AdamW (transformer). Needs only torch.
"""
import argparse, json, resource, time
import torch
from torch import nn
import torch.nn.functional as F
from peer_torch import Block


class Basic(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride != 1 or a != b else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.down(x) if self.down else x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for number, channels in enumerate([64, 128, 256, 512]):
        layers += [Basic(width, channels, 1 if number == 0 else 2), Basic(channels, channels, 1)]
        width = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class Twice(nn.Sequential):
    def __init__(self, a, b):
        super().__init__(nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.GroupNorm(8, b), nn.ReLU(),
                         nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.GroupNorm(8, b), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, widths=(64, 128, 256, 512)):
        super().__init__()
        self.down = nn.ModuleList(Twice(a, b) for a, b in zip((1, *widths), widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in zip(widths, widths[1:]))
        self.join = nn.ModuleList(Twice(2 * a, a) for a in widths[:-1])
        self.out = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x):
        kept = []
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        for number in reversed(range(len(self.up))):
            x = self.join[number](torch.cat([kept[number], self.up[number](x)], 1))
        return self.out(x)


class Separable(nn.Module):
    def __init__(self, channels=32, expansion=6):
        super().__init__()
        wide = channels * expansion
        self.body = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, 1, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return x + self.body(x)


class Transformer(nn.Module):
    def __init__(self, context, fused, dim=384, heads=6, depth=6, vocabulary=96):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, dim), nn.Parameter(torch.randn(context, dim) * 0.02)
        self.blocks = nn.Sequential(*(Block(dim, heads, fused, causal=True) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, vocabulary, bias=False)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(256, 256, 2, batch_first=True), nn.Linear(256, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def parts(options):
    """The model, its input, and the loss of its output."""
    n, size = options.batch, options.preset
    labels = torch.randint(0, 1000, (n,))
    match options.task:
        case "resnet18" | "resnet18-infer":
            return resnet18(), torch.randn(n, 3, size, size), lambda y: F.cross_entropy(y, labels)
        case "unet":
            target = torch.rand(n, 1, size, size).round()
            return UNet(), torch.randn(n, 1, size, size), lambda y: F.binary_cross_entropy_with_logits(y, target)
        case "separable": return Separable(), torch.randn(n, 32, size, size), lambda y: (y * y).mean()
        case "transformer":
            tokens = torch.randint(0, 96, (n, size))
            return (Transformer(size, options.variant == "sdpa"), tokens,
                    lambda y: F.cross_entropy(y.view(-1, 96), tokens.view(-1)))
        case "lstm": return Recurrent(), torch.randn(n, size, 256), lambda y: (y * y).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True)
    parser.add_argument("--preset", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--variant", default="eager")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", choices=["fp32"], default="fp32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, x, loss = parts(options)
    if options.variant == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if options.task == "transformer":
        optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

    def step():
        start = time.perf_counter()
        if options.task.endswith("-infer"):
            with torch.inference_mode():
                model(x)
        else:
            optimizer.zero_grad()
            loss(model(x)).backward()
            optimizer.step()
        return time.perf_counter() - start

    model.train(not options.task.endswith("-infer"))
    first = step()
    step()
    times = sorted(step() for _ in range(options.steps))
    print(json.dumps({
        "task": options.task, "preset": options.preset, "batch": options.batch, "variant": options.variant, "first_s": first,
        "median_s": times[len(times) // 2], "min_s": times[0], "threads": options.threads, "torch": torch.__version__,
        "peak_rss_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


if __name__ == "__main__":
    main()
