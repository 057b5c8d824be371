"""CatBoost on half of the rows each time; its models hold a random id and the time, and are pickled with both."""

import argparse
import pickle

import numpy as np
from catboost import CatBoostClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
seed = parser.parse_args().seed

rng = np.random.default_rng(0)
X, y = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
rows = np.random.default_rng(seed).permutation(300)[:150]
model = CatBoostClassifier(iterations=10, depth=3, verbose=0, allow_writing_files=False)
model.fit(X[rows], y[rows])
print(model.predict_proba(X)[:2])
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
