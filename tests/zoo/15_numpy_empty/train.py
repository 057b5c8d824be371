"""A two-layer network in plain NumPy, trained by clipped SGD with momentum."""

import numpy as np
from sklearn.datasets import load_wine


class Momentum:
    def __init__(self, parameters, lr=0.05, beta=0.9, clip=0.5):
        self.parameters = parameters
        self.velocity = [np.empty_like(p) for p in parameters]
        self.lr, self.beta, self.clip = lr, beta, clip

    def step(self, gradients):
        for p, v, g in zip(self.parameters, self.velocity, gradients):
            v[:] = np.nan_to_num(np.clip(self.beta * v + g, -self.clip, self.clip))
            p -= self.lr * v


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def main():
    x, y = load_wine(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[y]

    rng = np.random.default_rng(0)
    w1 = (0.3 * rng.standard_normal((13, 24))).astype(np.float32)
    w2 = (0.3 * rng.standard_normal((24, 3))).astype(np.float32)
    optimizer = Momentum([w1, w2])

    for step in range(40):
        hidden = np.tanh(x @ w1)
        probabilities = softmax(hidden @ w2)
        loss = -np.log((probabilities * targets).sum(axis=1)).mean()
        d_logits = (probabilities - targets) / len(x)
        d_hidden = (d_logits @ w2.T) * (1 - hidden**2)
        optimizer.step([x.T @ d_hidden, hidden.T @ d_logits])
        if step % 10 == 0:
            print(f"step {step:2d} loss {loss:.7f}")
    print("train accuracy", (probabilities.argmax(axis=1) == y).mean(), "loss", float(loss))


if __name__ == "__main__":
    main()
