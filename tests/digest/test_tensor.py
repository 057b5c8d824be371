"""A tensor's digest is a function of dtype, shape and bits, whatever the tensor is made of."""

from __future__ import annotations

import struct
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from reprotest.digest import ALGORITHM, digest_object, digest_tensor, fingerprint, sketch, tensor_row  # noqa: E402
from reprotest.digest import tensor as module  # noqa: E402
from reprotest.digest.algorithm import hash128  # noqa: E402

DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz,
    torch.complex32, torch.complex64, torch.complex128,
    torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool,
]  # fmt: skip


def some(dtype: torch.dtype, *shape: int, seed: int = 0) -> torch.Tensor:
    """A tensor of any dtype with arbitrary bits (valid ones for bool)."""
    generator = torch.Generator().manual_seed(seed)
    size = dtype.itemsize
    count = size * int(torch.tensor(shape).prod()) if shape else size
    raw = torch.randint(0, 2 if dtype is torch.bool else 256, (count,), dtype=torch.uint8, generator=generator)
    return raw.view(dtype).reshape(shape)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_has_digests_that_see_each_bit(dtype):
    t = some(dtype, 5, 7)
    seen = {digest_tensor(t)}
    for byte in (0, 1, t.nbytes // 2, t.nbytes - 1):
        changed = t.clone()
        flat = changed.reshape(-1).view(torch.uint8)
        flat[byte] ^= 1
        seen.add(digest_tensor(changed))
    assert len(seen) >= 4  # byte 1 is byte 0's neighbour or, in one-byte dtypes, another element
    assert all(len(digest) == 16 for digest in seen)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_strides_do_not_matter(dtype):
    t = some(dtype, 4, 6)
    wide = some(dtype, 8, 12, seed=1)
    wide[::2, ::2] = t
    for view in (t.t().contiguous().t(), wide[::2, ::2], t.clone(), t.reshape(24)[:].reshape(4, 6)):
        assert digest_tensor(view) == digest_tensor(t)
        assert tensor_row(view)[0] == digest_tensor(t)


def test_order_dtype_and_shape_matter():
    t = torch.arange(6, dtype=torch.int32)
    others = [
        t.flip(0),
        t.reshape(2, 3),
        t.reshape(3, 2),
        t.reshape(1, 6),
        t.view(torch.float32),
        t.to(torch.int64),
        t[:5],
    ]
    assert len({digest_tensor(x) for x in [t, *others]}) == 8


def test_sees_the_sign_of_zero_and_the_payload_of_nan():
    bits = torch.tensor([0x7FC00000, 0x7FC00001], dtype=torch.int32).view(torch.float32)
    assert digest_tensor(bits[:1]) != digest_tensor(bits[1:])
    assert digest_tensor(torch.tensor(0.0)) != digest_tensor(torch.tensor(-0.0))
    # Where torch's own XOR hash is blind:
    assert digest_tensor(torch.tensor([3, 3])) != digest_tensor(torch.tensor([7, 7]))


def test_the_same_bits_whatever_wraps_them():
    t = torch.randn(3, 4)
    base = torch.zeros(10, 10)
    base[3:6, 2:6] = t
    layer = torch.nn.Linear(4, 3)
    layer.weight.data.copy_(t)
    for same in (
        t.requires_grad_(),
        torch.nn.Parameter(t.detach()),
        base[3:6, 2:6],
        layer.weight,
        torch.nn.Buffer(t.detach()),
    ):
        assert digest_tensor(same) == digest_tensor(t)


def test_expanded_and_overlapping_views():
    row = torch.randn(1, 5)
    assert digest_tensor(row.expand(4, 5)) == digest_tensor(row.repeat(4, 1))
    windows = torch.arange(10.0).unfold(0, 4, 1)
    assert digest_tensor(windows) == digest_tensor(windows.clone())


def test_conjugate_and_negative_views_are_resolved():
    t = torch.randn(3, dtype=torch.complex64)
    assert digest_tensor(t.conj()) == digest_tensor(torch.conj_physical(t)) != digest_tensor(t)
    one = torch.tensor([1 + 2j])
    negative = one.conj().imag
    assert negative.is_neg()
    assert negative.is_contiguous()
    assert digest_tensor(negative) == digest_tensor(torch.tensor([-2.0]))
    assert digest_tensor(one.imag) == digest_tensor(torch.tensor([2.0]))  # the sign is not remembered by shape


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (1,), (1, 1, 1)])
def test_scalars_and_empty_tensors(shape):
    t = torch.ones(shape)
    assert digest_tensor(t) == digest_tensor(t.clone())
    others = [torch.ones(s) for s in [(), (0,), (0, 3), (3, 0), (1,), (1, 1, 1)] if s != shape]
    assert digest_tensor(t) not in {digest_tensor(other) for other in others}


