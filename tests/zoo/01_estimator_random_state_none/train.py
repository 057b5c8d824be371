"""Cluster customers, then classify by distance to the centres."""

from sklearn.cluster import KMeans
from sklearn.datasets import load_wine
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler


def build():
    return Pipeline(
        [
            ("scale", MinMaxScaler()),
            ("cluster", KMeans(n_clusters=9, n_init=1)),
            ("classify", SGDClassifier(loss="log_loss", max_iter=2000, random_state=0)),
        ]
    )


if __name__ == "__main__":
    x, y = load_wine(return_X_y=True)
    pipeline = build()
    pipeline.fit(x, y)
    print("inertia", pipeline["cluster"].inertia_)
    print("training accuracy", pipeline.score(x, y))
