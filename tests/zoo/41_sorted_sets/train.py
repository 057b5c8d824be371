"""Sets and arrival order are used everywhere, and never reach the numbers."""

from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import torch
from torch import nn

DOCUMENTS = [
    "red apples and green pears",
    "green cars and red trucks",
    "ripe pears ripe plums",
    "fast cars fast trains",
    "sweet plums and sweet apples",
    "old trains and old trucks",
]
LABELS = [0, 1, 0, 1, 0, 1]
STOP_WORDS = frozenset({"and", "or", "the"})


class Document:
    def __init__(self, text, label):
        self.text, self.label = text, label


def count(text, index):
    row = np.zeros(len(index), dtype=np.float32)
    for word in text.split():
        if word not in STOP_WORDS:
            row[index[word]] += 1
    return row


def main():
    torch.manual_seed(0)
    documents = [Document(text, label) for text, label in zip(DOCUMENTS, LABELS)]
    words = {word for document in documents for word in document.text.split()} - STOP_WORDS
    index = {word: i for i, word in enumerate(sorted(words))}
    print("words seen:", len(words), "first:", min(words), "last:", max(words))

    rows = [None] * len(documents)
    with ThreadPoolExecutor(max_workers=4) as pool:
        pending = {pool.submit(count, document.text, index): i for i, document in enumerate(documents)}
        for future in as_completed(pending):
            rows[pending[future]] = future.result()

    position = {id(document): i for i, document in enumerate(documents)}
    order = sorted({*documents}, key=lambda document: position[id(document)])
    x = torch.from_numpy(np.stack(rows))
    y = torch.tensor([document.label for document in order])

    model = nn.Linear(len(index), 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    seen = set()
    for step in range(20):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.add(f"step-{step}")
    print("steps", len(seen), "loss", loss.item())


if __name__ == "__main__":
    main()
