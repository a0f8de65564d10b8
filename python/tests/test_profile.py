"""Profiles: the tables, the events and the file of what ran in a with block, and what is refused."""

import json
import os
import tempfile
import unittest

import cnn
from cnn import nn
from cnn.nn import functional as F


class Profile(unittest.TestCase):
    def setUp(self):
        self.model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 3))
        self.images, self.labels = cnn.rand(2, 1, 8, 8), cnn.tensor([0, 2])

    def recorded(self, **given):
        with cnn.profile(**given) as p:
            F.cross_entropy(self.model(self.images), self.labels).backward()
        cnn.relu(self.images)  # after the block nothing is recorded
        return p

    def test_tables(self):
        p = self.recorded()
        operations, modules = p.table(), p.table("modules")
        self.assertRegex(operations, r"^operation +launches +ms ")
        self.assertRegex(operations, r"(?m)^linear +1 ")
        self.assertRegex(operations, r"(?m)^cross_entropy \(backward\) +1 ")
        self.assertRegex(modules, r"(?m)^ *Linear: 3 +1 ")
        self.assertEqual(p.table("OPERATIONS"), operations)
        self.assertEqual(p.table(cnn.ProfileTable.MODULES), modules)

    def test_events(self):
        p = self.recorded()
        launches = [e for e in p.events if e.kind == cnn.ProfileKind.LAUNCH]
        linear = [e for e in launches if e.name == "linear" and not e.backward]
        self.assertEqual(len(linear), 1)
        self.assertEqual(linear[0].flops, 2 * 2 * 144 * 3)
        self.assertEqual((linear[0].path, linear[0].thread, linear[0].queued), ("3", 0, False))
        self.assertTrue(any(e.backward for e in launches))
        modules = [e.name for e in p.events if e.kind == cnn.ProfileKind.MODULE]
        self.assertEqual(modules[-1], "Sequential")
        for e in p.events:
            self.assertGreaterEqual(e.seconds, e.self_seconds)
            self.assertGreater(e.seconds, 0)
        self.assertFalse(any(e.name == "relu" and e.path == "" for e in launches))
        self.assertEqual(p.dropped, 0)

    def test_limit(self):
        p = self.recorded(limit=2)
        self.assertEqual(len(p.events), 2)
        self.assertGreater(p.dropped, 5)

    def test_file(self):
        p = self.recorded()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "träce.json")
            p.save(path)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(len(json.load(file)["traceEvents"]), len(p.events))
            with self.assertRaises(cnn.FileError):
                p.save(os.path.join(folder, "none", "trace.json"))

    def test_an_exception_ends_it(self):
        p = cnn.profile()
        with self.assertRaises(ZeroDivisionError):
            with p:
                cnn.relu(self.images)
                1 / 0
        self.assertEqual([e.name for e in p.events], ["relu"])
        with cnn.profile() as again:
            pass
        self.assertEqual(again.events, [])
        self.assertTrue(again.table().startswith("operation"))

    def test_refused(self):
        for early in (lambda p: p.table(), lambda p: p.save("x"), lambda p: p.events, lambda p: p.dropped):
            with self.assertRaisesRegex(cnn.StateError, "nothing is recorded"):
                early(cnn.profile())
            with cnn.profile() as p:
                with self.assertRaisesRegex(cnn.StateError, "has not ended"):
                    early(p)
        with self.assertRaisesRegex(cnn.StateError, "records one block"):
            p.__enter__()
        with cnn.profile():
            with self.assertRaises(cnn.StateError):
                cnn.profile().__enter__()
        with self.assertRaisesRegex(ValueError, "none of operations, modules"):
            p.table("layers")
        with self.assertRaisesRegex(cnn.ArgumentError, "limit is 0"):
            cnn.profile(limit=0)

    def test_a_context_of_its_own(self):
        context = cnn.Context(threads=1)
        x = cnn.ones(2, context=context)
        with cnn.profile(context) as p:
            cnn.relu(self.images)
            cnn.exp(x)
        self.assertEqual([e.name for e in p.events], ["exp"])


if __name__ == "__main__":
    unittest.main()
