// {{name}}: numbers the outputs: clip-1.mp4, clip-2.mp4 …
#include "filmgate_naming.h"

const fg_about about = {
    .name = "{{name}}", .version = "0.1.0", .summary = "numbers the outputs",
};

void configure(const fg_values *values) { (void)values; }

size_t name_output(const fg_request *request, char *name, size_t room) {
    size_t length = fg_append(name, 0, room, (fg_string){(uint8_t *)"clip-", 5});
    length = fg_append_number(name, length, room, request->index + request->attempt + 1);
    length = fg_append(name, length, room, (fg_string){(uint8_t *)".", 1});
    return fg_append(name, length, room, request->extension);
}
