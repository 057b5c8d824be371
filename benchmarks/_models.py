"""The three models of the overhead targets, each as a function that does one training step on fixed data."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Step = Callable[[], object]


def mlp() -> Step:
    """26 000 parameters in 6 tensors: about 0.36 ms a step on two cores, the hardest case for anything that costs Python time."""
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = torch.randn(64, 64), torch.randint(0, 10, (64,))
    return _step(model, lambda: F.cross_entropy(model(x), y), lambda parameters: torch.optim.SGD(parameters, lr=0.01))


def resnet18() -> Step:
    """ResNet-18 (He et al. 2015, arXiv 1512.03385) for 10 classes, 11 million parameters, batches of 16 images of 64 x 64."""
    model = ResNet18()
    x, y = torch.randn(16, 3, 64, 64), torch.randint(0, 10, (16,))
    return _step(
        model,
        lambda: F.cross_entropy(model(x), y),
        lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
    )


def gpt() -> Step:
    """A GPT of 6 layers, 6 heads, width 384 (nanoGPT's character model), 11 million parameters, batches of 6 x 256 tokens."""
    model = GPT()
    x = torch.randint(0, 65, (6, 256))
    return _step(model, lambda: F.cross_entropy(model(x).flatten(0, 1), x.flatten()), torch.optim.AdamW)


MODELS: dict[str, Callable[[], Step]] = {"MLP": mlp, "ResNet-18": resnet18, "GPT": gpt}


def _step(model: nn.Module, loss: Callable[[], Tensor], optimizer: Callable[..., torch.optim.Optimizer]) -> Step:
    update = optimizer(model.parameters())

    def step() -> object:
        update.zero_grad()
        value = loss()
        value.backward()
        update.step()
        return model

    return step


class _Block(nn.Module):
    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)) if stride > 1 else None
        )

    def forward(self, x: Tensor) -> Tensor:
        kept = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + kept)


class ResNet18(nn.Module):
    """As in torchvision, which is no dependency of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        )
        widths = (64, 64, 128, 256, 512)
        layers = [
            nn.Sequential(_Block(inner, outer, 1 if outer == 64 else 2), _Block(outer, outer, 1))
            for inner, outer in itertools.pairwise(widths)
        ]
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layers(self.stem(x)).mean((2, 3)))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.attention(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Decoder with learned positions."""

    def __init__(
        self, vocabulary: int = 65, length: int = 256, width: int = 384, layers: int = 6, heads: int = 6
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.layers = nn.Sequential(*(_Layer(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1], device=x.device))
        return self.head(self.norm(self.layers(h)))
