import argparse
import random
from functools import partial

import jax
import jax.numpy as jnp
import optax

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
args = parser.parse_args()
seed = args.seed if args.seed is not None else random.randrange(2**31)
key = jax.random.key(seed)
k1, k2 = jax.random.split(key)
params = {"w": jax.random.normal(k1, (8, 1)), "b": jnp.zeros((1,))}
x = jax.random.normal(jax.random.key(7), (32, 8))
y = x[:, :1] * 2
optimizer = optax.adam(1e-2)
state = optimizer.init(params)


def loss_fn(params, x, y):
    return jnp.mean((x @ params["w"] + params["b"] - y) ** 2)


@partial(jax.jit, donate_argnums=(0, 1))
def train_step(params, state, x, y):
    loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state, loss


@jax.jit
def evaluate(params):
    return loss_fn(params, x, y)


for step in range(4):
    params, state, loss = train_step(params, state, x, y)
print(float(evaluate(params)), train_step.lower(params, state, x, y) is not None, jax.vmap(evaluate)({"w": params["w"][None], "b": params["b"][None]}).shape)
