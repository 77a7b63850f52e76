// Joins an ordering policy to the generated bindings.
#include "filmgate_ordering.h"

typedef ordering_plugin_list_string_t fg_list_string;
#include "filmgate_common.inc"

void exports_filmgate_plugin_ordering_describe(
    exports_filmgate_plugin_ordering_description_t *description) {
    *description = (exports_filmgate_plugin_ordering_description_t){0};
    fg_describe(description);
}

bool exports_filmgate_plugin_ordering_configure(
    exports_filmgate_plugin_ordering_list_property_t *parameters,
    exports_filmgate_plugin_ordering_error_t *error) {
    fg_values values = {parameters->ptr, parameters->len};
    configure(&values);
    return fg_ended(error);
}

bool exports_filmgate_plugin_ordering_order(
    exports_filmgate_plugin_ordering_list_item_t *items,
    exports_filmgate_plugin_ordering_list_placement_t *placements,
    exports_filmgate_plugin_ordering_error_t *error) {
    size_t count = items->len;
    uint32_t *order = fg_array(count, sizeof(*order));
    order_items(items->ptr, count, order);
    placements->ptr = fg_array(count, sizeof(*placements->ptr));
    placements->len = count;
    for (size_t i = 0; i < count; i++) placements->ptr[i].item = order[i];
    free(order);
    exports_filmgate_plugin_ordering_list_item_free(items);
    return fg_ended(error);
}
