"""Gradient boosting on all cores, with bagging and feature sampling."""

import lightgbm as lgb
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split


def main():
    X, y = make_classification(n_samples=4000, n_features=20, n_informative=8, random_state=0)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
    params = {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.1,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "feature_fraction": 0.6,
        "seed": 42,
        "num_threads": 2,
        "verbosity": -1,
    }
    booster = lgb.train(params, lgb.Dataset(X_train, y_train), num_boost_round=60)
    probabilities = booster.predict(X_valid)
    print("log loss", log_loss(y_valid, probabilities))
    print("importance", np.argsort(booster.feature_importance())[::-1][:5].tolist())


if __name__ == "__main__":
    main()
