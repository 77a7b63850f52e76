"""{{name}}: numbers the outputs: clip-1.mp4, clip-2.mp4 …"""

from wit_world.exports import Naming as Contract
from wit_world.imports.types import Description


class Naming(Contract):
    def describe(self):
        return Description("{{name}}", "0.1.0", "numbers the outputs", [], [])
    def configure(self, parameters):
        pass
    def name(self, what):
        return f"clip-{what.index + what.attempt + 1}.{what.extension}"
