"""{{name}}: turns light to dark."""

from wit_world.exports import Filter as Contract
from wit_world.exports import filter as contract
from wit_world.imports.types import Description, ParameterSpec, Value_Integer

turned = bytes()


class Filter(Contract):
    def describe(self):
        strength = ParameterSpec("strength", "how much is turned", "integer", "%",
                                 Value_Integer(100), False, 0.0, 100.0, [], [])
        about = Description("{{name}}", "0.1.0", "turns light to dark", [strength], [])
        formats = ["yuv420p", "yuv422p", "yuv444p", "gray8"]
        return contract.FilterDescription(about, formats, contract.Concurrency.PARALLEL)

    # Each call is made on an object of its own; what has to last is a global of the module.
    def configure(self, input, parameters):
        global turned
        s = next(p.value.value for p in parameters if p.name == "strength")
        turned = bytes((v * (100 - s) + (255 - v) * s) // 100 for v in range(256))
        return input

    def process(self, input):
        input.set_plane(0, input.plane(0).translate(turned))
        return [input]

    def flush(self):
        return []
