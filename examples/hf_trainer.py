"""Fine-tune a tiny randomly initialised BERT with the Hugging Face Trainer (no download).

    python hf_trainer.py [--seed N]

Trainer seeds when it is made, but the model is made before it: without --seed its weights differ from run to run.
"""

import argparse
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

VOCABULARY, LENGTH = 64, 12


class ParitySentences(Dataset):
    """Token sequences, labelled by the parity of their first two tokens' sum."""

    def __init__(self, n: int, seed: int):
        generator = torch.Generator().manual_seed(seed)
        self.tokens = torch.randint(1, VOCABULARY, (n, LENGTH), generator=generator)

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, i: int) -> dict:
        tokens = self.tokens[i]
        return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "labels": (tokens[:2].sum() % 2).item()}


def accuracy(prediction) -> dict:
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--steps", type=int, default=12)
    args = parser.parse_args()
    if args.seed is not None:
        set_seed(args.seed)

    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=LENGTH,
    )
    model = BertForSequenceClassification(config)

    with tempfile.TemporaryDirectory() as output:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=output,
                max_steps=args.steps,
                per_device_train_batch_size=8,
                gradient_accumulation_steps=2,
                learning_rate=1e-3,
                warmup_steps=2,
                logging_steps=4,
                save_strategy="no",
                report_to="none",
                use_cpu=True,
            ),
            train_dataset=ParitySentences(128, seed=1),
            eval_dataset=ParitySentences(32, seed=2),
            compute_metrics=accuracy,
        )
        result = trainer.train()
        print("training loss", result.training_loss)
        print("evaluation", trainer.evaluate())


if __name__ == "__main__":
    main()
