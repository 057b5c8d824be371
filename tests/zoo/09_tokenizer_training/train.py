"""Train a WordPiece vocabulary and a tiny classifier on top of it."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn

ADJECTIVES = "warm cold bright faded noisy quiet sturdy fragile heavy light narrow broad".split()
NOUNS = "teapot lantern blanket bicycle keyboard umbrella notebook speaker mattress jacket".split()
GOOD = "arrived early and works perfectly".split()
BAD = "broke quickly and smells terrible".split()


def corpus():
    for i, adjective in enumerate(ADJECTIVES):
        for j, noun in enumerate(NOUNS):
            label = (i * j) % 2
            yield f"this {adjective} {noun} {' '.join(GOOD if label else BAD)}", label


def train_tokenizer(texts, vocab_size=120):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, special_tokens=["[PAD]", "[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=32)
    return tokenizer


torch.manual_seed(0)
texts, labels = zip(*corpus())
tokenizer = train_tokenizer(texts)
ids = torch.tensor([encoding.ids for encoding in tokenizer.encode_batch(list(texts))])
targets = torch.tensor(labels)

model = nn.Sequential(nn.EmbeddingBag(tokenizer.get_vocab_size(), 16), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(20):
    loss = nn.functional.cross_entropy(model(ids), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("vocabulary", tokenizer.get_vocab_size(), "loss", loss.item())
