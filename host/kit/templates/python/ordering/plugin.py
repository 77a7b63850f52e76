"""{{name}}: puts the largest file first."""

from wit_world.exports import Ordering as Contract
from wit_world.exports.ordering import Placement
from wit_world.imports.types import Description


class Ordering(Contract):
    def describe(self):
        return Description("{{name}}", "0.1.0", "puts the largest file first", [], [])
    def configure(self, parameters):
        pass
    def order(self, items):
        order = sorted(range(len(items)), key=lambda i: -items[i].size)
        return [Placement(i, f"{items[i].size} bytes") for i in order]
