"""Addresses repeat, move with the variant, and can be replaced by the order of creation."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reprotest.factors import Setting
from reprotest.factors._identity import Serials

ID = "memory.address"

SETS = """
    class Thing:
        def __init__(self, name): self.name = name
    class Slotted:
        __slots__ = ("name",)
        def __init__(self, name): self.name = name
    class Derived(Thing): pass
    things = {Thing(n) for n in range(9)}
    print([t.name for t in things], [t.name for t in {Slotted(n) for n in range(9)}], [t.name for t in {Derived(n) for n in range(9)}])
"""


def held(variant: int = 0, identity: bool = False, hash_variant: int = 0) -> dict[str, Setting]:
    return {
        ID: Setting(seed=7, variant=variant, identity=identity),
        "python.hash": Setting(seed=7, variant=hash_variant),
    }


def randomised() -> bool:
    """Can this system switch randomisation off at all?"""
    probe = "import ctypes; print(ctypes.CDLL(None).personality(0x40000))"
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout
    return sys.platform == "linux" and out.strip() not in ("", "-1")


needs_personality = pytest.mark.skipif(not randomised(), reason="this container forbids personality(2)")


@needs_personality
def test_sets_of_objects_repeat_when_addresses_are_fixed_and_differ_between_variants(play) -> None:
    outs = [[play(SETS, held(variant)).out for _ in range(2)] for variant in (0, 1, 2)]
    assert all(first == second for first, second in outs)
    assert len({first for first, _ in outs}) > 1


def test_by_creation_order_the_hash_seed_does_not_matter_but_the_variant_does(play) -> None:
    outs = [play(SETS, held(0, True, seed)).out for seed in (0, 1, 2)]
    assert len(set(outs)) == 1
    assert play(SETS, held(1, True)).out != outs[0]


def test_by_creation_order_everything_else_about_hashing_stays(play) -> None:
    out = play(
        """
        import copy, dataclasses, enum, pickle, typing, weakref
        class Plain: pass
        class WithEq:
            def __init__(self, x): self.x = x
            def __eq__(self, other): return self.x == other.x
        class WithHash(WithEq):
            def __hash__(self): return 7
        class Later: pass
        Later.__hash__ = lambda self: 11
        @dataclasses.dataclass
        class Data: x: int = 0
        @dataclasses.dataclass(frozen=True)
        class Frozen: x: int = 0
        @dataclasses.dataclass(eq=False)
        class Identity: x: int = 0
        class Color(enum.Enum): RED = 1
        class Meta(type): pass
        class WithMeta(metaclass=Meta): pass

        plain = Plain()
        print(hash(plain) == hash(plain), plain in {plain}, {plain: 1}[plain], "__hash__" in vars(Plain), Plain.__hash__ is object.__hash__)
        for bad in (WithEq(1), Data()):
            try: hash(bad)
            except TypeError as error: print(error)
        print(hash(WithHash(1)), hash(Later()), hash(Frozen(3)) == hash(Frozen(3)), hash(Identity(1)) == hash(Identity(1)))
        print({Color.RED: 1}[Color.RED], {WithMeta: 2}[WithMeta], pickle.loads(pickle.dumps(Frozen(3))) in {Frozen(3)})
        table = weakref.WeakKeyDictionary({plain: 5}); proxies = weakref.WeakSet([plain])
        print(table[plain], plain in proxies); del plain; print(len(table), len(proxies))
        class Node:
            def __deepcopy__(self, memo):
                memo[id(self)] = new = Node()
                new.next = copy.deepcopy(self.next, memo)
                return new
        node = Node(); node.next = node
        twin = copy.deepcopy(node)
        print(twin.next is twin, id(node) == id(node), id(node) != id(twin))
        seen = {hash(Plain()) for _ in range(50)}  # each dies at once, its address is used again
        print(len(seen) > 25)
        """,
        held(0, True),
    ).out.splitlines()
    assert out == [
        "True True 1 False True",
        "unhashable type: 'WithEq'",
        "unhashable type: 'Data'",
        "7 11 True False",
        "1 2 True",
        "5 True",
        "0 0",
        "True True True",
        "True",
    ]


def test_the_lines_that_ask_for_an_id_are_noted(play) -> None:
    played = play(
        """
        import copy
        a = []
        print(id(a) == id(a))
        copy.deepcopy([a, a])  # the library's own use
        """
    )
    assert played.out == "True\n"
    assert played.uses[ID] == {"main.py:4": 2}


def test_the_padding_is_not_seen_by_the_program(play) -> None:
    out = play("import os; print([k for k in os.environ if 'PAD' in k], id.__name__, id.__module__)", held()).out
    assert out == "[] id builtins\n"


def test_tensors_too_are_told_apart_by_creation_order(play) -> None:
    pytest.importorskip("torch")
    source = """
        import torch
        parameters = [torch.nn.Parameter(torch.zeros(n + 1)) for n in range(9)]
        print([len(p) for p in set(parameters)], parameters[3] in set(parameters))
        modules = [torch.nn.Linear(n + 1, 1) for n in range(9)]
        print([m.in_features for m in set(modules)])
        twin = __import__("copy").deepcopy(torch.nn.Sequential(*modules))
        torch.optim.Adam(twin.parameters()).state_dict()
    """
    outs = {play(source, held(0, True, seed)).out for seed in (0, 1)}
    assert len(outs) == 1


def test_serial_numbers_are_given_in_the_order_of_asking_by_class() -> None:
    class A:
        pass

    class B:
        pass

    serials = Serials(0)
    a, b, c = A(), B(), A()
    assert [serials.of(x) for x in (a, b, c, a, b)] == [1, 1, 2, 1, 1]
    assert serials.hash(a) < serials.hash(c)


def test_printed_addresses_repeat_and_change_with_the_variant(play) -> None:
    source = """
        import dataclasses

        class Plain: pass
        class Child(Plain): pass
        class Named:
            def __repr__(self): return "named"
        @dataclasses.dataclass
        class Point:
            x: int = 1

        junk = [object() for _ in range(hash("seed") % 1000)]  # what lies where depends on the hash seed
        things = [kind() for _ in range(10) for kind in (Plain, Child)]
        assert all(repr(t).startswith(f"<__main__.{type(t).__name__} object at 0x7f") for t in things)
        assert len({*map(repr, things)}) == 20 and str(things[0]) == f"{things[0]}" == repr(things[0])
        assert int(repr(things[0]).split()[-1][:-1], 16) == id(things[0])
        assert (repr(Named()), repr(Point())) == ("named", "Point(x=1)")
        print([things.index(t) for t in sorted(things, key=repr)])
        Plain.__repr__ = lambda self: "plain"
        assert repr(things[0]) == repr(things[1]) == "plain"
    """
    outs = [play(source, held(0, True, seed)).out for seed in (0, 1)]
    assert outs[0] == outs[1]
    assert play(source, held(1, True)).out != outs[0]


def test_ids_by_creation_order_are_unique_and_change_with_the_variant_where_it_is_asked_for(play) -> None:
    source = """
        class A: pass
        class B: pass
        things = [kind() for _ in range(30) for kind in (A, B)]
        addresses = [id(thing) for thing in things]
        others = [id(thing) for thing in things]
        order = sorted(addresses)
        print(len(set(addresses)), addresses == others, [order.index(a) for a in addresses])
    """
    outs = []
    for setting in (
        Setting(seed=7, identity=True),
        Setting(seed=7, identity=True, variant=1),
        Setting(seed=7, identity=True, variant=1, only=("main.py:5", "main.py:6")),
        Setting(seed=7, identity=True, variant=1, only=("main.py:9",)),
    ):
        out = play(source, {ID: setting}).out
        assert out.startswith("60 True ")
        outs.append(out)
    assert outs[1] == outs[2] != outs[0] == outs[3]


def test_the_line_that_goes_through_a_set_of_classes(explain) -> None:  # type: ignore[no-untyped-def]
    report = explain(
        """
        import reprotest

        kinds = {type(f"Kind{i}", (), {}) for i in range(1000)}
        built = []
        for kind in kinds:
            built.append(kind.__name__)
        reprotest.observe("built", ",".join(built))
        """
    )
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("memory.address", True, "train.py:5")]
