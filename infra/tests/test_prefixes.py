"""The prefix of a stack, by the cases that regcred is held to as well."""

import json
import pathlib
import re
import unittest

from prefixes import stack_prefix

CASES = pathlib.Path(__file__).parents[2] / "tests" / "fixtures" / "prefixes.json"


class Prefixes(unittest.TestCase):
    def test_a_stack_name_becomes_the_head_of_its_prefix(self):
        cases = json.loads(CASES.read_text(encoding="utf-8"))
        self.assertGreater(len(cases), 5)
        for stack, prefix in cases:
            self.assertEqual(stack_prefix(stack), prefix, stack)

    def test_every_prefix_is_one_that_ecr_takes(self):
        for stack in ("a", "A" * 100, "x.y_z-" * 9, "9"):
            self.assertRegex(stack_prefix(stack), re.compile(r"\A(?=.{2,30}\Z)[a-z0-9]+(-+[a-z0-9]+)*\Z"))

    def test_a_name_without_a_letter_or_digit_is_refused(self):
        with self.assertRaisesRegex(ValueError, "ecrRepositoryPrefix"):
            stack_prefix("_._")
