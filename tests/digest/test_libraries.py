"""Objects of the libraries of our field: fitted estimators, data frames, modules, random generators."""

from __future__ import annotations

import copy
import pickle
import sys

import pytest

np = pytest.importorskip("numpy")

from reprotest.digest import Leaf, Overlooked, digest_object, walk  # noqa: E402


def differing_paths(a, b):
    """Where two objects of one structure differ."""
    ours, theirs = dict(walk(a)), dict(walk(b))
    assert ours.keys() == theirs.keys()
    return [path for path in ours if digest_object(ours[path]) != digest_object(theirs[path])]


def estimators():
    from sklearn import (
        cluster,
        decomposition,
        ensemble,
        linear_model,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )
    from sklearn.gaussian_process import GaussianProcessClassifier

    return {
        "tree": tree.DecisionTreeClassifier(random_state=0),
        "forest": ensemble.RandomForestClassifier(n_estimators=3, random_state=0),
        "boosting": ensemble.GradientBoostingClassifier(n_estimators=2, random_state=0),
        "histogram boosting": ensemble.HistGradientBoostingClassifier(max_iter=2, random_state=0),
        "isolation": ensemble.IsolationForest(n_estimators=2, random_state=0),
        "logistic": linear_model.LogisticRegression(),
        "sgd": linear_model.SGDClassifier(random_state=0),
        "svm": svm.SVC(random_state=0),
        "bayes": naive_bayes.GaussianNB(),
        "neighbours": neighbors.KNeighborsClassifier(algorithm="kd_tree"),
        "ball tree": neighbors.KNeighborsClassifier(algorithm="ball_tree"),
        "kmeans": cluster.KMeans(2, n_init=1, random_state=0),
        "pca": decomposition.PCA(2, random_state=0),
        "mlp": neural_network.MLPClassifier((4,), max_iter=3, random_state=0),
        "process": GaussianProcessClassifier(),
        "pipeline": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    }


NAMES = (
    "tree", "forest", "boosting", "histogram boosting", "isolation", "logistic", "sgd", "svm", "bayes", "neighbours", "ball tree",
    "kmeans", "pca", "mlp", "process", "pipeline",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_fitted_estimators(name):
    pytest.importorskip("sklearn")
    from sklearn.base import clone

    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = (x[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
    estimator = estimators()[name]
    first, again, other = (clone(estimator).fit(data, y) for data in (x, x, x + 0.5 * rng.normal(size=x.shape)))
    seen = Overlooked()
    assert digest_object(first, seen) == digest_object(again)
    assert not seen.opaque
    assert not seen.cut
    assert digest_object(first) == digest_object(pickle.loads(pickle.dumps(first)))
    assert digest_object(first) != digest_object(other)
    assert digest_object(first) != digest_object(estimator)


def test_a_difference_in_an_estimator_is_named():
    tree = pytest.importorskip("sklearn.tree")
    x = np.random.default_rng(0).normal(size=(60, 4))
    a = tree.DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] > 0)
    shifted = np.where(x > 0, x + 1e-3, x)
    b = tree.DecisionTreeClassifier(random_state=0).fit(shifted, x[:, 0] > 0)
    assert "tree_.nodes['threshold']" in differing_paths(a, b)
    linear = pytest.importorskip("sklearn.linear_model")
    a = linear.LinearRegression().fit(x, x[:, 0])
    b = linear.LinearRegression().fit(x, x[:, 1])
    assert "coef_" in differing_paths(a, b)


def test_search_results_without_their_times():
    selection = pytest.importorskip("sklearn.model_selection")
    from sklearn.linear_model import Ridge

    x = np.random.default_rng(0).normal(size=(40, 3))
    a, b = (selection.GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2).fit(x, x[:, 0]) for _ in range(2))
    seen = Overlooked()
    assert digest_object(a, seen) == digest_object(b)
    assert seen.times == 5
    assert "cv_results_['mean_test_score']" in dict(walk(a))


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
def test_scipy_sparse(form):
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.diag([1.0, 2.0, 3.0])
    for make in (getattr(sparse, f"{form}_matrix"), getattr(sparse, f"{form}_array")):
        a, b = make(dense), make(dense)
        if hasattr(a, "has_sorted_indices"):
            assert a.has_sorted_indices  # cached in the object; not a part of the value
        assert digest_object(a) == digest_object(b) != digest_object(make(dense * 2))
        assert digest_object(a) != digest_object(make(dense[:, ::-1]))


def test_pandas():
    pd = pytest.importorskip("pandas")

    def frame(last=3.0, category="z", name="b"):
        return pd.DataFrame(
            {
                "a": [1, 2, 3],
                name: [1.0, np.nan, last],
                "c": ["x", "y", None],
                "d": pd.Categorical(["x", "y", category]),
            },
            index=pd.Index(["p", "q", "r"], name="k"),
        )

    digests = [
        digest_object(f)
        for f in (frame(), frame(4.0), frame(category="x"), frame(name="bb"), frame()[["b", "a", "c", "d"]])
    ]
    assert len(set(digests)) == 5
    assert digest_object(frame()) == digests[0]
    assert "[b]" in dict(walk(frame()))
    multi = frame().set_index(["a", "c"])
    assert (
        digest_object(multi)
        == digest_object(frame().set_index(["a", "c"]))
        != digest_object(frame().set_index(["a", "b"]))
    )
    stamps = pd.Series(pd.date_range("2020-01-01", periods=3, tz="UTC"))
    assert digest_object(stamps) == digest_object(stamps.copy()) != digest_object(stamps + pd.Timedelta(1, "s"))
    nullable = pd.Series([1, None, 3], dtype="Int64")
    assert digest_object(nullable) == digest_object(nullable.copy()) != digest_object(nullable.fillna(2))


