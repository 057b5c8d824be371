"""NumPy arrays of every kind; what does not belong to the value (padding, what lies under a mask) is not seen."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

from reprotest.digest import digest_array, digest_object, fingerprint, sketch, walk  # noqa: E402


@pytest.mark.parametrize(
    "dtype",
    [
        "f2",
        "f4",
        "f8",
        "c8",
        "c16",
        "i1",
        "i2",
        "i4",
        "i8",
        "u1",
        "u2",
        "u4",
        "u8",
        "?",
        "M8[s]",
        "m8[ms]",
        "U3",
        "S3",
        "V4",
    ],
)
def test_every_dtype_sees_each_element_and_no_strides(dtype):
    raw = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 100, 24 * 16, dtype=np.uint8)
    a = raw[: 24 * np.dtype(dtype).itemsize].view(dtype).reshape(4, 6)
    assert digest_array(a) == digest_array(np.asfortranarray(a)) == digest_array(np.repeat(a, 2, axis=0)[::2])
    assert digest_array(a[::-1]) != digest_array(a)
    assert digest_array(a.reshape(6, 4)) != digest_array(a)
    changed = a.copy()
    changed[3, 5] = changed[0, 0]
    assert (digest_array(changed) == digest_array(a)) == (changed[3, 5] == a[3, 5])


def test_long_doubles_without_their_padding():
    a = np.array([1.5, -2.25], np.longdouble)
    if a.itemsize != 16:
        pytest.skip("no 80-bit long double here")
    b = a.copy()
    b.view(np.uint8)[15] = 77  # padding
    assert digest_array(a) == digest_array(b)
    b[1] = 3
    assert digest_array(a) != digest_array(b)
    z = a.astype(np.clongdouble)
    assert digest_array(z) == digest_array(z.copy()) != digest_array(z + 1j)


def test_structured_arrays_without_their_padding():
    dtype = np.dtype([("x", "u1"), ("y", "f8")], align=True)
    raw = np.zeros(3 * dtype.itemsize, np.uint8)
    dirty = raw.copy()
    dirty[1] = 99
    a, b = raw.view(dtype), dirty.view(dtype)
    assert digest_array(a) == digest_array(b)
    b["y"][2] = 1
    assert digest_array(a) != digest_array(b)
    renamed = a.view(np.dtype({"names": ["x", "z"], "formats": ["u1", "f8"], "offsets": [0, 8], "itemsize": 16}))
    assert digest_array(a) != digest_array(renamed)
    assert [path for path, _ in walk(a)] == ["['x']", "['y']"]


def test_masked_arrays_without_what_lies_under_the_mask():
    a = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    b = np.ma.array([1.0, 99.0, 3.0], mask=[0, 1, 0])
    assert digest_array(a) == digest_array(b)
    assert digest_array(a) != digest_array(np.ma.array([1.0, 2.0, 3.0], mask=[0, 0, 0]))
    assert digest_array(a) != digest_array(np.asarray([1.0, 0.0, 3.0]))


def test_other_byte_order_is_another_dtype():
    a = np.arange(3, dtype="<f4")
    assert digest_array(a) != digest_array(a.astype(">f4"))
    assert fingerprint(a.astype(">f4"))[1:] == (">f4", (3,))


def test_scalars_and_empty_arrays():
    assert digest_object(np.float32(1.5)) == digest_array(np.array(1.5, np.float32)) != digest_object(1.5)
    assert digest_object(np.float64(1.5)) != digest_object(1.5)  # another type, though a subclass
    shapes = [(0,), (0, 3), (3, 0), (), (1,)]
    assert len({digest_array(np.zeros(shape)) for shape in shapes}) == len(shapes)
    assert sketch(np.float64(2.5)) == (2.5, 0.0)


def test_arrays_of_objects_are_walked():
    a = np.array([1, "two", None, [3.0]], dtype=object)
    b = np.array([1, "two", None, [3.0]], dtype=object)
    assert digest_object(a) == digest_object(b)
    b[3][0] = 3.5
    assert digest_object(a) != digest_object(b)
    assert digest_object(a.reshape(2, 2)) != digest_object(a)
    assert [path for path, _ in walk(a)] == ["[0]", "[1]", "[2]", "[3]"]


def test_strings_of_variable_width():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("this NumPy has no StringDType")
    dtype = np.dtypes.StringDType()
    a, b, c = (np.array(["one", text], dtype=dtype) for text in ("two", "two", "three, a much longer one"))
    assert digest_object(a) == digest_object(b) != digest_object(c)


def test_subclasses_and_read_only_arrays():
    a = np.arange(4.0)
    a.setflags(write=False)
    assert digest_array(a) == digest_array(np.arange(4.0))
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0]])
    assert digest_object(matrix) == digest_array(np.array([[1.0, 2.0]]))
    assert digest_object(np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])) != digest_object(
        np.rec.array([(1, 3.0)], dtype=[("a", "i4"), ("b", "f8")])
    )
