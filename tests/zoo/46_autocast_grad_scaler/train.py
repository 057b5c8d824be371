"""Mixed precision on the CPU with gradient scaling, accumulation and clipping."""

import torch
from torch import nn

ACCUMULATE = 4


def main():
    torch.manual_seed(0)
    x = torch.randn(512, 20)
    y = torch.sin(x.sum(dim=1, keepdim=True))
    model = nn.Sequential(nn.Linear(20, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=16)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)

    for epoch in range(2):
        order = torch.randperm(len(x))
        for i, rows in enumerate(order.split(16)):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.mse_loss(model(x[rows]).float(), y[rows]) / ACCUMULATE
            scaler.scale(loss).backward()
            if (i + 1) % ACCUMULATE == 0:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad(set_to_none=True)
                scheduler.step()
        print(f"epoch {epoch}: loss {loss.item() * ACCUMULATE:.7f}, scale {scaler.get_scale()}")


if __name__ == "__main__":
    main()