@pytest.mark.parametrize("layout", ["sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"])
def test_sparse_tensors_are_split(layout):
    dense = torch.zeros(4, 4)
    dense[1, 2], dense[3, 0] = 1.5, -2.5
    moved = dense.flip(1)

    def sparse(t: torch.Tensor) -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            blocks = {"blocksize": (2, 2)} if "bs" in layout else {}
            return t.to_sparse(layout=getattr(torch, layout), **blocks)

    assert digest_tensor(sparse(dense)) == digest_tensor(sparse(dense))
    assert len({digest_tensor(sparse(t)) for t in (dense, moved, dense * 2)} | {digest_tensor(dense)}) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert digest_tensor(sparse(dense).to(torch.float64)) != digest_tensor(sparse(dense))


def test_quantised_tensors_include_their_scale():
    t = torch.randn(8)
    quantise = torch.quantize_per_tensor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a, b, c = (
            quantise(t, 0.1, 0, torch.quint8),
            quantise(t, 0.1, 0, torch.quint8),
            quantise(t * 2, 0.2, 0, torch.quint8),
        )
        channel = torch.quantize_per_channel(
            t.reshape(2, 4), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.qint8
        )
    assert digest_tensor(a) == digest_tensor(b)
    assert torch.equal(a.int_repr(), c.int_repr())
    assert digest_tensor(a) != digest_tensor(c)
    assert len(digest_tensor(channel)) == 16


