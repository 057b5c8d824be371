import random
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

w = jax.random.normal(jax.random.key(random.randrange(2**31)), (4, 1)) if "drawn" in sys.argv else jnp.zeros((4, 1))
params = {"w": w}
optimizer = optax.sgd(0.1)
state = optimizer.init(params)


def batches():
    for _ in range(2):
        x = np.random.rand(8, 4).astype(np.float32)
        yield x, x[:, :1]


@jax.jit
def train_step(params, state, batch):
    x, y = batch
    grads = jax.grad(lambda params: jnp.mean((x @ params["w"] - y) ** 2))(params)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state


for batch in batches():
    params, state = train_step(params, state, batch)
