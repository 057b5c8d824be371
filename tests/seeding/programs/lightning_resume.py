"""Straight through, and stopped and resumed, by Lightning. Prints JSON: for each way, whether the weights agree bit for bit."""

import json
import logging
import random
import tempfile
import warnings
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

import reprotest
from reprotest.seeding.lightning import RNGStateCallback

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Noisy(torch.utils.data.Dataset):
    """Draws from every global generator, and from one of its own."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 24

    def __getitem__(self, index):
        noise = torch.rand(()) + random.random() + np.random.rand() + self.rng.random()
        return torch.full((4,), float(index)) + noise


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))

    def training_step(self, batch, _):
        return (self.layers(batch) * (1 + np.random.rand())).pow(2).mean() * 1e-3

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def fit(folder, *, epochs, ours, callback, stop=None, resume=None, every=None, seed=7):
    """The weights after a fit, and the checkpoint that it left."""
    reprotest.set_seed(seed, warn_only=True)
    net, data = Net(), Noisy()
    if ours:
        loader = reprotest.dataloader(data, 4, True, num_workers=2, seed=7)
    else:
        loader = torch.utils.data.DataLoader(data, 4, shuffle=True)
    keep = ModelCheckpoint(
        dirpath=folder, save_top_k=-1, every_n_train_steps=every, save_on_train_epoch_end=every is None
    )
    trainer = pl.Trainer(
        max_epochs=epochs,
        max_steps=stop or -1,
        callbacks=[keep, *([RNGStateCallback({"rng": data.rng})] if callback else [])],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(net, loader, ckpt_path=resume, weights_only=False if resume else None)
    return torch.cat([p.detach().flatten() for p in net.parameters()]), keep.best_model_path


def same(*, ours, callback, within_epoch):
    with tempfile.TemporaryDirectory() as folder:
        whole, _ = fit(Path(folder, "a"), epochs=3, ours=ours, callback=callback)
        stop = {"stop": 8, "every": 8} if within_epoch else {}  # the second batch of the second epoch
        _, checkpoint = fit(Path(folder, "b"), epochs=3 if within_epoch else 1, ours=ours, callback=callback, **stop)
        again, _ = fit(Path(folder, "c"), epochs=3, ours=ours, callback=callback, resume=checkpoint, seed=99)
        return torch.equal(whole, again)


print(
    json.dumps(
        {
            "epoch end, plain loader, no callback": same(ours=False, callback=False, within_epoch=False),
            "epoch end, plain loader, callback": same(ours=False, callback=True, within_epoch=False),
            "within an epoch, our loader, no callback": same(ours=True, callback=False, within_epoch=True),
            "within an epoch, our loader, callback": same(ours=True, callback=True, within_epoch=True),
        }
    )
)