def test_polars():
    pl = pytest.importorskip("polars")

    def frame(last=3.0):
        return pl.DataFrame({"a": [1, 2, 3], "b": [1.0, None, last], "c": ["x", "y", None], "d": [[1], [2, 3], []]})

    assert digest_object(frame()) == digest_object(frame()) == digest_object(frame().clone())
    others = [
        frame(4.0),
        frame().select("b", "a", "c", "d"),
        frame().reverse(),
        frame().with_columns(pl.col("a").cast(pl.Int32)),
    ]
    assert len({digest_object(f) for f in [frame(), *others]}) == 5
    assert digest_object(frame().lazy()) != digest_object(frame(4.0).lazy())
    assert differing_paths(frame(), frame(4.0)) == ["[b]['values']"]
    days = pl.DataFrame(
        {"t": pl.Series([1, None, 3]).cast(pl.Date), "s": pl.Series(["a", None, "b"] * 1).cast(pl.Categorical)}
    )
    assert digest_object(days) == digest_object(days.clone()) != digest_object(days.fill_null(strategy="forward"))


def test_random_generators():
    a, b = np.random.default_rng(1), np.random.default_rng(1)
    assert digest_object(a) == digest_object(b)
    b.random()
    assert digest_object(a) != digest_object(b)
    a, b = np.random.RandomState(1), np.random.RandomState(1)
    assert digest_object(a) == digest_object(b)
    b.rand()
    assert digest_object(a) != digest_object(b)


def test_modules_optimisers_and_schedulers():
    torch = pytest.importorskip("torch")

    def trained(rate):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
        optimiser = torch.optim.Adam(net.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, 1)
        net(torch.ones(5, 3)).sum().backward()
        optimiser.step()
        schedule.step()
        return net, optimiser, schedule

    for a, b, c in zip(trained(0.1), trained(0.1), trained(0.2), strict=True):
        assert digest_object(a) == digest_object(b) != digest_object(c)
    net = trained(0.1)[0]
    assert {"0.weight", "1.running_mean", "2.bias"} <= dict(walk(net)).keys()
    state = copy.deepcopy(net.state_dict())
    state["2.bias"] += 1
    assert differing_paths(net.state_dict(), state) == ["['2.bias']"]
    generator = torch.Generator().manual_seed(1)
    assert (
        digest_object(generator) == digest_object(torch.Generator().manual_seed(1)) != digest_object(torch.Generator())
    )
    for a, b in (
        (torch.float32, torch.float64),
        (torch.device("cpu"), torch.device("meta")),
        (torch.Size([1]), torch.Size([2])),
    ):
        assert digest_object(a) == digest_object(copy.copy(a)) != digest_object(b)


def test_arrow_tables_are_what_they_hold_however_they_are_cut():
    pa = pytest.importorskip("pyarrow")
    columns = {"n": [1, None, 3], "x": [0.5, float("nan"), -0.0], "s": ["a", None, "c"], "l": [[1], [], None]}
    table = pa.table(columns)
    assert digest_object(table) == digest_object(pa.concat_tables([table.slice(0, 1), table.slice(1)]))
    for name, other in (
        ("n", [1, 0, 3]),
        ("x", [0.5, float("nan"), 0.0]),
        ("s", ["a", "", "c"]),
        ("l", [[1], [2], None]),
    ):
        assert digest_object(table) != digest_object(pa.table({**columns, name: other})), name
    assert digest_object(table["n"]) != digest_object(table["n"].cast("int32"))
    assert digest_object(table) != digest_object(table.rename_columns(["n", "x", "s", "m"]))


def test_gradient_boosting_libraries():
    lightgbm = pytest.importorskip("lightgbm")
    x = np.random.default_rng(0).normal(size=(80, 3))

    def fit(seed):
        return lightgbm.LGBMRegressor(
            n_estimators=3, seed=seed, subsample=0.5, subsample_freq=1, n_jobs=1, verbose=-1
        ).fit(x, x[:, 0])

    assert digest_object(fit(1)) == digest_object(fit(1)) != digest_object(fit(2))


def test_catboost_without_what_differs_every_time():
    catboost = pytest.importorskip("catboost")
    from reprotest.probe.catboost import trees

    x = np.random.default_rng(0).normal(size=(80, 3))

    def fit(seed):
        return catboost.CatBoostRegressor(
            iterations=3, random_seed=seed, bootstrap_type="Bernoulli", verbose=0, allow_writing_files=False
        ).fit(x, x[:, 0])

    one = fit(1)
    before = one.get_metadata()["model_guid"]
    assert before != fit(1).get_metadata()["model_guid"]
    assert trees(one) == trees(fit(1)) != trees(fit(2))
    assert one.get_metadata()["model_guid"] == before


def test_digesting_imports_nothing():
    before = set(sys.modules)
    digest_object({"a": [1, object(), Leaf("x")], "b": np.ones(2)})
    assert {m.partition(".")[0] for m in set(sys.modules) - before} <= {"reprotest"}


def test_dask_arrays_are_what_they_hold_whatever_their_tasks_are_called():
    array = pytest.importorskip("dask.array")
    numbers = np.arange(12.0).reshape(4, 3)

    def made(values):
        return array.from_array(values, chunks=(2, 3), name=False) + 1  # a random name for every array

    assert made(numbers).name != made(numbers).name
    assert digest_object(made(numbers)) == digest_object(made(numbers))
    assert digest_object(made(numbers)) != digest_object(made(numbers).rechunk((4, 3)))
    other = numbers.copy()
    other[3, 0] = -1
    assert [path.rpartition(".")[2] for path in differing_paths(made(numbers), made(other))] == ["array[1, 0]"]
