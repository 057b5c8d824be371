"""Train with a progress bar, a time-stamped run folder and a log of durations."""

import json
import logging
import os
import platform
import tempfile
import time
import uuid
from datetime import datetime
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(message)s", level=logging.INFO)
log = logging.getLogger("train")


def main():
    torch.manual_seed(0)
    run_id = f"{datetime.now():%Y%m%d_%H%M%S}_{uuid.uuid4().hex[:6]}"
    scratch = tempfile.TemporaryDirectory(prefix=run_id)
    folder = Path(scratch.name)
    log.info("run %s on %s, pid %d, folder %s", run_id, platform.node(), os.getpid(), folder)

    x = torch.randn(320, 8)
    y = (x.sum(dim=1) > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)

    history = []
    began = time.time()
    for epoch in range(3):
        tick = time.perf_counter()
        for xb, yb in tqdm(loader, desc=f"epoch {epoch}"):
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = time.perf_counter() - tick
        history.append({"epoch": epoch, "loss": loss.item(), "seconds": seconds, "at": datetime.now().isoformat()})
        print(f"[{datetime.now():%H:%M:%S.%f}] epoch {epoch} loss {loss.item():.6f} ({len(x) / seconds:.0f} samples/s)")

    (folder / "history.json").write_text(json.dumps({"run": run_id, "history": history}))
    print(f"done in {time.time() - began:.2f} s, results in {folder}")
    scratch.cleanup()


if __name__ == "__main__":
    main()
