// The functions of a naming policy, which you write.
#pragma once
#include "filmgate.h"

// sources, index, attempt, position, taken, extension, folders
typedef exports_filmgate_plugin_naming_request_t fg_request;

// Called once.
void configure(const fg_values *values);
// Writes the name of an output, with its extension, and gives back its length.
size_t name_output(const fg_request *request, char *name, size_t room);

// Appends a text or a number to a name of `length` bytes, and gives back its new length.
size_t fg_append(char *name, size_t length, size_t room, fg_string text);
size_t fg_append_number(char *name, size_t length, size_t room, uint64_t number);
