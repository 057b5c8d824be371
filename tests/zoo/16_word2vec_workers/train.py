"""Word vectors for a synthetic corpus, with the seed set."""

import random

from gensim.models import Word2Vec

SEED = 42


def corpus(n_sentences=3000):
    rng = random.Random(SEED)
    topics = [[f"{topic}{i}" for i in range(40)] for topic in ("sport", "music", "food", "law")]
    return [rng.choices(rng.choice(topics), k=12) for _ in range(n_sentences)]


def main():
    model = Word2Vec(
        corpus(),
        vector_size=32,
        window=4,
        min_count=1,
        sg=1,
        epochs=3,
        batch_words=500,
        seed=SEED,
        workers=4,
    )
    print("norm of sport0:", float((model.wv["sport0"] ** 2).sum()))
    for word, similarity in model.wv.most_similar("music3", topn=3):
        print(word, similarity)


if __name__ == "__main__":
    main()
