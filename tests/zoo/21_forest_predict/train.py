"""Stacking: the forest's prediction becomes a feature of a linear model."""

import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

SEED = 0

X, y = make_friedman1(n_samples=1500, noise=1.0, random_state=SEED)
X_base, X_meta, y_base, y_meta = train_test_split(X, y, test_size=0.5, random_state=SEED)

forest = RandomForestRegressor(n_estimators=120, max_depth=10, n_jobs=-1, random_state=SEED)
forest.fit(X_base, y_base)

stacked = np.column_stack([X_meta, forest.predict(X_meta)])
meta = LinearRegression().fit(stacked, y_meta)

print("forest coefficient:", meta.coef_[-1])
print("residual:", np.sum((meta.predict(stacked) - y_meta) ** 2))
