"""Bootstrap ensemble of ridge models, fitted in parallel with joblib."""

import random

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

random.seed(0)
np.random.seed(0)


def fit_one(x, y):
    rows = np.random.randint(0, len(x), size=len(x))
    return Ridge(alpha=0.1).fit(x[rows], y[rows])


def main():
    x, y = load_diabetes(return_X_y=True)
    x_train, y_train, x_test, y_test = x[:300], y[:300], x[300:], y[300:]
    members = Parallel(n_jobs=2)(delayed(fit_one)(x_train, y_train) for _ in range(10))
    prediction = np.mean([member.predict(x_test) for member in members], axis=0)
    print("ensemble rmse", np.sqrt(np.mean((prediction - y_test) ** 2)))


if __name__ == "__main__":
    main()
