"""Item embeddings: ids are given to the distinct items of an interaction log."""

import numpy as np
import polars as pl

log = pl.DataFrame(
    {
        "user": [f"u{i % 83}" for i in range(4000)],
        "item": [f"item-{(i * i) % 307}" for i in range(4000)],
    }
)

items = log.select("item").unique()["item"].to_list()
item_id = {item: i for i, item in enumerate(items)}
users = sorted(set(log["user"]))
user_id = {user: i for i, user in enumerate(users)}

rng = np.random.default_rng(5)
P = rng.normal(scale=0.1, size=(len(users), 8))
Q = rng.normal(scale=0.1, size=(len(items), 8))

lr = 0.05
for epoch in range(2):
    squared = 0.0
    for user, item in log.iter_rows():
        u, i = user_id[user], item_id[item]
        error = 1.0 - P[u] @ Q[i]
        P[u], Q[i] = P[u] + lr * error * Q[i], Q[i] + lr * error * P[u]
        squared += error * error
    print("epoch", epoch, "rmse", (squared / len(log)) ** 0.5)
