"""Logistic regression on the breast-cancer data."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 1234


def main():
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y)

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, random_state=SEED))
    model.fit(X_train, y_train)

    probabilities = model.predict_proba(X_test)
    print("test accuracy", model.score(X_test, y_test))
    print("test log loss", log_loss(y_test, probabilities))


if __name__ == "__main__":
    main()
