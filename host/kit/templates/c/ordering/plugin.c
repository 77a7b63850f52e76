// {{name}}: puts the largest file first.
#include "filmgate_ordering.h"

const fg_about about = {
    .name = "{{name}}", .version = "0.1.0", .summary = "puts the largest file first",
};

void configure(const fg_values *values) { (void)values; }

void order_items(const fg_item *items, size_t count, uint32_t *order) {
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && items[order[at - 1]].size < items[i].size; at--) order[at] = order[at - 1];
        order[at] = (uint32_t)i;
    }
}
