"""Grid search over two processes; results are kept by index, whatever finishes first."""

from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold


def tree_depths(forest):
    return Parallel(n_jobs=2, prefer="threads")(delayed(lambda t: t.get_depth())(t) for t in forest.estimators_)


def main():
    x, y = load_digits(return_X_y=True)
    search = GridSearchCV(
        RandomForestClassifier(n_estimators=12, random_state=0, n_jobs=1),
        {"max_depth": [4, 8], "max_features": [0.2, "sqrt"]},
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        n_jobs=2,
    )
    search.fit(x[:600], y[:600])
    print("best", search.best_params_, search.best_score_)
    print("scores", search.cv_results_["mean_test_score"].tolist())
    print("depths", tree_depths(search.best_estimator_))


if __name__ == "__main__":
    main()