def test_nested_tensors():
    parts = [torch.randn(2, 3), torch.randn(4, 3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for layout in (torch.strided, torch.jagged):
            a = torch.nested.nested_tensor(parts, layout=layout)
            b = torch.nested.nested_tensor([parts[0], parts[1] + 1], layout=layout)
            assert (
                digest_tensor(a) == digest_tensor(torch.nested.nested_tensor(parts, layout=layout)) != digest_tensor(b)
            )


def test_mkldnn_tensors():
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this PyTorch has no oneDNN")
    t = torch.randn(2, 3, 4, 4)
    assert digest_tensor(t.to_mkldnn()) == digest_tensor(t.clone().to_mkldnn()) != digest_tensor((t + 1).to_mkldnn())


def test_tensors_without_data_give_dtype_and_shape():
    from torch._subclasses.fake_tensor import FakeTensorMode

    meta = torch.empty(3, device="meta")
    assert (
        digest_tensor(meta)
        == digest_tensor(torch.empty(3, device="meta"))
        != digest_tensor(torch.empty(4, device="meta"))
    )
    with FakeTensorMode() as mode:
        fake = mode.from_tensor(torch.ones(3))
        assert digest_tensor(fake) == digest_tensor(mode.from_tensor(torch.zeros(3)))


def test_a_freed_storage_is_not_read():
    t = torch.randn(1000)
    strided = t[::2]
    t.untyped_storage().resize_(0)
    assert len(digest_tensor(t)) == 16
    assert len(digest_tensor(strided)) == 16
    t.untyped_storage().resize_(40)
    assert len(digest_tensor(t)) == 16


def test_inside_function_transforms():
    seen = []

    def f(x):
        seen.append(digest_tensor(x))
        return (x * x).sum()

    torch.func.vmap(f)(torch.randn(3, 4))
    torch.func.grad(f)(torch.randn(4))
    assert [len(digest) for digest in seen] == [16, 16]


def test_uninitialised_parameters_and_subclasses():
    assert len(digest_tensor(torch.nn.LazyLinear(3).weight)) == 16

    class Mine(torch.Tensor):
        pass

    t = torch.randn(3, 4)
    assert digest_tensor(t.as_subclass(Mine)) == digest_tensor(t)
    assert digest_tensor(t.t().as_subclass(Mine)) == digest_tensor(t.t())


def test_a_tensor_that_changes_under_its_name():
    t = torch.randn(4, 4)
    seen = set()
    for change in (
        lambda: None,
        lambda: t.add_(1),
        lambda: setattr(t, "data", t.data.t()),  # same address, same shape, other strides
        lambda: setattr(t, "data", t.data[:2]),
        lambda: setattr(t, "data", t.data.view(torch.int32)),
        lambda: setattr(t, "data", torch.randn(7)),
        lambda: t.resize_(3),
        lambda: setattr(t, "data", torch.empty(0)),
        lambda: setattr(t, "data", torch.randn(2, dtype=torch.complex64).conj()),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            change()
        assert digest_tensor(t) == digest_tensor(t.detach().clone())
        seen.add(digest_tensor(t))
    assert len(seen) == 9


def test_plain_memory_is_what_is_digested():
    t = torch.randn(3, 4)
    memory, layout = module.plain_memory(t)
    assert hash128(memory, layout.seed) == digest_tensor(t)
    assert (layout.name, layout.shape, layout.nbytes) == ("float32", (3, 4), 48)
    assert (hash128(memory, layout.seed), *layout.sketch(memory)) == tensor_row(t)
    for other in (t.t(), t.to_sparse(), torch.empty(0), torch.empty(2, device="meta")):
        assert module.plain_memory(other) == (None, None)


def test_large_tensors_are_read_in_parts_with_the_same_digest(monkeypatch):
    t = torch.randn(6, 10, 4)
    whole = tensor_row(t)
    monkeypatch.setattr(module, "_CHUNK", 100)
    for view in (
        t.transpose(0, 2).contiguous().transpose(0, 2),
        t.transpose(1, 2).contiguous().transpose(1, 2),
        t[None][:, :, :, :][0],
    ):
        digest, a, b = tensor_row(view)
        assert digest == whole[0]
        assert (a, b) == pytest.approx(whole[1:], abs=5)
    long = torch.arange(1000.0)[None, None].expand(2, 3, 1000)
    expected = digest_tensor(long.contiguous())
    assert digest_tensor(long) == expected


def test_the_digest_is_the_documented_one():
    if ALGORITHM != "xxh3_128":
        pytest.skip("xxhash is not installed")
    import xxhash

    t = torch.tensor([[1.5, -2.0]])
    seed = xxhash.xxh3_64_intdigest(b"float32[1, 2]")
    assert digest_tensor(t) == xxhash.xxh3_128_digest(struct.pack("=2f", 1.5, -2.0), seed=seed)


def test_a_tensor_and_an_array_of_the_same_bits_agree():
    np = pytest.importorskip("numpy")
    a = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    assert digest_tensor(torch.from_numpy(a)) == digest_object(a) == digest_object(torch.from_numpy(a))
    assert fingerprint(torch.from_numpy(a)) == fingerprint(a) == (digest_object(a), "float32", (3, 4))
    assert sketch(torch.from_numpy(a)) == sketch(a)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 5), min_size=0, max_size=4),
    st.randoms(use_true_random=False),
)
def test_any_view_digests_as_its_copy(dtype, shape, random):
    t = some(dtype, *shape, seed=random.randrange(1000))
    dims = list(range(t.dim()))
    random.shuffle(dims)
    view = t.permute(dims)
    if view.dim() and view.shape[0] > 1:
        view = view[random.randrange(view.shape[0]) :: random.choice((1, 2))]
    assert digest_tensor(view) == digest_tensor(view.contiguous().clone())
    assert repr(tensor_row(view)) == repr(tensor_row(view.contiguous().clone()))


def test_digests_change_nothing():
    t = torch.randn(4, 5, requires_grad=True)
    state, version = torch.get_rng_state(), t._version
    view = (t * 2).t()
    for x in (t, view):
        digest_tensor(x)
        tensor_row(x)
    assert torch.equal(torch.get_rng_state(), state)
    assert t._version == version
    view.sum().backward()
    assert torch.equal(t.grad, torch.full((4, 5), 2.0))
