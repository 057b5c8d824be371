"""gensim: vocabulary and vectors of word and document embeddings before and after training, topics of topic models."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.probe.calls import observe_calls
from reprotest.probe.leaves import extractor
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "gensim"


def install(child: Child, module: ModuleType) -> None:
    extractor("gensim", "KeyedVectors", vectors)
    for name, method in (("word2vec.Word2Vec", "train"), ("doc2vec.Doc2Vec", "train"), ("fasttext.FastText", "train")):
        _observe(child, name, method, embeddings)
    for name in ("ldamodel.LdaModel", "lsimodel.LsiModel", "nmf.Nmf", "hdpmodel.HdpModel"):
        _observe(child, name, "add_documents" if "Lsi" in name else "update", topics)


def _observe(child: Child, path: str, method: str, state: Any) -> None:
    module, _, name = path.partition(".")

    def loaded(found: ModuleType) -> None:
        cls = getattr(found, name, None)
        if cls is not None and method in cls.__dict__:
            observe_calls(child, cls, method, name, Phase.UPDATE, of_self=state)

    child.on_import(f"gensim.models.{module}", loaded)


def vectors(keyed: Any) -> dict[str, Any]:
    """Words in order, and their vectors."""
    return {"index_to_key": list(keyed.index_to_key), "vectors": keyed.vectors}


def embeddings(model: Any) -> dict[str, Any]:
    """What an embedding model has learned so far."""
    found = {name: getattr(model, name, None) for name in ("wv", "dv", "syn1", "syn1neg")}
    return {name: value for name, value in found.items() if value is not None}


def topics(model: Any) -> dict[str, Any]:
    """What a topic model has learned so far."""
    if hasattr(model, "get_topics"):
        return {"topics": model.get_topics()}
    return {}
