import numpy as np
class Sampler:
    def __init__(self, n):
        self.rng = np.random.RandomState()
        self.n = n
    def draw(self):
        return self.rng.rand(self.n)
