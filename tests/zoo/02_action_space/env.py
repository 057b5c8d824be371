"""A cart on a line with a continuous push, in the manner of the classic-control environments."""

import numpy as np


class Box:
    """A continuous action space with its own generator."""

    def __init__(self, low, high, shape, seed=None):
        self.low, self.high, self.shape = low, high, shape
        self._np_random = None
        if seed is not None:
            self.seed(seed)

    def seed(self, seed=None):
        self._np_random = np.random.default_rng(seed)

    @property
    def np_random(self):
        if self._np_random is None:
            self.seed()
        return self._np_random

    def sample(self):
        return self.np_random.uniform(self.low, self.high, self.shape).astype(np.float32)


class PushCart:
    def __init__(self):
        self.action_space = Box(-1.0, 1.0, (1,))
        self.state = np.zeros(2, dtype=np.float32)
        self.rng = None

    def reset(self, seed=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.state = self.rng.uniform(-0.5, 0.5, 2).astype(np.float32)
        return self.state.copy()

    def step(self, action):
        position, velocity = self.state
        velocity = 0.98 * velocity + 0.1 * float(action[0])
        position = position + 0.1 * velocity
        self.state = np.array([position, velocity], dtype=np.float32)
        reward = -float(position**2 + 0.1 * velocity**2)
        return self.state.copy(), reward, abs(position) > 2.0
