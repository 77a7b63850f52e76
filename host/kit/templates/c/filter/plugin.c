// {{name}}: turns light to dark.
#include "filmgate_filter.h"

static const fg_parameter parameters[] = {
    {.name = "strength", .summary = "how much is turned", .kind = "integer", .unit = "%",
     .minimum = 0, .maximum = 100, .number = 100},
    {0},
};

const fg_about about = {
    .name = "{{name}}", .version = "0.1.0", .summary = "turns light to dark",
    .formats = "yuv420p yuv422p yuv444p gray8",
    .parameters = parameters,
};

static unsigned strength;

void configure(fg_stream *stream, const fg_values *values) {
    (void)stream;
    strength = (unsigned)fg_number(values, "strength");
}

void process(fg_frame frame) {
    fg_samples light = fg_plane(frame, 0);
    uint8_t *sample = light.ptr;
    size_t count = light.len;
    for (size_t i = 0; i < count; i++) {
        sample[i] = (uint8_t)((sample[i] * (100 - strength) + (255 - sample[i]) * strength) / 100);
    }
    fg_set_plane(frame, 0, light);
    fg_put(frame);
}
