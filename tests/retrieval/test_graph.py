"""The navigable graph: FAISS's graph gives FAISS's ids; an own one is as good; hostile input."""

import faiss
import numpy as np
import pytest

from ravm_course.retrieval.graph import NavigableGraph, in_different_directions, walk
from ravm_course.retrieval.neighbours import neighbour_recall


def clustered(n, dim=16, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(30, dim))
    return (centres[rng.integers(30, size=n)] + 0.5 * rng.normal(size=(n, dim))).astype(np.float32)


@pytest.fixture(scope="module")
def example():
    vectors, queries = clustered(1500), clustered(80, seed=1)
    away = ((queries[:, None].astype(float) - vectors) ** 2).sum(axis=2)
    theirs = faiss.IndexHNSWFlat(16, 8)
    theirs.add(vectors)
    return vectors, queries, np.argsort(away, axis=1)[:, :10], theirs


@pytest.mark.parametrize("ef", [10, 16, 64])
def test_a_walk_on_the_graph_of_faiss_finds_what_faiss_finds(example, ef):
    _, queries, _, theirs = example
    theirs.hnsw.efSearch = ef
    distances, expected = theirs.search(queries, 10)
    graph = NavigableGraph.from_faiss(theirs)
    ours, found = graph.search(queries, 10, ef)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(ours, distances, atol=1e-4)
    assert len(graph) == 1500
    assert (graph.m, len(graph.layers[0])) == (8, 1500)


def test_an_own_graph_is_as_good_as_that_of_faiss(example):
    vectors, queries, exact, theirs = example
    graph = NavigableGraph(16, m=8)
    graph.add(vectors[:700])
    graph.add(vectors[700:])
    for ef in (10, 32):
        theirs.hnsw.efSearch = ef
        ours = neighbour_recall(graph.search(queries, 10, ef)[1], exact).mean()
        other = neighbour_recall(theirs.search(queries, 10)[1], exact).mean()
        assert ours > other - 0.03
    assert neighbour_recall(graph.search(queries, 10, 200)[1], exact).mean() > 0.99
    for level, links in enumerate(graph.layers):
        assert max(map(len, links.values())) <= (8 if level else 16)
        assert all(node not in others for node, others in links.items()), "no link to itself"
        assert all(len(set(others)) == len(others) for others in links.values())


def test_a_larger_ef_looks_at_more_and_finds_more(example):
    vectors, queries, exact, _ = example
    graph = NavigableGraph(16, m=6)
    graph.add(vectors)
    looked, recalls = [], []
    for ef in (10, 20, 40, 80):
        traces = [graph.trace(q, ef)[1] for q in queries]
        looked.append(np.mean([sum(map(len, layers)) for layers in traces]))
        recalls.append(neighbour_recall(graph.search(queries, 10, ef)[1], exact).mean())
    assert (np.diff(looked) > 0).all()
    assert (np.diff(recalls) >= 0).all()
    assert looked[-1] < 900, "fewer than all"


@pytest.mark.parametrize("options", [{}, {"layered": False}, {"diverse": False}])
def test_every_node_finds_itself_in_a_connected_graph(options):
    vectors = np.random.default_rng(0).random((300, 2))
    graph = NavigableGraph(2, m=5, **options)
    graph.add(vectors)
    assert len(graph.layers) > 1 or not graph.layered
    found = graph.search(vectors, 1, ef=60)[1][:, 0]
    assert (found == np.arange(300)).mean() > 0.98
    again = NavigableGraph(2, m=5, **options)
    again.add(vectors)
    assert again.layers == graph.layers


def test_greedy_ends_where_no_neighbour_is_nearer():
    """On a horseshoe the way to the query leads away from it first."""
    points = np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 4.0], [3.0, 4.0], [3.0, 2.0], [3.0, 0.0]])
    links = {i: [j for j in (i - 1, i + 1) if 0 <= j < 6] for i in range(6)}
    query = np.array([2.6, 0.0])
    assert walk(points, links, query, [0], ef=1)[0][0][1] == 0
    assert walk(points, links, query, [0], ef=6)[0][0][1] == 5
    best, seen = walk(points, links, query, [0], ef=6)
    assert [node for _, node in best][:2] == [5, 4]
    assert seen[0] == 0
    assert sorted(seen) == list(range(6))


def test_a_walk_among_some_goes_through_the_others_and_keeps_none_of_them(example):
    vectors, queries, _, theirs = example
    graph = NavigableGraph.from_faiss(theirs)
    allowed = np.random.default_rng(5).choice(1500, 75, replace=False)
    away = ((queries[:, None].astype(float) - vectors[allowed]) ** 2).sum(axis=2)
    exact = allowed[np.argsort(away, axis=1)[:, :10]]
    some, found, looked = set(allowed.tolist()), [], []
    for query in queries:
        best, seen = graph.trace(query, 10, some)
        found.append([node for _, node in best])
        looked.append(sum(map(len, seen)))
    assert set(np.concatenate(found).tolist()) <= some
    assert neighbour_recall(found, exact).mean() > 0.95
    free = [sum(map(len, graph.trace(query, 10)[1])) for query in queries]
    assert np.mean(looked) > 1.5 * np.mean(free)  # what it costs
    best, seen = graph.trace(queries[0], 10, allowed=set())
    assert best == []
    assert len(seen[-1]) > 0.9 * len(graph)  # it looked at all that can be reached, in vain


def test_directions():
    points = np.array([[1.0, 0.0], [1.2, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    candidates = [(1.0, 0), (1.44, 1), (4.0, 2), (9.0, 3)]
    assert in_different_directions(points, candidates, 4) == [0, 2, 3]
    assert in_different_directions(points, candidates, 1) == [0]


def test_hostile_input():
    graph = NavigableGraph(2, m=2)
    with pytest.raises(ValueError, match="the graph is empty"):
        graph.search(np.zeros((1, 2)), 1)
    for bad in (np.zeros((1, 3)), np.zeros(2)):
        with pytest.raises(ValueError, match=r"expected \(N, 2\)"):
            graph.add(bad)
    with pytest.raises(ValueError, match="NaN"):
        graph.add(np.array([[1.0, np.nan]]))
    assert len(graph) == 0
    graph.add(np.zeros((40, 2)))  # all on one place
    distances, found = graph.search(np.zeros((1, 2)), 5, ef=5)
    assert (distances == 0).all()
    assert len(set(found[0].tolist())) == 5
    few = NavigableGraph(2)
    few.add(np.eye(2))
    assert few.search(np.zeros((1, 2)), 3)[1].tolist() == [[0, 1, -1]]
    with pytest.raises(ValueError, match="expected at least"):
        NavigableGraph(2, m=1)
