// Joins a naming policy to the generated bindings.
#include "filmgate_naming.h"

typedef naming_plugin_list_string_t fg_list_string;
#include "filmgate_common.inc"

size_t fg_append(char *name, size_t length, size_t room, fg_string text) {
    for (size_t i = 0; i < text.len && length < room; i++) name[length++] = (char)text.ptr[i];
    return length;
}

size_t fg_append_number(char *name, size_t length, size_t room, uint64_t number) {
    uint8_t digits[20];
    size_t first = sizeof digits;
    do digits[--first] = (uint8_t)('0' + number % 10);
    while (number /= 10);
    return fg_append(name, length, room, (fg_string){digits + first, sizeof digits - first});
}

void exports_filmgate_plugin_naming_describe(
    exports_filmgate_plugin_naming_description_t *description) {
    *description = (exports_filmgate_plugin_naming_description_t){0};
    fg_describe(description);
}

bool exports_filmgate_plugin_naming_configure(
    exports_filmgate_plugin_naming_list_property_t *parameters,
    exports_filmgate_plugin_naming_error_t *error) {
    fg_values values = {parameters->ptr, parameters->len};
    configure(&values);
    return fg_ended(error);
}

bool exports_filmgate_plugin_naming_name(fg_request *what, fg_string *name,
                                         exports_filmgate_plugin_naming_error_t *error) {
    const size_t room = 255;
    name->ptr = fg_array(room, 1);
    name->len = name_output(what, (char *)name->ptr, room);
    exports_filmgate_plugin_naming_request_free(what);
    return fg_ended(error);
}
