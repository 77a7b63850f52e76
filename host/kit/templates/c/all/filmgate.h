// What a plugin in C needs of filmgate, in a few functions. Behind them are the generated bindings
// in bindings/, which can do everything that the contract in wit/ says.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "{{world}}.h"

// One parameter. `kind` is "integer", "decimal", "boolean", "text" or "choice".
typedef struct fg_parameter {
    const char *name, *summary, *kind;
    const char *unit;                // of a number, or NULL
    double minimum, maximum, number; // of a number: its range and default; of a boolean: 0 or 1
    const char *text;                // default of a text or choice
    const char *choices;             // separated by spaces
} fg_parameter;

// What the plugin says of itself. Define one, called `about`.
typedef struct fg_about {
    const char *name, *version, *summary;
    const char *formats;            // of a filter: the best first, separated by spaces
    bool serial;                    // of a filter: one instance sees every frame, in order
    const fg_parameter *parameters; // ends with {0}; or NULL
} fg_about;
extern const fg_about about;

typedef {{c_prefix}}_string_t fg_string; // ptr and len, in UTF-8, without a zero at its end
typedef struct fg_values fg_values;      // the parameters' values

double fg_number(const fg_values *values, const char *name); // a boolean is 0 or 1
fg_string fg_text(const fg_values *values, const char *name);
bool fg_equal(fg_string a, const char *b);
void fg_log(const char *message);
// Answers with an error, which is shown to the user; return right after it.
void fg_fail(const char *message);
