"""A small GAN on a ring of Gaussians: two models, two optimisers, spectral norm, EMA weights."""

import copy
import math

import torch
from torch import nn


def real_batch(n):
    angle = torch.randint(0, 8, (n,)) * math.pi / 4
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(n, 2)


def main():
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    discriminator = nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 32)),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(32, 1),
    )
    average = copy.deepcopy(generator).requires_grad_(False)
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))

    for step in range(25):
        fake = generator(torch.randn(64, 4))
        loss_d = (
            nn.functional.softplus(-discriminator(real_batch(64))).mean()
            + nn.functional.softplus(discriminator(fake.detach())).mean()
        )
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = nn.functional.softplus(-discriminator(generator(torch.randn(64, 4)))).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        with torch.no_grad():
            for p, q in zip(average.parameters(), generator.parameters()):
                p.lerp_(q, 0.05)
    print(f"d {loss_d.item():.7f}  g {loss_g.item():.7f}")


if __name__ == "__main__":
    main()
