"""Straight through, and stopped and resumed, by the Trainer of transformers. Prints JSON: for each way, whether the weights agree."""

import json
import os
import random
import tempfile
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import numpy as np
import torch
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, TrainerCallback

import reprotest

warnings.filterwarnings("ignore")


class Noisy(torch.utils.data.Dataset):
    """Draws from every global generator, and from one of its own."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 24

    def __getitem__(self, index):
        noise = torch.rand(()) + random.random() + np.random.rand() + self.rng.random()
        return {"x": torch.full((4,), float(index)) + noise}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))

    def forward(self, x):
        return {"loss": (self.layers(x) * (1 + np.random.rand())).pow(2).mean() * 1e-3}


class Ours(Trainer):
    def get_train_dataloader(self):
        return self.accelerator.prepare(
            reprotest.dataloader(self.train_dataset, 4, shuffle=True, num_workers=2, rank=0, world_size=1)
        )


class StopAt(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            control.should_save = control.should_training_stop = True


def fit(folder, *, ours, workers=0, stop=None, resume=None, seed=7):
    reprotest.set_seed(seed, warn_only=True)
    net = Net()
    reprotest.set_seed(7, warn_only=True)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=3,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        dataloader_num_workers=workers,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
        remove_unused_columns=False,
        seed=7,
    )
    trainer = (Ours if ours else Trainer)(
        model=net, args=arguments, train_dataset=Noisy(), callbacks=[StopAt(stop)] if stop else None
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def same(stop, **options):
    with tempfile.TemporaryDirectory() as folder:
        whole = fit(Path(folder, "a"), **options)
        fit(Path(folder, "b"), stop=stop, **options)
        again = fit(Path(folder, "c"), resume=Path(folder, "b", f"checkpoint-{stop}"), seed=99, **options)
        return torch.equal(whole, again)


print(
    json.dumps(
        {
            "within an epoch, its own loader with workers": same(8, ours=False, workers=2),
            "within an epoch, our loader with workers": same(8, ours=True),
            "epoch end, our loader with workers": same(6, ours=True),
        }
    )
)
