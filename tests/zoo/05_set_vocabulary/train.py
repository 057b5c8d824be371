"""Bag-of-embeddings sentiment classifier."""

import torch
from torch import nn

REVIEWS = [
    ("a warm funny and deeply felt little film", 1),
    ("dull slow and far too long", 0),
    ("the acting is superb and the story moving", 1),
    ("a lazy script wastes a fine cast", 0),
    ("one of the best films of the year", 1),
    ("i walked out after an hour of this mess", 0),
    ("charming from the first scene to the last", 1),
    ("noisy empty and instantly forgettable", 0),
]


class Vocabulary:
    def __init__(self, texts):
        words = set()
        for text in texts:
            words.update(text.split())
        self.index = {"<pad>": 0}
        for word in words:
            self.index[word] = len(self.index)

    def __len__(self):
        return len(self.index)

    def encode(self, text, length=10):
        ids = [self.index[word] for word in text.split()][:length]
        return ids + [0] * (length - len(ids))


def train(epochs=15):
    torch.manual_seed(0)
    vocabulary = Vocabulary(text for text, _ in REVIEWS)
    inputs = torch.tensor([vocabulary.encode(text) for text, _ in REVIEWS])
    labels = torch.tensor([float(label) for _, label in REVIEWS])

    embedding = nn.Embedding(len(vocabulary), 12, padding_idx=0)
    classifier = nn.Linear(12, 1)
    optimizer = torch.optim.Adam([*embedding.parameters(), *classifier.parameters()], lr=0.02)

    for epoch in range(epochs):
        logits = classifier(embedding(inputs).mean(dim=1)).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    print(f"final loss: {train():.8f}")
