"""Intent classifier: label ids from a set, word dropout from an unseeded generator."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

UTTERANCES = {
    "greeting": ["hello there", "good morning to you", "hey how is it going"],
    "goodbye": ["see you later", "bye for now", "have a good evening"],
    "weather": ["will it rain today", "how warm is it outside", "is it going to snow"],
    "alarm": ["wake me at seven", "set an alarm for six", "remind me in an hour"],
    "music": ["play some jazz", "turn the volume up", "skip this song"],
}


class Intents(Dataset):
    def __init__(self, word_dropout=0.2):
        pairs = [(text, intent) for intent, texts in UTTERANCES.items() for text in texts]
        self.words = sorted({word for text, _ in pairs for word in text.split()})
        self.labels = {}
        for intent in {intent for _, intent in pairs}:
            self.labels[intent] = len(self.labels)
        self.pairs = pairs
        self.rng = np.random.default_rng()
        self.word_dropout = word_dropout

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        text, intent = self.pairs[i]
        bag = torch.zeros(len(self.words))
        for word in text.split():
            if self.rng.random() > self.word_dropout:
                bag[self.words.index(word)] += 1
        return bag, self.labels[intent]


torch.manual_seed(0)
dataset = Intents()
loader = DataLoader(dataset, batch_size=5, shuffle=True)
model = nn.Sequential(nn.Linear(len(dataset.words), 12), nn.ReLU(), nn.Linear(12, len(dataset.labels)))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(4):
    for bags, labels in loader:
        loss = nn.functional.cross_entropy(model(bags), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.6f}")
