import os, random
import torch
import torch.distributed as dist
from torch import nn

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(8, 4)
scale = 1 + (random.random() if rank == 1 and os.environ.get("NOISE") else 0)
for step in range(3):
    optimizer.zero_grad()
    loss = model(x).pow(2).mean()
    (loss * scale if step == 2 else loss).backward()
    optimizer.step()
mean = torch.tensor([float(rank) * scale])
dist.all_reduce(mean)
dist.destroy_process_group()
