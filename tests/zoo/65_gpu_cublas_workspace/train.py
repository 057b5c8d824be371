"""The variable is set after CUDA has started, which is too late; products with a long inner dimension are split by the workspace."""

import os

import torch
from torch import nn


def main():
    torch.manual_seed(0)
    model = nn.Linear(16_384, 24, bias=False).cuda()
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    inputs = torch.randn(40, 16_384, device="cuda")
    side = torch.cuda.Stream()
    for _ in range(6):
        loss = model(inputs).pow(2).mean()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            penalty = (inputs @ model.weight.detach().t()).abs().mean()
        torch.cuda.current_stream().wait_stream(side)
        optimizer.zero_grad()
        (loss + 0.0 * penalty).backward()
        optimizer.step()
    print("loss", loss.item())


if __name__ == "__main__":
    main()
