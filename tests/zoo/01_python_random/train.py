"""Negative sampling for a bigram skip-gram model."""

import random

import torch
import torch.nn.functional as F
from torch import nn

TEXT = """the quick brown fox jumps over the lazy dog while the small cat sleeps near the warm
stove and the old man reads a long letter from a distant friend who lives by the sea""".split()


def build_pairs(tokens, window=2):
    pairs = []
    for i, center in enumerate(tokens):
        for j in range(max(0, i - window), min(len(tokens), i + window + 1)):
            if i != j:
                pairs.append((center, tokens[j]))
    return pairs


def sample_negatives(vocabulary, k):
    return [random.randrange(len(vocabulary)) for _ in range(k)]


def main():
    torch.manual_seed(0)
    vocabulary = sorted(set(TEXT))
    index = {word: i for i, word in enumerate(vocabulary)}
    pairs = build_pairs([index[word] for word in TEXT])

    center_vectors = nn.Embedding(len(vocabulary), 16)
    context_vectors = nn.Embedding(len(vocabulary), 16)
    parameters = list(center_vectors.parameters()) + list(context_vectors.parameters())
    optimizer = torch.optim.SGD(parameters, lr=0.05)

    for step, (center, context) in enumerate(pairs[:60]):
        negatives = sample_negatives(vocabulary, k=5)
        c = center_vectors(torch.tensor(center))
        positive_score = c @ context_vectors(torch.tensor(context))
        negative_scores = context_vectors(torch.tensor(negatives)) @ c
        loss = -F.logsigmoid(positive_score) - F.logsigmoid(-negative_scores).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step:3d} loss {loss.item():.6f}")


if __name__ == "__main__":
    main()
