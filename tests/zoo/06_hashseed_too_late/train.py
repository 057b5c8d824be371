"""Linear tagger with one weight vector per tag."""

import os
import random

import numpy as np
import torch


def seed_everything(seed=2024):
    os.environ["PYTHONHASHSEED"] = str(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)


SENTENCES = [
    [("the", "DET"), ("dog", "NOUN"), ("barks", "VERB"), ("loudly", "ADV")],
    [("a", "DET"), ("small", "ADJ"), ("bird", "NOUN"), ("sings", "VERB")],
    [("she", "PRON"), ("quickly", "ADV"), ("reads", "VERB"), ("books", "NOUN")],
    [("in", "ADP"), ("old", "ADJ"), ("towns", "NOUN"), ("they", "PRON"), ("walk", "VERB")],
]

seed_everything()

tags = list({tag for sentence in SENTENCES for _, tag in sentence})
tag_id = {tag: i for i, tag in enumerate(tags)}
words = sorted({word for sentence in SENTENCES for word, _ in sentence})
word_id = {word: i for i, word in enumerate(words)}

tokens = [pair for sentence in SENTENCES for pair in sentence]
x = torch.tensor([word_id[word] for word, _ in tokens])
y = torch.tensor([tag_id[tag] for _, tag in tokens])

model = torch.nn.Sequential(torch.nn.Embedding(len(words), 8), torch.nn.Linear(8, len(tags)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
for step in range(20):
    loss = torch.nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("loss", loss.item())
